//! Token counts as providers report them, turned into the disjoint classes of [`Usage`].
//!
//! OpenAI's figures nest (cached tokens inside the prompt, reasoning inside the completion), Anthropic's do not (cache beside
//! the input). What cannot be true is not repaired in silence: it comes with a [`UsageProblem`].

use crate::json::{Number, Value};
use crate::usage::Usage;

/// More tokens than any call can have: above it a figure is a mistake.
const ABSURD_TOKENS: u64 = 1_000_000_000;

/// A usage object is a few hundred bytes; larger ones are not read.
const MAX_USAGE_BYTES: usize = 16 << 10;

/// Why reported usage should not be trusted as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UsageProblem {
    /// Parts are larger than their whole; the classes were clamped or the larger figure taken.
    Inconsistent,
    /// Another model took part (an advisor), whose tokens the classes leave out.
    OtherModel,
    /// A figure is negative; there is no usage.
    Negative,
    /// A figure is no integer or too large to be true; there is no usage.
    Absurd,
}

impl UsageProblem {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inconsistent => "inconsistent",
            Self::OtherModel => "other_model",
            Self::Negative => "negative",
            Self::Absurd => "absurd",
        }
    }
}

/// Usage as far as it was reported, and what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::wire) struct ReportedUsage {
    pub usage: Option<Usage>,
    pub problem: Option<UsageProblem>,
}

/// Reads figures and remembers the worst thing seen.
#[derive(Default)]
struct Figures {
    problem: Option<UsageProblem>,
}

impl Figures {
    fn note(&mut self, problem: UsageProblem) {
        self.problem = self.problem.max(Some(problem));
    }

    /// The first of these members that is a number.
    fn first(&mut self, object: Option<&Value<'_>>, names: &[&str]) -> Option<u64> {
        let object = object?;
        let number = names.iter().find_map(|name| object.get(name).and_then(Value::as_number))?;
        match number.as_u64() {
            Some(count) if count <= ABSURD_TOKENS => Some(count),
            // `-0` is an odd zero, not a negative count.
            _ if number.as_f64() == 0.0 => Some(0),
            _ if number.0.starts_with('-') => {
                self.note(UsageProblem::Negative);
                None
            }
            _ => {
                self.note(UsageProblem::Absurd);
                None
            }
        }
    }

    /// Takes `wanted` out of what is left of a whole.
    fn take(&mut self, left: &mut u64, wanted: u64, must_fit: bool) -> u64 {
        let taken = wanted.min(*left);
        *left -= taken;
        if must_fit && taken < wanted {
            self.note(UsageProblem::Inconsistent);
        }
        taken
    }

    fn report(self, usage: Usage) -> ReportedUsage {
        let is_void = self.problem.is_some_and(|problem| problem >= UsageProblem::Negative);
        ReportedUsage { usage: (!is_void).then_some(usage), problem: self.problem }
    }
}

/// Parses a usage object of bounded size.
fn parse(raw: &[u8]) -> Option<Value<'_>> {
    if raw.len() > MAX_USAGE_BYTES {
        return None;
    }
    Value::parse(raw).ok().filter(|value| matches!(value, Value::Object(_)))
}

