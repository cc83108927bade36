//! Figures of one usage object, by the paths of an extractor.

use super::extractor::{Extractor, Paths};
use super::problem::{Findings, UsageProblem};
use crate::json::Value;

/// More tokens than any call can have: above it a figure is a mistake.
const ABSURD_TOKENS: u64 = 1_000_000_000;

/// What a usage object says, as it says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Figures {
    pub input: Option<u64>,
    pub output: Option<u64>,
    pub total: Option<u64>,
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
    pub cache_write_5m: Option<u64>,
    pub cache_write_1h: Option<u64>,
    pub more_input: Option<u64>,
    pub audio_in: Option<u64>,
    pub cached_audio: Option<u64>,
    pub image_in: Option<u64>,
    pub cached_image: Option<u64>,
    pub reasoning: Option<u64>,
    pub audio_out: Option<u64>,
    pub web_searches: Option<u64>,
}

impl Figures {
    /// Reads a usage object.
    pub fn read(extractor: &Extractor, usage: &Value<'_>, findings: &mut Findings) -> Self {
        let mut first = |paths: Paths| first_count(usage, paths, findings);
        Self {
            input: first(extractor.input),
            output: first(extractor.output),
            total: first(extractor.total),
            cache_read: first(extractor.cache_read.at),
            cache_write: first(extractor.cache_write.at),
            cache_write_5m: first(extractor.cache_write_5m),
            cache_write_1h: first(extractor.cache_write_1h),
            more_input: first(extractor.more_input.at),
            audio_in: first(extractor.audio_in.at),
            cached_audio: first(extractor.cached_audio),
            image_in: first(extractor.image_in),
            cached_image: first(extractor.cached_image),
            reasoning: first(extractor.reasoning.at),
            audio_out: first(extractor.audio_out.at),
            web_searches: first(extractor.web_searches),
        }
    }

    /// Takes later figures, each where there is one.
    pub fn update(&mut self, later: Self) {
        let has_split = later.cache_write_5m.is_some() || later.cache_write_1h.is_some();
        if !has_split
            && later.cache_write.is_some()
            && self.cache_write.is_some_and(|_| later.cache_write != self.cache_write)
        {
            // A new total without its split: the earlier split says nothing about it.
            (self.cache_write_5m, self.cache_write_1h) = (None, None);
        }
        if later.total.is_none() && (later.input.is_some() || later.output.is_some()) {
            // An earlier total says nothing about later figures.
            self.total = None;
        }
        for (figure, later) in [
            (&mut self.input, later.input),
            (&mut self.output, later.output),
            (&mut self.total, later.total),
            (&mut self.cache_read, later.cache_read),
            (&mut self.cache_write, later.cache_write),
            (&mut self.cache_write_5m, later.cache_write_5m),
            (&mut self.cache_write_1h, later.cache_write_1h),
            (&mut self.more_input, later.more_input),
            (&mut self.audio_in, later.audio_in),
            (&mut self.cached_audio, later.cached_audio),
            (&mut self.image_in, later.image_in),
            (&mut self.cached_image, later.cached_image),
            (&mut self.reasoning, later.reasoning),
            (&mut self.audio_out, later.audio_out),
            (&mut self.web_searches, later.web_searches),
        ] {
            *figure = later.or(*figure);
        }
    }
}

/// The first of these that is there.
fn first_count(usage: &Value<'_>, paths: Paths, findings: &mut Findings) -> Option<u64> {
    let (path, found) = paths.iter().find_map(|path| count_at(usage, path).map(|found| (*path, found)))?;
    found.map_err(|problem| findings.note(problem, path)).ok()
}

fn count_at(value: &Value<'_>, path: &str) -> Option<Result<u64, UsageProblem>> {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some((name, choice)) = head.split_once('[') else {
        let member = value.get(head)?;
        return if rest.is_empty() { Some(count_of(member)) } else { count_at(member, rest) };
    };
    let (key, word) = choice.strip_suffix(']')?.split_once('=')?;
    let is_meant =
        |item: &&Value<'_>| item.get(key).and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case(word));
    let counts = value.get(name)?.items().iter().filter(is_meant).filter_map(|item| count_at(item, rest));
    counts.reduce(|sum, next| Ok(sum?.saturating_add(next?)))
}

fn count_of(value: &Value<'_>) -> Result<u64, UsageProblem> {
    let number = value.as_number().ok_or(UsageProblem::Absurd)?;
    match number.as_u64() {
        Some(count) if count <= ABSURD_TOKENS => Ok(count),
        // `-0` is an odd zero, not a negative count.
        _ if number.as_f64() == 0.0 => Ok(0),
        _ if number.0.starts_with('-') => Err(UsageProblem::Negative),
        _ => Err(UsageProblem::Absurd),
    }
}

/// The member at a path without choices.
pub(super) fn member_at<'v, 'a>(value: &'v Value<'a>, path: &str) -> Option<&'v Value<'a>> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}
