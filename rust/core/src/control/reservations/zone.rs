//! Time zones, as tables of offsets that someone else read.

use std::sync::Arc;

use crate::shared_str::SharedStr;

/// A time zone: its name, and from which instant on it is how far ahead of UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: SharedStr,
    /// Instants in milliseconds since 1970, ascending, with the offset in milliseconds that holds from each on.
    offsets: Arc<[(i64, i64)]>,
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: SharedStr::from("UTC"), offsets: Arc::from([]) }
    }
}

/// The largest offset that a table may hold: no zone was ever further from UTC than a day.
const MOST_MS: i64 = 86_400_000;

impl Zone {
    /// A zone by its table. The first offset holds before its instant too; none if the table is empty, is not in order, or
    /// is off by more than a day.
    pub fn of_table(name: &str, table: &[(i64, i64)]) -> Option<Self> {
        let is_ordered = table.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0));
        let is_sane = table.iter().all(|(_, offset_ms)| (-MOST_MS..=MOST_MS).contains(offset_ms));
        (!table.is_empty() && is_ordered && is_sane).then(|| Self { name: name.into(), offsets: table.into() })
    }

    /// A zone that needs no table: `UTC`, or an offset such as `+02:00`.
    pub fn fixed(name: &str) -> Option<Self> {
        if name == "UTC" {
            return Some(Self::default());
        }
        let (sign, rest) = match name.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = rest.split_once(':')?;
        let digits = |text: &str| (text.len() == 2).then(|| text.parse::<u8>().ok()).flatten();
        let (hours, minutes) = (digits(hours)?, digits(minutes)?);
        if rest.contains(['+', '-']) || hours > 14 || minutes > 59 {
            return None;
        }
        let offset_ms = sign * (i64::from(hours) * 60 + i64::from(minutes)) * 60_000;
        Self::of_table(name, &[(0, offset_ms)])
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How far local time is ahead of UTC at an instant, in milliseconds. Logarithmic in the table.
    pub fn offset_ms(&self, at_ms: i64) -> i64 {
        let after = self.offsets.partition_point(|(from_ms, _)| *from_ms <= at_ms);
        self.offsets.get(after.saturating_sub(1)).map_or(0, |(_, offset_ms)| *offset_ms)
    }

    /// The first instant, in UTC, at which the local clock has passed `local_ms`. A local time that a change of the clock
    /// skips is passed at the change; one that comes twice is passed the first time.
    pub fn instant_of(&self, local_ms: i64) -> i64 {
        // Every instant at which the local clock may show it lies within the largest offsets.
        let first = local_ms.saturating_sub(MOST_MS);
        let mut at_ms = local_ms.saturating_sub(self.offset_ms(first));
        let from = self.offsets.partition_point(|(from_ms, _)| *from_ms <= first);
        for (change_ms, offset_ms) in self.offsets.iter().skip(from) {
            if *change_ms > at_ms {
                break;
            }
            at_ms = local_ms.saturating_sub(*offset_ms).max(*change_ms);
        }
        at_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn fixed_offsets_are_read_and_others_refused() {
        for (name, offset) in [("UTC", 0), ("+02:00", 2 * HOUR), ("-05:30", -11 * HOUR / 2), ("+14:00", 14 * HOUR)] {
            assert_eq!(Zone::fixed(name).unwrap().offset_ms(1), offset, "{name}");
        }
        for name in ["", "utc", "+2:00", "+02", "+02:60", "+15:00", "++2:00", "+-2:00", "é02:00", "Europe/Berlin"] {
            assert_eq!(Zone::fixed(name), None, "{name}");
        }
        assert_eq!(Zone::of_table("x", &[]), None);
        assert_eq!(Zone::of_table("x", &[(5, 0), (5, 1)]), None);
        assert_eq!(Zone::of_table("x", &[(5, 90_000_000)]), None);
    }

    #[test]
    fn a_local_time_is_found_before_in_and_after_a_change() {
        // One hour ahead, two from the instant 10 h on (skips 11:00 to 12:00 local), one again from 20 h on.
        let zone = Zone::of_table("t", &[(0, HOUR), (10 * HOUR, 2 * HOUR), (20 * HOUR, HOUR)]).unwrap();
        assert_eq!(zone.instant_of(10 * HOUR), 9 * HOUR);
        assert_eq!(zone.instant_of(11 * HOUR + HOUR / 2), 10 * HOUR);
        assert_eq!(zone.instant_of(13 * HOUR), 11 * HOUR);
        // 21:00 to 22:00 local comes twice, at 19 h and at 20 h: the first counts.
        assert_eq!(zone.instant_of(21 * HOUR + HOUR / 2), 19 * HOUR + HOUR / 2);
        assert_eq!(zone.instant_of(23 * HOUR), 22 * HOUR);
        assert_eq!(Zone::default().instant_of(7), 7);
    }
}
