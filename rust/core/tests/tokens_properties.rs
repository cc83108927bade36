//! Tokens and the scan under any text: no panic, bounds in order, sums, and no text that takes long.

use std::borrow::Cow;

use proptest::prelude::*;
use turnout_core::text::{Scanner, Script, TextScan, scan};
use turnout_core::tokens::{Family, Method, count_exact, count_request_exact, count_text, encode, estimate, measure};
use turnout_core::wire::{Billing, Dialect, Part, Request, ResponseFormat, Role, Thinking, ToolChoice, Turn};

fn request<'a>(system: Vec<Cow<'a, str>>, turns: Vec<Turn<'a>>) -> Request<'a> {
    Request {
        dialect: Dialect::OpenAiChat,
        body: b"",
        model: None,
        system,
        turns,
        tools: Vec::new(),
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

fn says(role: Role, text: &str) -> Turn<'_> {
    Turn { role, parts: vec![Part::Text(text.into())] }
}

/// The scan by the plain way: one look at each byte.
fn plainly(text: &str) -> TextScan {
    let bytes = text.as_bytes();
    let mut found = TextScan { bytes: bytes.len() as u64, chars: text.chars().count() as u64, ..TextScan::default() };
    let at = |index: usize| bytes.get(index).copied();
    let lower = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase());
    let upper = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_uppercase());
    let letter = |byte: Option<u8>| lower(byte) || upper(byte);
    let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    let vowel = |byte: Option<u8>| byte.is_some_and(|byte| b"aeiou".contains(&byte));
    let consonant = |byte: Option<u8>| lower(byte) && !vowel(byte);
    let space = |byte: Option<u8>| byte.is_some_and(|byte| b" \t".contains(&byte));
    let newline = |byte: Option<u8>| byte.is_some_and(|byte| b"\r\n".contains(&byte));
    let beyond = |byte: Option<u8>| byte.is_some_and(|byte| byte >= 0x80);
    let punctuation = |byte: Option<u8>| {
        byte.is_some() && !letter(byte) && !digit(byte) && !space(byte) && !newline(byte) && !beyond(byte)
    };
    let hard = |byte: Option<u8>| consonant(byte) || digit(byte) || upper(byte);
    for index in 0..bytes.len() {
        let here = at(index);
        let back = |steps: usize| index.checked_sub(steps).and_then(at);
        let behind = back(1);
        // The length of the run that ends here.
        let run = |is: &dyn Fn(Option<u8>) -> bool| (0..=index).take_while(|steps| is(at(index - steps))).count();
        let add = |field: &mut u64, is: bool| *field += u64::from(is);
        add(&mut found.vowels, vowel(here));
        add(&mut found.consonants, consonant(here));
        add(&mut found.foreign_vowels, here.is_some_and(|byte| b"ai".contains(&byte)));
        add(&mut found.foreign_consonants, here.is_some_and(|byte| b"bjklnqvz".contains(&byte)));
        add(&mut found.upper, upper(here));
        add(&mut found.digits, digit(here));
        add(&mut found.spaces, space(here));
        add(&mut found.newlines, newline(here));
        add(&mut found.punctuation, punctuation(here));
        add(&mut found.non_ascii, beyond(here));
        let letters = run(&letter);
        if letters > 0 {
            if let Some(length) = found.words.get_mut(letters - 1) {
                *length += 1;
            }
            add(&mut found.words_after_space, letters == 1 && space(behind));
            add(&mut found.words_after_punctuation, letters == 1 && punctuation(behind));
            add(&mut found.words_after_non_ascii, letters == 1 && beyond(behind));
            add(&mut found.words_capital, letters == 1 && upper(here));
        }
        add(&mut found.humps, upper(here) && lower(behind));
        add(&mut found.upper_pairs, upper(here) && upper(behind));
        add(&mut found.consonant_triples, run(&consonant) >= 3);
        add(&mut found.hard_fives, run(&hard) >= 5);
        add(&mut found.digit_runs, run(&digit) == 1);
        add(&mut found.digit_runs_long, run(&digit) == 4);
        add(&mut found.digits_after_space, digit(here) && space(behind));
        add(&mut found.alphanumeric_joins, digit(here) && letter(behind) || letter(here) && digit(behind));
        add(&mut found.space_runs, run(&space) == 1);
        add(&mut found.space_runs_long, run(&space) == 2);
        add(&mut found.spaces_before_punctuation, punctuation(here) && space(behind));
        add(&mut found.newline_runs, run(&newline) == 1);
        add(&mut found.newlines_after_punctuation, newline(here) && punctuation(behind));
        add(&mut found.punctuation_runs, run(&punctuation) == 1);
        add(&mut found.punctuation_runs_2, run(&punctuation) == 2);
        add(&mut found.punctuation_runs_3, run(&punctuation) == 3);
        add(&mut found.punctuation_repeats, punctuation(here) && here == behind);
        add(&mut found.non_ascii_runs, run(&beyond) == 1);
    }
    let mut was_ascii = true;
    for char in text.chars() {
        if !char.is_ascii() {
            let script = Script::of(char) as usize;
            if let (Some(chars), Some(runs)) = (found.scripts.get_mut(script), found.script_runs.get_mut(script)) {
                *chars += 1;
                *runs += u64::from(was_ascii);
            }
        }
        was_ascii = char.is_ascii();
    }
    found
}

