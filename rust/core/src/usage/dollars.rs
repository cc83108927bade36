//! Amounts of money as providers write them: JSON numbers, at times with an exponent or more digits than we keep.

use super::extractor::{CostAt, CostUnit, OwnKey};
use super::figures::member_at;
use crate::json::{Number, Value};

/// A tick is 1e-10 USD.
const PICOS_PER_TICK: i64 = 100;

/// The cost that stands at the first of these places; `Err` with the place when it is no amount.
pub(super) fn cost_at(
    value: &Value<'_>,
    places: &[CostAt],
    own_key: Option<OwnKey>,
) -> Option<Result<i64, &'static str>> {
    let (place, cost) = places.iter().find_map(|place| {
        // `cost` can be a number at one provider and an object at another.
        let cost = member_at(value, place.at).filter(|cost| !matches!(cost, Value::Object(_)))?;
        Some((place, cost))
    })?;
    let Some(amount) = amount_of(cost, place.unit) else { return Some(Err(place.at)) };
    let Some(key) = own_key.filter(|key| member_at(value, key.flag).and_then(Value::as_bool) == Some(true)) else {
        return Some(Ok(amount));
    };
    // The gateway's fee alone, often 0, is not what the call cost.
    let upstream = member_at(value, key.upstream).and_then(|upstream| amount_of(upstream, CostUnit::Usd));
    Some(upstream.and_then(|upstream| amount.checked_add(upstream)).ok_or(key.upstream))
}

/// An amount of money that is not negative.
pub(super) fn amount_of(value: &Value<'_>, unit: CostUnit) -> Option<i64> {
    let number = value.as_number()?;
    match unit {
        CostUnit::Usd => usd_picos(number),
        CostUnit::Ticks => number.as_i64().filter(|ticks| *ticks >= 0)?.checked_mul(PICOS_PER_TICK),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
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
    }
}