/// Usage of an OpenAI-style answer; nothing when there are no figures at all.
pub(in crate::wire) fn openai_usage(raw: &[u8], reported_cost: Option<i64>) -> ReportedUsage {
    let Some(value) = parse(raw) else { return ReportedUsage::default() };
    let mut figures = Figures::default();
    let prompt = figures.first(Some(&value), &["prompt_tokens", "input_tokens"]);
    let completion = figures.first(Some(&value), &["completion_tokens", "output_tokens"]);
    let total = figures.first(Some(&value), &["total_tokens"]);
    if prompt.is_none() && completion.is_none() && figures.problem.is_none() {
        return ReportedUsage::default();
    }
    let (prompt, completion) = (prompt.unwrap_or(0), completion.unwrap_or(0));
    let in_parts = value.get("prompt_tokens_details").or_else(|| value.get("input_tokens_details"));
    let out_parts = value.get("completion_tokens_details").or_else(|| value.get("output_tokens_details"));

    let cached = figures
        .first(in_parts, &["cached_tokens"])
        .or_else(|| {
            figures.first(Some(&value), &["prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens"])
        })
        .unwrap_or(0);
    let written = figures
        .first(in_parts, &["cache_write_tokens"])
        .or_else(|| figures.first(Some(&value), &["cache_creation_input_tokens"]))
        .unwrap_or(0);
    let audio_in = figures.first(in_parts, &["audio_tokens"]).unwrap_or(0);
    let mut input_left = prompt;
    let cache_read = if cached > prompt {
        // Grok on Azure leaves the cache out of the prompt (recorded: 7 in, 161 cached), which shows only when it is larger.
        figures.note(UsageProblem::Inconsistent);
        cached
    } else {
        figures.take(&mut input_left, cached, true)
    };
    let cache_write_other = figures.take(&mut input_left, written, true);
    // Cached audio is counted in both parts, so the rest may be smaller.
    let audio_in = figures.take(&mut input_left, audio_in, false);

    let reasoning = figures
        .first(out_parts, &["reasoning_tokens"])
        .or_else(|| figures.first(Some(&value), &["reasoning_tokens"]))
        .unwrap_or(0);
    let audio_out = figures.first(out_parts, &["audio_tokens"]).unwrap_or(0);
    let mut output_left = completion;
    let sum = prompt.saturating_add(completion);
    let stands_outside = reasoning > 0 && total == Some(sum.saturating_add(reasoning));
    let reasoning = if stands_outside {
        // xAI: `total_tokens` shows that reasoning is not in the completion.
        reasoning
    } else if reasoning / 2 >= completion && reasoning > completion {
        // The Vercel gateway leaves reasoning out of both figures, yet its cost includes it (recorded: 223 in, 25 out and
        // 266 of reasoning at 2 and 12 USD a million cost 0.003938 USD). There reasoning was 2.5 to 15 times the completion;
        // servers that merely count it badly (doubleword, OpenRouter) were at most 1.3 times off.
        figures.note(UsageProblem::Inconsistent);
        reasoning
    } else {
        figures.take(&mut output_left, reasoning, true)
    };
    let audio_out = figures.take(&mut output_left, audio_out, true);
    let searches = value
        .get("server_tool_use")
        .and_then(|tools| figures.first(Some(tools), &["web_search_requests"]))
        .or_else(|| figures.first(Some(&value), &["num_search_queries"]))
        .unwrap_or(0);
    figures.report(Usage {
        input_uncached: input_left,
        cache_read,
        cache_write_other,
        output_text: output_left,
        reasoning,
        audio_in,
        audio_out,
        web_searches: searches,
        reported_cost_usd_picos: cost_of(&value).or(reported_cost),
        ..Usage::default()
    })
}

/// What the provider says the call cost, in pico-USD, wherever it writes it.
fn cost_of(usage: &Value<'_>) -> Option<i64> {
    if let Some(ticks) = usage.get("cost_in_usd_ticks").and_then(Value::as_number) {
        // xAI: a tick is 1e-10 USD.
        return ticks.as_i64().filter(|ticks| *ticks >= 0)?.checked_mul(100);
    }
    let cost = usage.get("cost")?;
    let own = match cost {
        Value::Object(_) => usd_picos(cost.get("total_cost")?.as_number()?)?,
        _ => usd_picos(cost.as_number()?)?,
    };
    // With the caller's own key, OpenRouter's `cost` is only its fee.
    let is_byok = usage.get("is_byok").and_then(Value::as_bool) == Some(true);
    let upstream = usage.get("cost_details").and_then(|details| details.get("upstream_inference_cost"));
    match upstream.and_then(Value::as_number) {
        Some(upstream) if is_byok => own.checked_add(usd_picos(upstream)?),
        _ => Some(own),
    }
}

/// A `cost` beside the usage object (Venice: `{"usd": ..}`).
pub(in crate::wire) fn top_level_cost(raw: &[u8]) -> Option<i64> {
    parse(raw).and_then(|value| usd_picos(value.get("usd")?.as_number()?))
}

