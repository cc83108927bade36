//! Days and times of day from milliseconds since 1970, in the proleptic Gregorian calendar, UTC.

use std::fmt;

/// A day of the calendar: days since 1970-01-01, UTC; shown as `2026-11-22`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

impl Day {
    /// Reads `2026-11-22`; none for anything else, such as the 30th of February.
    pub fn parse(text: &str) -> Option<Self> {
        let is_shaped = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        is_shaped.then(|| parse_instant(text)).flatten().map(day_of).map(Self)
    }

    /// The day that holds an instant.
    pub fn of(at_ms: i64) -> Self {
        Self(day_of(at_ms))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_day(self.0))
    }
}

/// Milliseconds in a day.
pub const DAY_MS: i64 = 86_400_000;

/// Names of the days of the week, from Monday.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Days since 1970-01-01, or none if there is no such day.
///
/// The algorithm is Howard Hinnant's `days_from_civil` (public domain).
pub fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) || !(0..=9999).contains(&year) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// The day (since 1970-01-01) that holds the instant.
pub fn day_of(now_ms: i64) -> i64 {
    now_ms.div_euclid(DAY_MS)
}

/// The minute of the day.
pub fn minute_of_day(now_ms: i64) -> i64 {
    now_ms.rem_euclid(DAY_MS) / 60_000
}

/// The day of the week as a place in [`WEEKDAYS`]: 0 is Monday.
pub fn weekday_index(now_ms: i64) -> usize {
    // 1970-01-01 was a Thursday.
    usize::try_from((day_of(now_ms) + 3).rem_euclid(7)).unwrap_or(0)
}

/// The name of the day of the week.
pub fn weekday(now_ms: i64) -> &'static str {
    WEEKDAYS.get(weekday_index(now_ms)).copied().unwrap_or("mon")
}

/// The year, the month and the day of the month of a day since 1970-01-01.
///
/// The algorithm is Howard Hinnant's `civil_from_days` (public domain).
pub fn civil_from_days(day: i64) -> (i64, i64, i64) {
    let shifted = day.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_month)
}

/// The day as `2026-11-22`.
pub fn format_day(day: i64) -> String {
    let (year, month, day_of_month) = civil_from_days(day);
    format!("{year:04}-{month:02}-{day_of_month:02}")
}

/// Reads `2026-01-05` or `2026-01-05T12:00Z` (seconds optional) as milliseconds since 1970.
pub fn parse_instant(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00Z"));
    let mut fields = date.splitn(3, '-').map(str::parse::<i64>);
    let days = days_from_civil(fields.next()?.ok()?, fields.next()?.ok()?, fields.next()?.ok()?)?;
    let mut clock = time.strip_suffix('Z')?.splitn(3, ':').map(str::parse::<i64>);
    let (hours, minutes) = (clock.next()?.ok()?, clock.next()?.ok()?);
    let seconds = clock.next().unwrap_or(Ok(0)).ok()?;
    if !(0..24).contains(&hours) || !(0..60).contains(&minutes) || !(0..60).contains(&seconds) {
        return None;
    }
    Some(days * DAY_MS + (hours * 3600 + minutes * 60 + seconds) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        assert_eq!(days_from_civil(1970, 1, 1), Some(0));
        assert_eq!(days_from_civil(2000, 2, 29), Some(11_016));
        assert_eq!(days_from_civil(2026, 11, 22), Some(20_779));
        assert_eq!(days_from_civil(2026, 2, 29), None);
        assert_eq!(days_from_civil(2026, 13, 1), None);
        assert_eq!(weekday(20_779 * DAY_MS), "sun");
        assert_eq!(weekday(-1), "wed");
    }

    #[test]
    fn days_print_as_they_are_read() {
        for day in (-1000..30_000).step_by(17) {
            let text = format_day(day);
            assert_eq!(parse_instant(&text).map(day_of), Some(day), "{text}");
        }
    }

    #[test]
    fn a_day_is_read_only_in_its_one_shape() {
        assert_eq!(Day::parse("2026-11-22"), Some(Day(20_779)));
        assert_eq!(Day(20_779).to_string(), "2026-11-22");
        assert_eq!(Day::of(20_779 * DAY_MS - 1), Day(20_778));
        for bad in ["", "2026-11-2", "2026-02-30", "2026-11-22T00:00Z", "+026-11-22", "20261-1-22", "soon"] {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn instants() {
        let noon = parse_instant("2026-01-05T12:00Z").unwrap();
        assert_eq!(minute_of_day(noon), 720);
        assert_eq!(day_of(noon), 20_458);
        assert_eq!(parse_instant("2026-01-05"), Some(20_458 * DAY_MS));
        for bad in ["", "2026-01-05T12:00", "2026-01-05T25:00Z", "2026-1", "x"] {
            assert_eq!(parse_instant(bad), None, "{bad}");
        }
    }
}
