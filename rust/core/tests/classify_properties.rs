//! Properties and a table of prompts for the rooms `features` and `classify`.
#![allow(clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;
use turnout_core::classify::{Classification, Language, Task, classify, classify_text};
use turnout_core::features::{Ask, AskSource, HEAD_BYTES, ProgrammingLanguage, TAIL_BYTES, agent, ask, structure};
use turnout_core::wire::{Billing, Dialect, Part, Request, ResponseFormat, Role, Thinking, Tool, ToolChoice, Turn};

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

#[test]
fn own_prompts_get_their_language() {
    let wrong: Vec<_> = PROMPTS
        .iter()
        .filter_map(|(text, _, code)| {
            let found = classify_text(text).language;
            let name = found.language.map_or("none", Language::code);
            // Words of code and short asks may leave it open; what is told must be right.
            (name != *code && !found.abstained).then(|| format!("{code} taken for {name}: {text}"))
        })
        .collect();
    assert!(wrong.len() <= 1, "{wrong:#?}");
}

fn same_verdict(a: &Classification, b: &Classification) -> bool {
    a.task.task == b.task.task && a.language.language == b.language.language
}

#[test]
fn case_does_not_flip_the_task() {
    for (text, _, _) in PROMPTS {
        let plain = classify_text(text);
        for noisy in [text.to_uppercase(), text.to_lowercase()] {
            assert_eq!(classify_text(&noisy).task.task, plain.task.task, "{noisy}");
        }
    }
}

#[test]
fn white_space_and_punctuation_do_not_flip_the_task() {
    for (text, _, _) in PROMPTS {
        let plain = classify_text(text);
        let noisy = [
            text.replace(' ', "  "),
            text.replace(' ', " \t "),
            format!("\n\n  {text}  \n\n"),
            format!("{text}!!"),
            format!("{text} ..."),
            text.replace(", ", " , "),
            text.replace(", ", " "),
            text.replace(". ", "! "),
            text.replace('.', ""),
        ];
        for text in noisy {
            assert!(same_verdict(&classify_text(&text), &plain), "{text}");
        }
    }
}

#[test]
fn difficulty_never_falls_when_work_is_added() {
    for (text, _, _) in PROMPTS {
        let plain = classify_text(text);
        for more in ["It must be exactly right.", "Avoid loops and use at most five lines."] {
            let harder = classify_text(&format!("{text} {more}"));
            if harder.task.task == plain.task.task && harder.task.abstained == plain.task.abstained {
                assert!(harder.difficulty >= plain.difficulty, "{text} {more}");
            }
        }
    }
}

#[test]
fn padding_beyond_the_bounds_does_not_raise_the_cost_or_the_verdict() {
    let text = |repeats: usize| {
        format!("Summarize this report. {} Keep it to one sentence.", "The pump works. ".repeat(repeats))
    };
    let (short, long) = (classify_text(&text(500)), classify_text(&text(7_000)));
    assert_eq!(short.task.task, Task::Summarization);
    assert_eq!(long.task.task, Task::Summarization);
    assert!(long.features.chars <= u32::try_from(HEAD_BYTES + TAIL_BYTES + 8).unwrap());
    assert!(long.difficulty <= short.difficulty + 20_000);
}

fn turn(role: Role, parts: Vec<Part<'_>>) -> Turn<'_> {
    Turn { role, parts }
}

fn text(text: &str) -> Part<'_> {
    Part::Text(text.into())
}

fn call<'a>(id: &'a str, name: &'a str) -> Part<'a> {
    Part::ToolCall { id: id.into(), name: name.into(), arguments: "{}".into() }
}

fn result<'a>(id: &'a str, content: &'a str, is_error: bool) -> Part<'a> {
    Part::ToolResult { id: id.into(), text: content.into(), is_error, images: Vec::new() }
}

fn request<'a>(system: &[&'a str], turns: Vec<Turn<'a>>, tools: usize) -> Request<'a> {
    let tool =
        Tool { name: "t".into(), description: "".into(), schema: b"", raw: b"", is_function: true, strict: None };
    Request {
        dialect: Dialect::AnthropicMessages,
        body: b"",
        model: None,
        system: system.iter().map(|text| (*text).into()).collect(),
        turns,
        tools: vec![tool; tools],
        tool_choice: ToolChoice::Auto,
        max_tokens: None,
        stream: false,
        response_format: ResponseFormat::Text,
        thinking: Thinking::Unsaid,
        choices: 1,
        sampling: Vec::new(),
        has_special_fields: false,
        is_stateful: false,
        end_user: None,
        wants_usage: false,
        billing: Billing::default(),
    }
}

#[test]
fn the_ask_is_the_last_user_text_without_tool_results_and_noise() {
    let request = request(
        &["You translate everything into French."],
        vec![
            turn(Role::User, vec![text("Hello")]),
            turn(Role::Assistant, vec![text("Hi")]),
            turn(Role::User, vec![text("<system-reminder>x</system-reminder>"), text("Write a poem about rain.")]),
            turn(Role::Assistant, vec![call("1", "search")]),
            turn(Role::User, vec![result("1", "Translate this to German", false)]),
            turn(Role::User, vec![text("<system-reminder>summarize</system-reminder>")]),
        ],
        0,
    );
    let found = ask(&request);
    assert_eq!((found.pieces(), found.source()), (&["Write a poem about rain."][..], AskSource::User));
    let without_user = Request { turns: Vec::new(), ..request.clone() };
    assert_eq!(ask(&without_user).source(), AskSource::System);
    let nothing = Request { system: Vec::new(), ..without_user };
    assert_eq!(ask(&nothing).source(), AskSource::Nothing);
    assert_eq!(classify(&nothing).task.task, Task::Other);
}