/// A decimal number of dollars in pico-dollars, exact up to half-even rounding of what is smaller; `None` when negative or
/// above the range of an `i64`.
fn usd_picos(number: Number<'_>) -> Option<i64> {
    let (mantissa, exponent) = match number.0.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (number.0, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat();
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    // A minus sign is no digit, so a negative cost fails here.
    if digits.len() > 36 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let value: u128 = digits.parse().ok()?;
    let shift = exponent.checked_add(12)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let picos = if shift >= 0 {
        value.checked_mul(10_u128.checked_pow(shift.unsigned_abs())?)?
    } else {
        match 10_u128.checked_pow(shift.unsigned_abs()) {
            Some(divisor) => {
                let (quotient, rest) = (value / divisor, value % divisor);
                let rounds_up = rest > divisor / 2 || (rest == divisor / 2 && quotient % 2 == 1);
                quotient + u128::from(rounds_up)
            }
            None => 0,
        }
    };
    i64::try_from(picos).ok()
}

/// Anthropic's counts, gathered over the events of a stream: the later value counts, field by field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::wire) struct AnthropicCounts {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_creation: Option<u64>,
    written_5m: Option<u64>,
    written_1h: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
    web_searches: Option<u64>,
    /// Tokens of compaction rounds, which the counts above leave out.
    compaction: Usage,
    problem: Option<UsageProblem>,
}

