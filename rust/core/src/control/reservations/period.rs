//! Windows of a budget: which one an instant is in, and when it ends.

use super::zone::Zone;
use crate::calendar::{DAY_MS, civil_from_days, days_from_civil};

const HOUR_MS: i64 = 3_600_000;

/// Into how many slices a rolling window is cut: spend leaves it a slice at a time, never before its time.
const SLICES: i64 = 60;

/// How long a budget holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// An hour of the clock.
    Hour,
    /// A day of the calendar.
    Day,
    /// A week, from Monday.
    Week,
    /// A month of the calendar.
    Month,
    /// The last so many milliseconds, whenever one looks.
    Rolling(i64),
}

/// A window: its number, which only grows, and the first instant after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The number. For a rolling window that of its newest slice.
    pub id: i64,
    /// When the next one begins, in milliseconds since 1970.
    pub ends_ms: i64,
}

impl Period {
    /// The window's name, as scopes have it.
    pub fn word(self) -> String {
        match self {
            Self::Hour => "hour".to_owned(),
            Self::Day => "day".to_owned(),
            Self::Week => "week".to_owned(),
            Self::Month => "month".to_owned(),
            Self::Rolling(ms) => format!("{ms}ms"),
        }
    }

    /// The longest that it lasts, in milliseconds: how far back what was spent may still count.
    pub fn longest_ms(self) -> i64 {
        match self {
            // A change of the clock makes days longer.
            Self::Hour => HOUR_MS,
            Self::Day => 2 * DAY_MS,
            Self::Week => 8 * DAY_MS,
            Self::Month => 32 * DAY_MS,
            Self::Rolling(_) => self.slice_ms().saturating_mul(SLICES + 1),
        }
    }

    /// The window that holds an instant.
    pub fn span(self, at_ms: i64, zone: &Zone) -> Span {
        let local_ms = at_ms.saturating_add(zone.offset_ms(at_ms));
        let day = local_ms.div_euclid(DAY_MS);
        let until = |id: i64, day: i64| Span { id, ends_ms: zone.instant_of(day.saturating_mul(DAY_MS)) };
        match self {
            Self::Hour => {
                // Hours go on through a change of the clock; only a zone's odd minutes move their edges.
                let shift_ms = zone.offset_ms(at_ms).rem_euclid(HOUR_MS);
                let id = at_ms.saturating_add(shift_ms).div_euclid(HOUR_MS);
                Span { id, ends_ms: id.saturating_add(1).saturating_mul(HOUR_MS).saturating_sub(shift_ms) }
            }
            Self::Day => until(day, day.saturating_add(1)),
            Self::Week => {
                // 1970-01-01 was a Thursday, three days into its week.
                let id = day.saturating_add(3).div_euclid(7);
                until(id, id.saturating_add(1).saturating_mul(7).saturating_sub(3))
            }
            Self::Month => {
                let (year, month, _) = civil_from_days(day);
                let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                let next = days_from_civil(next_year, next_month, 1).unwrap_or(i64::MAX / DAY_MS);
                until(year.saturating_mul(12).saturating_add(month), next)
            }
            Self::Rolling(_) => {
                let slice_ms = self.slice_ms();
                let id = at_ms.div_euclid(slice_ms);
                Span { id, ends_ms: id.saturating_add(1).saturating_mul(slice_ms) }
            }
        }
    }

    /// How many numbers back a spend still counts: none in a window of the calendar.
    ///
    /// A slice counts until all of it is older than the window, so that no stretch of that length ever sees more than the
    /// limit: one slice more than the window holds.
    pub const fn reach(self) -> i64 {
        match self {
            Self::Rolling(_) => SLICES,
            _ => 0,
        }
    }

    /// How long a slice is, in milliseconds, rounded up; meaningful for a rolling window.
    pub(super) fn slice_ms(self) -> i64 {
        match self {
            Self::Rolling(ms) => (ms.max(1).saturating_add(SLICES - 1) / SLICES).max(1),
            Self::Hour => HOUR_MS,
            _ => DAY_MS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::parse_instant;

    fn at(text: &str) -> i64 {
        parse_instant(text).unwrap()
    }

    /// Central European time around the changes of 2026.
    fn berlin() -> Zone {
        let table = [(0, HOUR_MS), (at("2026-03-29T01:00Z"), 2 * HOUR_MS), (at("2026-10-25T01:00Z"), HOUR_MS)];
        Zone::of_table("Europe/Berlin", &table).unwrap()
    }

    #[test]
    fn windows_end_where_the_local_calendar_says() {
        let zone = berlin();
        for (period, from, ends) in [
            (Period::Day, "2026-01-05T12:00Z", "2026-01-05T23:00Z"),
            (Period::Day, "2026-03-29T12:00Z", "2026-03-29T22:00Z"),
            (Period::Day, "2026-10-25T12:00Z", "2026-10-25T23:00Z"),
            (Period::Week, "2026-03-28T12:00Z", "2026-03-29T22:00Z"),
            (Period::Month, "2026-03-05T12:00Z", "2026-03-31T22:00Z"),
            (Period::Month, "2026-12-05T12:00Z", "2026-12-31T23:00Z"),
            (Period::Hour, "2026-10-25T00:30Z", "2026-10-25T01:00Z"),
        ] {
            assert_eq!(period.span(at(from), &zone).ends_ms, at(ends), "{period:?} {from}");
        }
        assert_eq!(
            Period::Hour.span(at("2026-01-05T12:10Z"), &Zone::fixed("+05:30").unwrap()).ends_ms,
            at("2026-01-05T12:30Z")
        );
    }

    #[test]
    fn a_window_ends_when_the_next_begins() {
        let zone = berlin();
        for period in [Period::Hour, Period::Day, Period::Week, Period::Month, Period::Rolling(90_000)] {
            let mut now = at("2026-03-01T00:00Z");
            for _ in 0..300 {
                let span = period.span(now, &zone);
                assert_eq!(period.span(span.ends_ms - 1, &zone), span, "{period:?}");
                assert_eq!(period.span(span.ends_ms, &zone).id, span.id + 1, "{period:?}");
                now = span.ends_ms;
            }
        }
    }
}