/// Texts of the shapes that matter: words, code, numbers, white space, many scripts, and anything at all.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,14}",
        " [A-Z][a-z]{0,9}",
        "[A-Za-z0-9+/]{1,80}",
        "[0-9]{1,7}",
        "[ \t\r\n]{1,6}",
        "[!-/:-@]{1,5}",
        "[é-öА-яא-תء-ي]{1,6}",
        "[一-龥ぁ-ん가-힣ก-ฮ]{1,6}",
        "[\u{300}-\u{36f}'’ſ\u{a0}\u{2003}ªǅ\u{1F600}-\u{1F64F}]{1,4}",
        "'(s|T|re|VE|m|LL|d)",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_scan_counts_what_a_plain_look_counts(text in texts()) {
        prop_assert_eq!(scan(&text), plainly(&text));
    }

    #[test]
    fn a_scanner_counts_each_text_on_its_own(texts in prop::collection::vec(texts(), 0..20), then in texts()) {
        let mut scanner = Scanner::default();
        let mut sum = TextScan::default();
        for text in &texts {
            scanner.add(text);
            sum += &plainly(text);
        }
        prop_assert_eq!(scanner.take(), sum);
        // What was taken counts no more.
        scanner.add(&then);
        prop_assert_eq!(scanner.take(), plainly(&then));
    }

    #[test]
    fn scans_add_up(first in texts(), second in texts()) {
        let mut both = scan(&first);
        both.add(&second);
        let mut sum = scan(&first);
        sum += &scan(&second);
        prop_assert_eq!(&both, &sum);
        let whole = scan(&format!("{first}{second}"));
        prop_assert_eq!(whole.bytes, sum.bytes);
        prop_assert_eq!(whole.chars, sum.chars);
        prop_assert_eq!(whole.scripts, sum.scripts);
        prop_assert!(whole.words.iter().zip(sum.words).take(1).all(|(whole, sum)| *whole <= sum && sum <= whole + 1));
    }

    #[test]
    fn bounds_are_in_order(text in texts()) {
        let scan = scan(&text);
        for family in Family::ALL {
            let count = estimate(&scan, family);
            prop_assert!(count.low <= count.tokens && count.tokens <= count.high, "{family:?} {count:?}");
            prop_assert_eq!(count.method == Method::Unknown, family == Family::Unknown);
            prop_assert!(text.is_empty() || count.tokens >= 1);
            let ceiling = scan.bytes * if family.is_claude() || family == Family::Unknown { 2 } else { 1 };
            prop_assert!(count.high <= ceiling.max(1), "no byte costs more: {family:?} {count:?}");
        }
    }

    #[test]
    fn tokens_spell_the_text(text in texts()) {
        for family in [Family::O200k, Family::Cl100k] {
            let ids = encode(family, &text).unwrap();
            prop_assert_eq!(count_exact(family, &text), Some(ids.len() as u64));
            prop_assert!(ids.len() <= text.len());
            prop_assert!(!ids.contains(&u32::MAX));
        }
    }

    #[test]
    fn exact_counts_add_up_at_a_line_break_between_words(first in "[a-z]{1,9}( [a-z]{1,9}){0,9}", second in "[a-z]{1,9}") {
        // `\n` is a piece of its own between two words, so counts are the sum of the parts.
        for family in [Family::O200k, Family::Cl100k] {
            let count = |text: &str| count_exact(family, text).unwrap();
            prop_assert_eq!(count(&format!("{first}\n{second}")), count(&first) + 1 + count(&second));
        }
    }

    #[test]
    fn a_request_costs_at_least_its_texts(system in texts(), user in texts(), answer in texts()) {
        let request = request(vec![system.as_str().into()], vec![says(Role::User, &user), says(Role::Assistant, &answer)]);
        let facts = measure(&request);
        prop_assert_eq!(facts.text.bytes, (system.len() + user.len() + answer.len()) as u64);
        prop_assert!(facts.is_plain_text());
        for family in Family::ALL {
            let count = facts.input(family);
            prop_assert!(count.low <= count.tokens && count.tokens <= count.high);
            prop_assert!(count.high >= facts.text.bytes.min(1), "{count:?}");
        }
        let exact = count_request_exact(&request, Family::O200k, "gpt-4o").unwrap();
        let texts: u64 = [&system, &user, &answer].map(|text| count_exact(Family::O200k, text).unwrap()).iter().sum();
        prop_assert_eq!(exact.tokens, 3 + 3 * 4 + texts);
        prop_assert_eq!(count_request_exact(&request, Family::Gemini, ""), None);
    }
}

