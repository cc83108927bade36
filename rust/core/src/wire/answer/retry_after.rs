//! How long a provider asks to be left alone: header values, dates, durations in prose, rate-limit resets.
//!
//! Everything is in milliseconds from now, never negative, at most a day; what cannot be read is no hint.

use crate::wire::Dialect;

/// Longer waits say nothing more than "not today".
pub(in crate::wire) const MAX_RETRY_AFTER_MS: i64 = 86_400_000;

/// The value of a header, names compared without case; the first one counts.
pub(in crate::wire) fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The wait that the headers ask for: milliseconds before seconds before a date.
pub(in crate::wire) fn from_headers(headers: &[(String, String)], now_ms: i64) -> Option<i64> {
    for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
        if let Some(wait) = header(headers, name).and_then(|value| scaled(value, 1.0)) {
            return Some(wait);
        }
    }
    let value = header(headers, "retry-after")?;
    scaled(value, 1_000.0).or_else(|| {
        let now_ms = header(headers, "date").and_then(http_date_ms).unwrap_or(now_ms);
        Some(clamp(http_date_ms(value)?.saturating_sub(now_ms)))
    })
}

/// The longest reset of a rate-limit bucket that is empty.
pub(in crate::wire) fn from_resets(dialect: Dialect, headers: &[(String, String)], now_ms: i64) -> Option<i64> {
    let mut longest = None;
    for (name, value) in headers {
        if value.trim() != "0" && value.trim() != "0.0" {
            continue;
        }
        let name = name.to_ascii_lowercase();
        let reset_name = match dialect {
            Dialect::AnthropicMessages => match name.strip_prefix("anthropic-ratelimit-") {
                Some(rest) => {
                    rest.strip_suffix("-remaining").map(|bucket| format!("anthropic-ratelimit-{bucket}-reset"))
                }
                None => None,
            },
            Dialect::OpenAiChat | Dialect::OpenAiResponses => {
                name.strip_prefix("x-ratelimit-remaining").map(|bucket| format!("x-ratelimit-reset{bucket}"))
            }
        };
        let reset = reset_name.and_then(|reset_name| header(headers, &reset_name));
        longest = longest.max(reset.and_then(|reset| reset_ms(reset, now_ms)));
    }
    longest
}

/// A reset: an RFC 3339 time, a duration, plain seconds, or a Unix time in seconds or milliseconds.
pub(in crate::wire) fn reset_ms(value: &str, now_ms: i64) -> Option<i64> {
    if let Some(time_ms) = rfc3339_ms(value) {
        return Some(clamp(time_ms.saturating_sub(now_ms)));
    }
    match value.parse::<i64>() {
        Ok(seconds) if seconds >= 100_000_000_000 => Some(clamp(seconds.saturating_sub(now_ms))),
        Ok(seconds) if seconds >= 1_000_000_000 => Some(clamp(seconds.saturating_mul(1_000).saturating_sub(now_ms))),
        _ => scaled(value, 1_000.0).or_else(|| duration_ms(value)),
    }
}

/// A wait in prose: `try again in 18.642s`, `try again in 174ms`, `retry after 20 seconds`.
pub(in crate::wire) fn from_prose(message: &str) -> Option<i64> {
    let lower = message.to_ascii_lowercase();
    ["try again in ", "retry after ", "retry in ", "wait "].iter().find_map(|cue| {
        let (_, rest) = lower.split_once(cue)?;
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let (number, unit) = rest.split_at_checked(end)?;
        if unit.trim_start().starts_with("second") {
            return scaled(number, 1_000.0);
        }
        if unit.trim_start().starts_with("minute") {
            return scaled(number, 60_000.0);
        }
        let word = rest.split_whitespace().next()?;
        duration_ms(word.trim_end_matches(['.', ',', ';', ')']))
    })
}

/// A duration as Go and protocol buffers write it: `12ms`, `1m26.4s`, `6m0s`, `34.4s`.
pub(in crate::wire) fn duration_ms(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let mut total = 0.0_f64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, tail) = rest.split_at_checked(rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?)?;
        let (unit, tail) = tail.split_at_checked(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()))?;
        let scale = match unit {
            "h" => 3_600_000.0,
            "m" => 60_000.0,
            "s" => 1_000.0,
            "ms" => 1.0,
            "us" | "\u{b5}s" => 0.001,
            "ns" => 0.000_001,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    whole(total)
}

/// A plain decimal number times `scale`; NaN and infinities are no number here.
fn scaled(value: &str, scale: f64) -> Option<i64> {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
    if !is_plain {
        return None;
    }
    whole(value.parse::<f64>().ok()? * scale)
}

/// Milliseconds rounded up, within bounds.
fn whole(ms: f64) -> Option<i64> {
    if ms.is_nan() {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, reason = "clamped to a day")]
    Some(ms.ceil().clamp(0.0, MAX_RETRY_AFTER_MS as f64) as i64)
}

