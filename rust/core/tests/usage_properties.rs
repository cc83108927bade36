//! Usage: classes sum to the total, unknown members are nothing, frames say what the whole says, hostile bytes never panic.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use turnout_core::usage::{EXTRACTORS, Extractor, Frames, Paths, Place, ReportedUsage, UsageProblem, UsageReader};

fn extractor() -> impl Strategy<Value = &'static Extractor> {
    (0..EXTRACTORS.len()).prop_map(|at| &EXTRACTORS[at])
}

fn read(extractor: &'static Extractor, usage: &Value) -> ReportedUsage {
    let mut reader = UsageReader::new(extractor);
    reader.object(usage.to_string().as_bytes());
    reader.usage()
}

/// Puts a value where a path says.
fn put(object: &mut Map<String, Value>, path: &str, value: Value) {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    if let Some((name, choice)) = head.split_once('[') {
        let (key, word) = choice.strip_suffix(']').unwrap().split_once('=').unwrap();
        let list = object.entry(name).or_insert_with(|| json!([])).as_array_mut().unwrap();
        let mut item = Map::from_iter([(key.to_owned(), json!(word))]);
        put(&mut item, rest, value);
        list.push(Value::Object(item));
    } else if rest.is_empty() {
        object.insert(head.to_owned(), value);
    } else {
        put(object.entry(head).or_insert_with(|| json!({})).as_object_mut().unwrap(), rest, value);
    }
}

/// Figures that fit together: parts are not larger than their wholes.
#[derive(Debug, Clone)]
struct Figures {
    extractor: &'static Extractor,
    /// Read, written 5m, written 1h, plain input, audio in, more input, images in.
    input: [u64; 7],
    /// Text, reasoning, audio out.
    output: [u64; 3],
    searches: u64,
}

fn figures() -> impl Strategy<Value = Figures> {
    let count = || prop_oneof![Just(0_u64), 1..2000_u64, 1..50_000_000_u64];
    (extractor(), prop::array::uniform7(count()), prop::array::uniform3(count()), 0..9_u64).prop_map(
        |(extractor, input, output, searches)| {
            // What an extractor has no words for does not exist there.
            let there = |count: u64, paths: Paths| if paths.is_empty() { 0 } else { count };
            let [read, written_5m, written_1h, plain, audio_in, more, image_in] = input;
            let [text, reasoning, audio_out] = output;
            let input = [
                there(read, extractor.cache_read.at),
                there(written_5m, extractor.cache_write_5m),
                there(written_1h, extractor.cache_write_1h),
                plain,
                there(audio_in, extractor.audio_in.at),
                there(more, extractor.more_input.at),
                there(image_in, extractor.image_in),
            ];
            let output = [text, there(reasoning, extractor.reasoning.at), there(audio_out, extractor.audio_out.at)];
            Figures { extractor, input, output, searches }
        },
    )
}

impl Figures {
    fn object(&self, word: usize) -> Value {
        let row = self.extractor;
        let [read, written_5m, written_1h, plain, audio_in, more, image_in] = self.input;
        let [text, reasoning, audio_out] = self.output;
        let inside = |place: Place, count: u64| if place == Place::Inside { count } else { 0 };
        let counted = |place: Place, count: u64| if place == Place::Uncounted { 0 } else { count };
        let mut object = Map::new();
        let mut say = |paths: Paths, count: u64| {
            if !paths.is_empty() {
                put(&mut object, paths[word % paths.len()], json!(count));
            }
        };
        let written = written_5m + written_1h;
        say(
            row.input,
            plain
                + image_in
                + inside(row.cache_read.place, read)
                + inside(row.cache_write.place, written)
                + inside(row.audio_in.place, audio_in),
        );
        say(row.output, text + inside(row.reasoning.place, reasoning) + inside(row.audio_out.place, audio_out));
        say(
            row.total,
            plain
                + image_in
                + text
                + counted(row.cache_read.place, read)
                + counted(row.cache_write.place, written)
                + counted(row.audio_in.place, audio_in)
                + counted(row.more_input.place, more)
                + counted(row.reasoning.place, reasoning)
                + counted(row.audio_out.place, audio_out),
        );
        say(row.cache_read.at, read);
        say(row.cache_write.at, written);
        say(row.cache_write_5m, written_5m);
        say(row.cache_write_1h, written_1h);
        say(row.more_input.at, more);
        say(row.audio_in.at, audio_in);
        say(row.image_in, image_in);
        say(row.reasoning.at, reasoning);
        say(row.audio_out.at, audio_out);
        say(row.web_searches, self.searches);
        Value::Object(object)
    }
}

/// A member that no extractor knows.
fn stranger() -> impl Strategy<Value = (String, Value)> {
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!(-7)),
        Just(json!(1.5)),
        Just(json!("text")),
        Just(json!([{"modality": "AUDIO", "tokenCount": -1}])),
        Just(json!({"input_tokens": -1, "cost": "x"})),
    ];
    ("zz_[a-z]{1,6}", value)
}