#[test]
fn runs_cross_the_blocks_of_the_scan() {
    for letter in ["a", "B", "7", " ", "\n", "-", "é", "漢", "😀", "a1", "xY", "-a", " é"] {
        for times in [1, 2, 15, 31, 62, 63, 64, 65, 66, 127, 128, 129, 200] {
            let text = letter.repeat(times);
            assert_eq!(scan(&text), plainly(&text), "{letter} x {times}");
        }
    }
}

#[test]
fn hostile_texts_are_counted_without_quadratic_time() {
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let noise: Vec<u8> = std::iter::repeat_with(&mut noise).take(200_000).collect();
    let letters: String = noise.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
    let marks = "e\u{301}".repeat(50_000);
    for text in [
        "a".repeat(200_000),
        " ".repeat(200_000),
        "\n ".repeat(100_000),
        "aB".repeat(100_000),
        "ªA".repeat(60_000),
        "A".repeat(100_000) + "ª",
        "漢".repeat(60_000),
        "'s".repeat(100_000),
        String::from_utf8_lossy(&noise).into_owned(),
        letters,
        marks,
    ] {
        for family in [Family::O200k, Family::Cl100k] {
            let tokens = count_exact(family, &text).unwrap();
            assert!(tokens > 0 && tokens <= text.len() as u64);
        }
        // Claude marks words and case beside the bytes.
        for family in [Family::Claude3To46, Family::Claude47On] {
            let tokens = count_exact(family, &text).unwrap();
            assert!(tokens > 0 && tokens <= text.len() as u64 * 3);
        }
    }
}

#[test]
fn counts_exactly_up_to_the_size_asked_for() {
    let text = "hello world";
    assert_eq!(count_text(Family::O200k, text, 11).method, Method::Exact);
    assert_eq!(count_text(Family::O200k, text, 11).tokens, 2);
    assert_eq!(count_text(Family::O200k, text, 10).method, Method::Estimated);
    assert_eq!(count_text(Family::Claude47On, text, 11).method, Method::Exact);
    assert_eq!(count_text(Family::Claude47On, text, 10).method, Method::Estimated);
    assert_eq!(count_text(Family::Gemini, text, 11).method, Method::Estimated);
    assert_eq!(count_text(Family::Unknown, text, 11).method, Method::Unknown);
}