impl AnthropicCounts {
    /// Takes one usage object.
    pub fn update(&mut self, raw: &[u8]) {
        let Some(value) = parse(raw) else { return };
        let mut figures = Figures::default();
        let mut set = |field: &mut Option<u64>, object: Option<&Value<'_>>, name: &str| {
            *field = figures.first(object, &[name]).or(*field);
        };
        let usage = Some(&value);
        set(&mut self.input, usage, "input_tokens");
        set(&mut self.cache_read, usage, "cache_read_input_tokens");
        if value.get("cache_creation_input_tokens").is_some() && value.get("cache_creation").is_none() {
            // A total without its split replaces an earlier total; an earlier split says nothing about it unless it fits.
            let before = self.cache_creation;
            set(&mut self.cache_creation, usage, "cache_creation_input_tokens");
            if self.cache_creation != before && before.is_some() {
                (self.written_5m, self.written_1h) = (None, None);
            }
        } else {
            set(&mut self.cache_creation, usage, "cache_creation_input_tokens");
        }
        set(&mut self.written_5m, value.get("cache_creation"), "ephemeral_5m_input_tokens");
        set(&mut self.written_1h, value.get("cache_creation"), "ephemeral_1h_input_tokens");
        set(&mut self.output, usage, "output_tokens");
        set(&mut self.thinking, value.get("output_tokens_details"), "thinking_tokens");
        set(&mut self.web_searches, value.get("server_tool_use"), "web_search_requests");
        if let Some(rounds) = value.get("iterations") {
            self.compaction = Usage::default();
            for round in rounds.items() {
                match round.get("type").and_then(Value::as_str) {
                    // Billed at the same model's price, but outside the top-level counts.
                    Some("compaction") => self.add_round(round, &mut figures),
                    Some("advisor_message") => figures.note(UsageProblem::OtherModel),
                    _ => {}
                }
            }
        }
        self.problem = self.problem.max(figures.problem);
    }

    fn add_round(&mut self, round: &Value<'_>, figures: &mut Figures) {
        let written = round.get("cache_creation");
        let round = Some(round);
        let counts = Self {
            input: figures.first(round, &["input_tokens"]),
            cache_read: figures.first(round, &["cache_read_input_tokens"]),
            cache_creation: figures.first(round, &["cache_creation_input_tokens"]),
            written_5m: figures.first(written, &["ephemeral_5m_input_tokens"]),
            written_1h: figures.first(written, &["ephemeral_1h_input_tokens"]),
            output: figures.first(round, &["output_tokens"]),
            ..Self::default()
        };
        let more = counts.classes(figures);
        let sum = &mut self.compaction;
        for (class, more) in [
            (&mut sum.input_uncached, more.input_uncached),
            (&mut sum.cache_read, more.cache_read),
            (&mut sum.cache_write_5m, more.cache_write_5m),
            (&mut sum.cache_write_1h, more.cache_write_1h),
            (&mut sum.cache_write_other, more.cache_write_other),
            (&mut sum.output_text, more.output_text),
        ] {
            *class = class.saturating_add(more);
        }
    }

    fn classes(&self, figures: &mut Figures) -> Usage {
        let split = self.written_5m.unwrap_or(0).saturating_add(self.written_1h.unwrap_or(0));
        let mut left = self.cache_creation.unwrap_or(split);
        let for_an_hour = figures.take(&mut left, self.written_1h.unwrap_or(0), true);
        let for_minutes = figures.take(&mut left, self.written_5m.unwrap_or(0), true);
        let mut output = self.output.unwrap_or(0);
        let reasoning = figures.take(&mut output, self.thinking.unwrap_or(0), true);
        Usage {
            input_uncached: self.input.unwrap_or(0).saturating_add(self.compaction.input_uncached),
            cache_read: self.cache_read.unwrap_or(0).saturating_add(self.compaction.cache_read),
            cache_write_5m: for_minutes.saturating_add(self.compaction.cache_write_5m),
            cache_write_1h: for_an_hour.saturating_add(self.compaction.cache_write_1h),
            cache_write_other: left.saturating_add(self.compaction.cache_write_other),
            output_text: output.saturating_add(self.compaction.output_text),
            reasoning,
            web_searches: self.web_searches.unwrap_or(0),
            ..Usage::default()
        }
    }

    /// The classes; nothing when neither input nor output was reported.
    pub fn report(&self) -> ReportedUsage {
        if self.input.is_none() && self.output.is_none() && self.problem.is_none() {
            return ReportedUsage::default();
        }
        let mut figures = Figures { problem: self.problem };
        let usage = self.classes(&mut figures);
        figures.report(usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn openai(text: &str) -> ReportedUsage {
        openai_usage(text.as_bytes(), None)
    }

    #[test]
    fn openai_parts_come_out_of_their_wholes() {
        let seen = openai(
            r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
                "prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":10,"audio_tokens":5},
                "completion_tokens_details":{"reasoning_tokens":20,"audio_tokens":3}}"#,
        );
        let usage = seen.usage.unwrap();
        assert_eq!(seen.problem, None);
        assert_eq!((usage.input_uncached, usage.cache_read, usage.cache_write_other, usage.audio_in), (25, 60, 10, 5));
        assert_eq!((usage.output_text, usage.reasoning, usage.audio_out), (27, 20, 3));
        assert_eq!((usage.input_total(), usage.output_total()), (100, 50));
    }

    #[test]
    fn xai_reasoning_stands_outside() {
        let seen = openai(
            r#"{"prompt_tokens":30,"completion_tokens":10,"total_tokens":340,"cost_in_usd_ticks":5411000,
                "completion_tokens_details":{"reasoning_tokens":300}}"#,
        );
        let usage = seen.usage.unwrap();
        assert_eq!((usage.output_text, usage.reasoning, seen.problem), (10, 300, None));
        assert_eq!(usage.reported_cost_usd_picos, Some(541_100_000));
    }

    #[test]
    fn figures_that_stand_outside_show_only_by_their_size() {
        let seen = openai(
            r#"{"prompt_tokens":223,"completion_tokens":25,"total_tokens":248,
                "completion_tokens_details":{"reasoning_tokens":266}}"#,
        );
        let usage = seen.usage.unwrap();
        assert_eq!((usage.output_text, usage.reasoning, seen.problem), (25, 266, Some(UsageProblem::Inconsistent)));
        let seen = openai(
            r#"{"prompt_tokens":16,"completion_tokens":128,"total_tokens":144,
                "completion_tokens_details":{"reasoning_tokens":132}}"#,
        );
        let usage = seen.usage.unwrap();
        assert_eq!((usage.output_text, usage.reasoning, seen.problem), (0, 128, Some(UsageProblem::Inconsistent)));
        let seen = openai(r#"{"prompt_tokens":7,"completion_tokens":8,"prompt_tokens_details":{"cached_tokens":161}}"#);
        let usage = seen.usage.unwrap();
        assert_eq!((usage.input_uncached, usage.cache_read, seen.problem), (7, 161, Some(UsageProblem::Inconsistent)));
    }

    #[test]
    fn deepseek_and_routers_put_the_cache_elsewhere() {
        let usage = openai(r#"{"prompt_tokens":9,"completion_tokens":1,"prompt_cache_hit_tokens":4}"#).usage.unwrap();
        assert_eq!((usage.input_uncached, usage.cache_read), (5, 4));
        let usage = openai(r#"{"prompt_tokens":9,"completion_tokens":1,"cached_tokens":4}"#).usage.unwrap();
        assert_eq!((usage.input_uncached, usage.cache_read), (5, 4));
    }

    #[test]
    fn what_cannot_be_true_is_flagged() {
        use UsageProblem as P;
        for (text, has_usage, problem) in [
            (r#"{"prompt_tokens":-1,"completion_tokens":1}"#, false, Some(P::Negative)),
            (r#"{"prompt_tokens":1e30,"completion_tokens":1}"#, false, Some(P::Absurd)),
            (r#"{"prompt_tokens":1.5,"completion_tokens":1}"#, false, Some(P::Absurd)),
            (r#"{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":2}}"#, true, Some(P::Inconsistent)),
            (r#"{"prompt_tokens":1,"completion_tokens":-0}"#, true, None),
            (r#"{"prompt_tokens":null,"completion_tokens":null}"#, false, None),
            ("{}", false, None),
            ("null", false, None),
            ("[", false, None),
        ] {
            let seen = openai(text);
            assert_eq!((seen.usage.is_some(), seen.problem), (has_usage, problem), "{text}");
        }
    }

    #[test]
    fn costs_are_exact() {
        for (text, picos) in [
            ("6.045e-05", Some(60_450_000)),
            ("0.003938", Some(3_938_000_000)),
            ("0", Some(0)),
            ("0.0", Some(0)),
            ("1", Some(1_000_000_000_000)),
            ("2.5e-12", Some(2)),
            ("3.5e-12", Some(4)),
            ("1e-400", Some(0)),
            ("1e400", None),
            ("-1", None),
            ("9e6", Some(9_000_000_000_000_000_000)),
            ("1e7", None),
        ] {
            assert_eq!(usd_picos(Number(text)), picos, "{text}");
        }
        let byok = openai(
            r#"{"prompt_tokens":1,"cost":0.001,"is_byok":true,"cost_details":{"upstream_inference_cost":0.02}}"#,
        );
        assert_eq!(byok.usage.unwrap().reported_cost_usd_picos, Some(21_000_000_000));
        let perplexity = openai(r#"{"prompt_tokens":1,"cost":{"total_cost":0.00507}}"#);
        assert_eq!(perplexity.usage.unwrap().reported_cost_usd_picos, Some(5_070_000_000));
    }

    #[test]
    fn anthropic_counts_stand_side_by_side() {
        let mut counts = AnthropicCounts::default();
        counts.update(
            br#"{"input_tokens":10,"cache_read_input_tokens":20,"cache_creation_input_tokens":33,
                 "cache_creation":{"ephemeral_5m_input_tokens":11,"ephemeral_1h_input_tokens":22},"output_tokens":1}"#,
        );
        counts.update(br#"{"output_tokens":50,"output_tokens_details":{"thinking_tokens":40},"server_tool_use":{"web_search_requests":2}}"#);
        let usage = counts.report().usage.unwrap();
        assert_eq!((usage.input_uncached, usage.cache_read), (10, 20));
        assert_eq!((usage.cache_write_5m, usage.cache_write_1h, usage.cache_write_other), (11, 22, 0));
        assert_eq!((usage.output_text, usage.reasoning, usage.web_searches), (10, 40, 2));
        counts.update(br#"{"cache_creation_input_tokens":40}"#);
        let usage = counts.report().usage.unwrap();
        assert_eq!((usage.cache_write_5m, usage.cache_write_1h, usage.cache_write_other), (0, 0, 40));
    }

    #[test]
    fn compaction_is_added_and_an_advisor_is_flagged() {
        let mut counts = AnthropicCounts::default();
        counts.update(br#"{"input_tokens":100,"cache_read_input_tokens":55096,"output_tokens":7}"#);
        counts.update(
            br#"{"input_tokens":181,"cache_read_input_tokens":0,"output_tokens":8,"iterations":[
                 {"type":"compaction","input_tokens":100,"output_tokens":83,"cache_read_input_tokens":55096},
                 {"type":"message","input_tokens":181,"output_tokens":8}]}"#,
        );
        let usage = counts.report().usage.unwrap();
        assert_eq!((usage.input_uncached, usage.cache_read, usage.output_text), (281, 55_096, 91));
        counts.update(br#"{"iterations":[{"type":"advisor_message","model":"other","input_tokens":5}]}"#);
        assert_eq!(counts.report().problem, Some(UsageProblem::OtherModel));
    }
}
