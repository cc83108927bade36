//! What the headers of an answer say is left of the provider's rate limits.
//!
//! Anthropic writes `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`, with times;
//! `OpenAI`, and most who speak its dialect, `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, with durations; Mistral
//! names the window (`x-ratelimit-remaining-tokens-minute`), xAI gives no reset, `OpenRouter` no bucket. Of several buckets of
//! a kind the one with the least left counts.

use super::retry_after::{header, reset_ms};
use crate::control::{BucketLeft, LimitsLeft};

/// A limit whose reset is not said is taken for one of a minute, as all of those seen are.
const UNSAID_RESET_MS: i64 = 60_000;

/// What is left by the headers of an answer, at `now_ms` (Unix time). Linear in the headers, and in those of limits squared.
pub fn limits_left(headers: &[(String, String)], now_ms: i64) -> LimitsLeft {
    let mut found = LimitsLeft::default();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let Some(bucket) = Bucket::of(&name) else { continue };
        let Some(left) = count(value) else { continue };
        let said = |field: &str| header(headers, &bucket.name(field));
        let told = BucketLeft {
            left,
            limit: said("limit").and_then(count),
            reset_ms: said("reset").and_then(|reset| reset_ms(reset, now_ms)).unwrap_or(UNSAID_RESET_MS),
        };
        let place = match bucket.kind {
            Kind::Requests => &mut found.requests,
            Kind::Tokens => &mut found.tokens,
            Kind::OutputTokens => &mut found.output_tokens,
        };
        if place.is_none_or(|known| told.left < known.left) {
            *place = Some(told);
        }
    }
    found
}

/// Tokens and requests are whole, but some write them as decimals.
fn count(value: &str) -> Option<u64> {
    let whole = value.trim().split('.').next()?;
    whole.parse().ok()
}

#[derive(Clone, Copy)]
enum Kind {
    Requests,
    Tokens,
    OutputTokens,
}

/// The bucket that a header of what is left is about, and how its other headers are called.
struct Bucket<'n> {
    kind: Kind,
    before: &'static str,
    between: &'n str,
}

impl<'n> Bucket<'n> {
    fn of(name: &'n str) -> Option<Self> {
        if let Some(rest) = name.strip_prefix(ANTHROPIC) {
            let bucket = rest.strip_suffix("-remaining")?;
            return Some(Self { kind: kind(bucket), before: ANTHROPIC, between: bucket });
        }
        let bucket = name.strip_prefix("x-ratelimit-remaining")?;
        Some(Self { kind: kind(bucket), before: "x-ratelimit-", between: bucket })
    }

    fn name(&self, field: &str) -> String {
        let Self { before, between, .. } = self;
        if *before == ANTHROPIC { format!("{before}{between}-{field}") } else { format!("{before}{field}{between}") }
    }
}

const ANTHROPIC: &str = "anthropic-ratelimit-";

fn kind(bucket: &str) -> Kind {
    if bucket.contains("output-token") {
        Kind::OutputTokens
    } else if bucket.contains("token") {
        Kind::Tokens
    } else {
        Kind::Requests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(headers: &[(&str, &str)]) -> [Option<(u64, Option<u64>, i64)>; 3] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let found = limits_left(&headers, 784_111_777_000);
        [found.requests, found.tokens, found.output_tokens]
            .map(|bucket| bucket.map(|bucket| (bucket.left, bucket.limit, bucket.reset_ms)))
    }

    #[test]
    fn the_headers_of_each_provider() {
        let anthropic = [
            ("Anthropic-Ratelimit-Requests-Limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "1994-11-06T08:49:38Z"),
            ("anthropic-ratelimit-input-tokens-limit", "40000"),
            ("anthropic-ratelimit-input-tokens-remaining", "39000"),
            ("anthropic-ratelimit-input-tokens-reset", "1994-11-06T08:49:39Z"),
            ("anthropic-ratelimit-tokens-remaining", "48000"),
            ("anthropic-ratelimit-output-tokens-remaining", "0"),
            ("anthropic-ratelimit-output-tokens-reset", "1994-11-06T08:50:37Z"),
        ];
        let expected = [Some((49, Some(50), 1_000)), Some((39_000, Some(40_000), 2_000)), Some((0, None, 60_000))];
        assert_eq!(left(&anthropic), expected);
        let openai = [
            ("x-ratelimit-limit-requests", "10000"),
            ("x-ratelimit-remaining-requests", "9999"),
            ("x-ratelimit-reset-requests", "8.64s"),
            ("x-ratelimit-limit-tokens", "200000"),
            ("x-ratelimit-remaining-tokens", "199984"),
            ("x-ratelimit-reset-tokens", "4ms"),
        ];
        assert_eq!(left(&openai), [Some((9_999, Some(10_000), 8_640)), Some((199_984, Some(200_000), 4)), None]);
        let mistral = [("x-ratelimit-remaining-tokens-minute", "12"), ("x-ratelimit-remaining-req-minute", "3")];
        assert_eq!(left(&mistral), [Some((3, None, UNSAID_RESET_MS)), Some((12, None, UNSAID_RESET_MS)), None]);
        let cerebras = [
            ("x-ratelimit-remaining-requests-day", "14399"),
            ("x-ratelimit-remaining-requests-minute", "29"),
            ("x-ratelimit-reset-requests-minute", "33.5"),
        ];
        assert_eq!(left(&cerebras), [Some((29, None, 33_500)), None, None]);
        let openrouter = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "784111780000")];
        assert_eq!(left(&openrouter), [Some((0, None, 3_000)), None, None]);
        assert_eq!(
            left(&[("x-ratelimit-remaining-tokens", "-1"), ("x-ratelimit-remaining-requests", "many")]),
            [None; 3]
        );
        assert_eq!(left(&[("content-type", "application/json")]), [None; 3]);
    }
}