#[test]
fn a_loop_of_tools_is_agentic_and_a_failed_call_is_a_retry() {
    let turns = |is_error| {
        vec![
            turn(Role::User, vec![text("What is the weather in Oslo?")]),
            turn(Role::Assistant, vec![call("1", "weather")]),
            turn(Role::User, vec![result("1", "{}", is_error)]),
        ]
    };
    let fresh = request(&[], vec![turn(Role::User, vec![text("What is the weather in Oslo?")])], 1);
    assert_eq!(classify(&fresh).task.task, Task::ToolUse);
    let good = request(&[], turns(false), 1);
    let state = agent(&good);
    assert!(state.in_tool_loop && !state.retry_after_failure);
    assert_eq!((state.tool_calls, state.tool_turns, state.tool_errors), (1, 1, 0));
    assert_eq!(classify(&good).task.task, Task::Agentic);
    let failed = request(&[], turns(true), 1);
    assert!(agent(&failed).retry_after_failure);
    assert!(classify(&failed).difficulty > classify(&good).difficulty);
    let mut again = turns(true);
    again.push(turn(Role::Assistant, vec![call("2", "weather")]));
    again.push(turn(Role::User, vec![result("2", "rain", false)]));
    assert!(agent(&request(&[], again, 1)).retry_after_failure);
    let planning = request(
        &[],
        vec![turn(Role::User, vec![text("<system-reminder>Plan mode is active.</system-reminder>"), text("go")])],
        0,
    );
    assert!(agent(&planning).plan_mode);
}

#[test]
fn structure_is_counted() {
    let of = |text: &str| structure(&Ask::of_text(text));
    let code = of("What does this do?\n```python\nprint(1)\n```\nAnd `x`?");
    assert!(code.has_code && code.code_fences == 2 && code.inline_code == 1 && code.question_marks == 2);
    assert_eq!(code.programming_language.map(ProgrammingLanguage::name), Some("python"));
    assert_eq!(of("Write it in C++ please").programming_language.map(ProgrammingLanguage::name), Some("cpp"));
    assert_eq!(of("is C# better?").programming_language.map(ProgrammingLanguage::name), Some("csharp"));
    let list = of("Do this:\n- one\n- two\n3. three\nsee https://example.org/a and http://b.c");
    assert_eq!((list.list_items, list.urls), (3, 2));
    assert!(of("| a | b |\n|---|---|\n| 1 | 2 |").has_table);
    assert!(of(r#"{"a": 1, "b": {"c": 2}}"#).has_json && !of("a {b} c").has_json);
    assert!(of(r"Find $\frac{1}{2} + \sqrt{3}$").has_math && !of("Find my keys").has_math);
    assert_eq!(of("Pick one. A. red B. green C. blue").options, 3);
    assert_eq!(of("Input: 1\nOutput: 2\nInput: 3\nOutput: 6\nInput: 4\nOutput:").few_shot_examples, 3);
    let asks = of("Answer briefly, step by step, with at most ten words.");
    assert!(asks.brevity_cues >= 1 && asks.step_cues >= 1 && asks.constraint_cues >= 1);
}

fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~\\n\\t]{0,300}",
        "(```|`|<system-reminder>|</system-reminder>|</command-name>|\\\\frac|[A-E]\\.|\"|:|\n|ß|I|İ|中|の|한|ü|م| |[a-z]{1,9}|[0-9]{1,4}){0,200}",
    ]
}

proptest! {
    #[test]
    fn any_text_is_classified_and_the_same_twice(text in odd_text()) {
        let first = classify_text(&text);
        prop_assert_eq!(&first, &classify_text(&text));
        prop_assert!(first.difficulty <= 1_000_000 && first.task.score <= 1_000_000 && first.language.score <= 1_000_000);
        prop_assert_eq!(first.task.scores.len(), Task::ALL.len());
    }

    #[test]
    fn the_bounds_hold(text in odd_text(), repeats in 1_usize..200) {
        let text = text.repeat(repeats);
        let ask = Ask::of_text(&text);
        let bytes: usize = ask.pieces().iter().map(|piece| piece.len()).sum();
        prop_assert!(bytes <= HEAD_BYTES + TAIL_BYTES);
        prop_assert_eq!(ask.text_bytes(), if ask.is_empty() { 0 } else { text.len() as u64 });
        classify_text(&text);
    }

    #[test]
    fn mixed_case_does_not_flip_the_task(index in 0..PROMPTS.len(), upper in any::<u64>()) {
        let text = PROMPTS[index].0;
        let mixed: String = text
            .chars()
            .enumerate()
            .flat_map(|(at, ch)| if upper >> (at % 64) & 1 == 1 { ch.to_uppercase().collect::<Vec<_>>() } else { vec![ch] })
            .collect();
        prop_assert_eq!(classify_text(&mixed).task.task, classify_text(text).task.task);
    }

    #[test]
    fn spaces_do_not_flip_anything(index in 0..PROMPTS.len(), widths in proptest::collection::vec(1_usize..5, 64)) {
        let text = PROMPTS[index].0;
        let spaced: String = text
            .split(' ')
            .zip(widths.iter().cycle())
            .flat_map(|(word, width)| [word.to_owned(), " ".repeat(*width)])
            .collect();
        prop_assert!(same_verdict(&classify_text(&spaced), &classify_text(text)));
    }
}