fn clamp(ms: i64) -> i64 {
    ms.clamp(0, MAX_RETRY_AFTER_MS)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` in Unix milliseconds (IMF-fixdate, the only form that senders may still write).
fn http_date_ms(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.split_once(',')?;
    let mut words = rest.split_ascii_whitespace();
    let day = words.next()?.parse().ok()?;
    let month_name = words.next()?;
    let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(month_name))?;
    let year = words.next()?.parse().ok()?;
    let time = words.next()?;
    if !matches!(words.next(), Some("GMT" | "UTC")) {
        return None;
    }
    unix_ms(year, i64::try_from(month).ok()? + 1, day, time)
}

/// `2026-11-22T19:11:00Z`, with fractions and offsets.
fn rfc3339_ms(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't'])?;
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let zone_at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at_checked(zone_at)?;
    let whole_seconds = clock.split('.').next()?;
    let offset_minutes = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign, offset) => {
            let (hours, minutes) = offset.split_once(':')?;
            let minutes = hours.parse::<i64>().ok()?.checked_mul(60)?.checked_add(minutes.parse().ok()?)?;
            if sign == "-" { minutes.checked_neg()? } else { minutes }
        }
    };
    unix_ms(year, month, day, whole_seconds)?.checked_sub(offset_minutes.checked_mul(60_000)?)
}

fn unix_ms(year: i64, month: i64, day: i64, time: &str) -> Option<i64> {
    let mut parts = time.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let in_range = (1_970..10_000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !in_range {
        return None;
    }
    // Days from civil, Howard Hinnant's algorithm: years start in March, so that the leap day is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn dates_are_unix_times() {
        assert_eq!(http_date_ms("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
        assert_eq!(http_date_ms("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(http_date_ms("Thu, 29 Feb 2024 12:00:00 GMT"), Some(1_709_208_000_000));
        assert_eq!(rfc3339_ms("1994-11-06T08:49:37Z"), Some(784_111_777_000));
        assert_eq!(rfc3339_ms("1994-11-06T09:49:37.25+01:00"), Some(784_111_777_000));
        for text in ["", ",", "Sun, 06 Nov 1994", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 PST"] {
            assert_eq!(http_date_ms(text), None, "{text}");
        }
    }

    #[test]
    fn the_header_forms() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (pairs, wait) in [
            (vec![("Retry-After", "5")], Some(5_000)),
            (vec![("retry-after", "0.5")], Some(500)),
            (vec![("retry-after", "7"), ("retry-after-ms", "20")], Some(20)),
            (vec![("x-ms-retry-after-ms", "30"), ("retry-after", "7")], Some(30)),
            (vec![("retry-after", date), ("date", "Sun, 06 Nov 1994 08:49:07 GMT")], Some(30_000)),
            (vec![("retry-after", date)], Some(777_000)),
            (vec![("retry-after", "Sun, 06 Nov 1994 00:00:00 GMT"), ("date", date)], Some(0)),
            (vec![("retry-after", "-3")], Some(0)),
            (vec![("retry-after", "1000000000")], Some(MAX_RETRY_AFTER_MS)),
            (vec![("retry-after", "1e999")], Some(MAX_RETRY_AFTER_MS)),
            (vec![("retry-after", "NaN")], None),
            (vec![("retry-after", "inf")], None),
            (vec![("retry-after", "")], None),
            (vec![("retry-after", "soon")], None),
            (vec![], None),
        ] {
            assert_eq!(from_headers(&headers(&pairs), 784_111_000_000), wait, "{pairs:?}");
        }
    }

    #[test]
    fn durations_and_prose() {
        for (text, ms) in [
            ("12ms", Some(12)),
            ("6m0s", Some(360_000)),
            ("1m26.4s", Some(86_400)),
            ("34.4s", Some(34_400)),
            ("1h", Some(3_600_000)),
            ("", None),
            ("s", None),
            ("5", None),
            ("5x", None),
        ] {
            assert_eq!(duration_ms(text), ms, "{text}");
        }
        assert_eq!(from_prose("Limit 3, Used 3. Please try again in 18.642s. Visit"), Some(18_642));
        assert_eq!(from_prose("Please try again in 174ms."), Some(174));
        assert_eq!(from_prose("Please retry after 20 seconds."), Some(20_000));
        assert_eq!(from_prose("try again in a while"), None);
    }

    #[test]
    fn only_empty_buckets_say_when() {
        let anthropic = headers(&[
            ("Anthropic-Ratelimit-Tokens-Remaining", "0"),
            ("anthropic-ratelimit-tokens-reset", "1994-11-06T08:49:37Z"),
            ("anthropic-ratelimit-requests-remaining", "3"),
            ("anthropic-ratelimit-requests-reset", "1994-11-06T09:49:37Z"),
        ]);
        assert_eq!(from_resets(Dialect::AnthropicMessages, &anthropic, 784_111_767_000), Some(10_000));
        let openai = headers(&[
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "1m26.4s"),
            ("x-ratelimit-remaining-tokens", "9"),
            ("x-ratelimit-reset-tokens", "1h"),
        ]);
        assert_eq!(from_resets(Dialect::OpenAiChat, &openai, 0), Some(86_400));
        let epoch = headers(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1769759899")]);
        assert_eq!(from_resets(Dialect::OpenAiChat, &epoch, 1_769_759_890_000), Some(9_000));
    }
}
