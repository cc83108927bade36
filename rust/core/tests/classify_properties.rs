//! Properties and a table of prompts for the rooms `features` and `classify`.
#![allow(clippy::indexing_slicing, reason = "tests")]

use turnout_core::classify::{Task, classify_text};

/// Prompts written for this test, in sixteen languages, with the task that a person would name and the language.
const PROMPTS: &[(&str, Task, &str)] = &[
    ("Write a Python function that merges two sorted lists without using sort().", Task::Code, "en"),
    (
        "Why does my React component re-render twice on every click? I use useEffect with an empty dependency array.",
        Task::Code,
        "en",
    ),
    ("Schreibe mir ein Bash-Skript, das alle Logdateien älter als 30 Tage komprimiert.", Task::Code, "de"),
    ("用 Java 实现一个线程安全的 LRU 缓存，并解释时间复杂度。", Task::Code, "zh"),
    (
        "Напиши SQL-запрос, который выбирает пять клиентов с наибольшей суммой заказов за прошлый месяц.",
        Task::Code,
        "ru",
    ),
    ("Solve for x: 3x^2 - 12x + 9 = 0", Task::Math, "en"),
    (
        "A train leaves at 9:15 and travels 240 km at 80 km/h. At what time does it arrive, and how many minutes does it spend on the last 60 km?",
        Task::Math,
        "en",
    ),
    ("Calcule a derivada de f(x) = x^3 ln(x) e simplifique o resultado.", Task::Math, "pt"),
    (
        "Bir torbada 5 kırmızı ve 7 mavi top var. Arka arkaya iki kırmızı çekme olasılığı kaçtır? Hesapla.",
        Task::Math,
        "tr",
    ),
    ("証明してください：素数は無限に存在する。", Task::Math, "ja"),
    (
        "On an island knights always tell the truth and knaves always lie. Anna says that Ben is a knave. Ben says both of them are knights. Who is what?",
        Task::Reasoning,
        "en",
    ),
    (
        "Which of the following statements must be true if all roses are flowers and some flowers fade quickly? A. All roses fade. B. Some roses fade. C. None of these follows.",
        Task::Reasoning,
        "en",
    ),
    ("Anna ist älter als Ben, Ben ist älter als Clara. Wer ist am jüngsten? Begründe logisch.", Task::Reasoning, "de"),
    ("Extract every person, company and date from this press release and return JSON.", Task::Extraction, "en"),
    (
        "Extrae todos los correos electrónicos y números de teléfono del siguiente texto: Juan, juan@ejemplo.es, 600 123 456",
        Task::Extraction,
        "es",
    ),
    ("Wypisz wszystkie daty i kwoty z tej faktury w formie tabeli.", Task::Extraction, "pl"),
    ("Summarize the meeting notes below in three bullet points.", Task::Summarization, "en"),
    ("Résume cet article en cinq phrases pour un lecteur pressé.", Task::Summarization, "fr"),
    ("이 기사를 세 문장으로 요약해 주세요.", Task::Summarization, "ko"),
    ("لخص المقال التالي في فقرة واحدة", Task::Summarization, "ar"),
    ("Translate to Spanish: The meeting has been moved to Thursday afternoon.", Task::Translation, "en"),
    ("Переведи на английский: Завтра утром мы едем на дачу.", Task::Translation, "ru"),
    ("इस वाक्य का अंग्रेजी में अनुवाद करें: मुझे कल स्कूल जाना है।", Task::Translation, "hi"),
    ("把下面这句话翻译成法语：我明天不能来上班。", Task::Translation, "zh"),
    (
        "Classify the sentiment of this review as positive, negative or neutral: The battery died after two days.",
        Task::Classification,
        "en",
    ),
    ("Classifica questa email come spam o non spam: Hai vinto un milione di euro!", Task::Classification, "it"),
    (
        "Визнач тональність відгуку: позитивна чи негативна? Доставка запізнилась на тиждень.",
        Task::Classification,
        "uk",
    ),
    ("Why is the sky blue?", Task::OpenQa, "en"),
    ("What are the main differences between a llama and an alpaca?", Task::OpenQa, "en"),
    ("¿Quién escribió Don Quijote y en qué año se publicó la primera parte?", Task::OpenQa, "es"),
    ("Wat is het verschil tussen een virus en een bacterie?", Task::OpenQa, "nl"),
    ("Türkiye'nin başkenti neresidir ve neden İstanbul değildir?", Task::OpenQa, "tr"),
    (
        "According to the passage, why did the company close its factory? Passage: In 1998 the firm lost its largest customer and could not pay the rent of the plant in Ohio.",
        Task::ClosedQa,
        "en",
    ),
    (
        "Beantworte die Frage nur anhand des folgenden Textes: Wann wurde die Brücke gebaut? Text: Die Brücke wurde nach dem Hochwasser von 1954 errichtet.",
        Task::ClosedQa,
        "de",
    ),
    ("Write a haiku about autumn rain.", Task::CreativeWriting, "en"),
    ("Invente une histoire courte sur un phare qui a peur du noir.", Task::CreativeWriting, "fr"),
    ("Napisz wiersz o starym rowerze, który marzy o morzu.", Task::CreativeWriting, "pl"),
    ("Придумай сказку о медведе, который боялся зимы.", Task::CreativeWriting, "ru"),
    ("写一首关于秋天的诗。", Task::CreativeWriting, "zh"),
    (
        "Rewrite this paragraph so that it sounds more professional: we kinda messed up the order, sorry bout that",
        Task::Rewriting,
        "en",
    ),
    ("Corrige la grammaire de cette phrase : les enfants a mangé toutes les pomme.", Task::Rewriting, "fr"),
    ("次の文をもっと丁寧な表現に書き直してください：明日までに送って。", Task::Rewriting, "ja"),
    ("Hi there, how are you today?", Task::Chat, "en"),
    ("Ciao, come stai? Oggi mi sento un po' giù.", Task::Chat, "it"),
    ("안녕! 요즘 어떻게 지내?", Task::Chat, "ko"),
    ("Set a reminder for tomorrow at 8 am to call the dentist.", Task::ToolUse, "en"),
    ("¿Qué tiempo hace? Busca en internet el clima en Bogotá y resérvame un taxi.", Task::ToolUse, "es"),
    ("Run the tests, fix the failing ones and open a pull request in this repo.", Task::Agentic, "en"),
    ("Plan a four-day itinerary for Lisbon with two children and a small budget.", Task::Planning, "en"),
    ("Erstelle einen Lernplan für die nächsten sechs Wochen bis zur Prüfung.", Task::Planning, "de"),
    ("Zaplanuj mi trzydniowy wyjazd w Tatry z noclegami.", Task::Planning, "pl"),
];

/// The prompts of the table that are told wrong today; a fix takes its line out.
const KNOWN_WRONG: &[&str] = &[];

#[test]
fn own_prompts_get_their_task() {
    let mut wrong = Vec::new();
    for (text, expected, _) in PROMPTS {
        let found = classify_text(text).task;
        if found.task != *expected {
            wrong.push(format!("{expected:?} taken for {:?}: {text}\n    {:?}", found.task, &found.scores[..3]));
        }
    }
    let right = PROMPTS.len() - wrong.len();
    assert!(right * 10 >= PROMPTS.len() * 9, "{right} of {}:\n{}", PROMPTS.len(), wrong.join("\n"));
    let listed = wrong.iter().all(|line| KNOWN_WRONG.iter().any(|known| line.contains(known)));
    assert!(listed && wrong.len() == KNOWN_WRONG.len(), "the list is not up to date:\n{}", wrong.join("\n"));
}