proptest! {
    #[test]
    fn classes_are_what_was_said_and_sum_to_the_total(figures in figures(), word in 0..5_usize) {
        let object = figures.object(word);
        let seen = read(figures.extractor, &object);
        let usage = seen.usage.unwrap();
        let [read, written_5m, written_1h, plain, audio_in, more, image_in] = figures.input;
        let [text, reasoning, audio_out] = figures.output;
        prop_assert_eq!(seen.finding, None, "{}", object);
        prop_assert_eq!(usage.input_uncached, plain + more);
        prop_assert_eq!(usage.cache_read, read);
        prop_assert_eq!((usage.cache_write_5m, usage.cache_write_1h, usage.cache_write_other), (written_5m, written_1h, 0));
        prop_assert_eq!((usage.audio_in, usage.image_in), (audio_in, image_in));
        prop_assert_eq!((usage.output_text, usage.reasoning, usage.audio_out), (text, reasoning, audio_out));
        prop_assert_eq!(usage.input_total(), figures.input.iter().sum::<u64>());
        prop_assert_eq!(usage.output_total(), figures.output.iter().sum::<u64>());
    }

    #[test]
    fn unknown_members_say_nothing(figures in figures(), strangers in prop::collection::vec(stranger(), 0..4)) {
        let object = figures.object(0);
        let mut more = object.clone();
        more.as_object_mut().unwrap().extend(strangers);
        prop_assert_eq!(read(figures.extractor, &more), read(figures.extractor, &object));
    }

    #[test]
    fn any_figures_sum_to_the_total_or_are_a_finding(
        row in extractor(), counts in prop::collection::vec(prop_oneof![Just(None), (0..300_u64).prop_map(Some)], 14),
    ) {
        let mut object = Map::new();
        let paths = [row.input, row.output, row.total, row.cache_read.at, row.cache_write.at, row.cache_write_5m,
            row.cache_write_1h, row.more_input.at, row.audio_in.at, row.cached_audio, row.reasoning.at, row.audio_out.at, row.image_in, row.cached_image];
        for (paths, count) in paths.iter().zip(&counts) {
            if let (Some(path), Some(count)) = (paths.first(), count) {
                put(&mut object, path, json!(count));
            }
        }
        let total = if row.total.is_empty() { None } else { counts[2] };
        let seen = read(row, &Value::Object(object));
        let Some(usage) = seen.usage else { return Ok(()) };
        let uncounted: u64 = [(row.more_input, counts[7]), (row.reasoning, counts[10])]
            .iter()
            .filter(|(part, _)| part.place == Place::Uncounted && !part.at.is_empty())
            .filter_map(|(_, count)| *count)
            .sum();
        if let (Some(total), None) = (total, seen.finding) {
            prop_assert_eq!(usage.input_total() + usage.output_total(), total + uncounted);
        }
    }

    #[test]
    fn a_figure_that_cannot_be_true_leaves_no_usage(
        figures in figures(), is_input in any::<bool>(),
        bad in prop::sample::select(vec![json!(-1), json!(1.5), json!(1e30), json!("3"), json!([3]), json!(-0.5)]),
    ) {
        let row = figures.extractor;
        let field = if is_input { row.input[0] } else { row.output[0] };
        let mut object = figures.object(0).as_object().unwrap().clone();
        put(&mut object, field, bad.clone());
        let seen = read(row, &Value::Object(object));
        prop_assert_eq!(seen.usage, None);
        let finding = seen.finding.unwrap();
        let is_negative = bad.as_f64().is_some_and(|number| number < 0.0);
        prop_assert_eq!(finding.problem, if is_negative { UsageProblem::Negative } else { UsageProblem::Absurd });
        prop_assert_eq!((finding.extractor, finding.field), (row.name, field));
    }

    #[test]
    fn frames_say_what_the_whole_says(figures in figures(), earlier in figures(), at in 0..3_usize) {
        let row = figures.extractor;
        let object = figures.object(0);
        let wrap = |object: &Value| {
            let place = row.usage_at[at % row.usage_at.len()];
            if place.is_empty() { return object.to_string() }
            let mut body = Map::new();
            put(&mut body, place, object.clone());
            Value::Object(body).to_string()
        };
        let whole = read(row, &object);
        let mut reader = UsageReader::new(row);
        // Earlier figures of the same stream, and frames that say nothing.
        let early = Figures { extractor: row, ..earlier };
        if row.frames == Frames::LastObject {
            reader.body(wrap(&early.object(0)).as_bytes());
        }
        reader.body(br#"{"choices":[{"delta":{"content":"x"}}],"usage_of":1}"#);
        reader.body(wrap(&object).as_bytes());
        reader.body(b"{}");
        prop_assert_eq!(reader.usage(), whole);
        if row.frames == Frames::LaterField {
            // The figures come one by one.
            let mut reader = UsageReader::new(row);
            for (key, value) in object.as_object().unwrap() {
                let piece = json!({ (key.as_str()): value });
                reader.body(wrap(&piece).as_bytes());
            }
            prop_assert_eq!(reader.usage(), whole);
        }
    }

    #[test]
    fn no_bytes_panic(row in extractor(), bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut reader = UsageReader::new(row);
        reader.body(&bytes);
        reader.object(&bytes);
        reader.beside("cost", &bytes);
        let _ = reader.report();
    }

    #[test]
    fn no_cut_panics_or_invents_usage(figures in figures(), cut in any::<prop::sample::Index>()) {
        let mut body = Map::new();
        let place = figures.extractor.usage_at[0];
        put(&mut body, if place.is_empty() { "usage" } else { place }, figures.object(0));
        let text = Value::Object(body).to_string();
        let mut reader = UsageReader::new(figures.extractor);
        reader.body(&text.as_bytes()[..cut.index(text.len())]);
        prop_assert_eq!(reader.report().usage, None);
    }
}
