//! Money: texts survive a round trip, nothing panics, rounding is the nearest and even.

use proptest::prelude::*;
use turnout_core::money::{NanosPerMtok, Ratio, UsdNanos, UsdPicos, half_even};

proptest! {
    #[test]
    fn what_is_printed_is_read_back(units in 0..=i64::MAX) {
        prop_assert_eq!(UsdPicos::parse(&UsdPicos(units).to_string()), Ok(UsdPicos(units)));
        prop_assert_eq!(UsdNanos::parse(&UsdNanos(units).to_string()), Ok(UsdNanos(units)));
        prop_assert_eq!(NanosPerMtok::parse(&NanosPerMtok(units).to_string()), Ok(NanosPerMtok(units)));
    }

    #[test]
    fn printing_keeps_two_decimals_and_no_further_zero(units in any::<i64>()) {
        let text = UsdPicos(units).to_string();
        let (_, decimals) = text.split_once('.').unwrap();
        prop_assert!(decimals.len() >= 2 && decimals.len() <= 12);
        prop_assert!(decimals.len() == 2 || !decimals.ends_with('0'), "{}", text);
        prop_assert_eq!(text.starts_with("-$"), units < 0);
    }

    #[test]
    fn a_decimal_is_read_as_its_digits(whole in 0_u32..9_000_000, decimals in prop::collection::vec(0_u8..10, 1..=12)) {
        let fraction: String = decimals.iter().map(|digit| char::from(b'0' + digit)).collect();
        let picos: i64 = format!("{whole}{fraction:0<12}").parse().unwrap();
        prop_assert_eq!(UsdPicos::parse(&format!("{whole}.{fraction}")), Ok(UsdPicos(picos)));
        prop_assert_eq!(UsdPicos::parse(&format!("${whole}.{fraction}000")), Ok(UsdPicos(picos)));
    }

    #[test]
    fn whatever_is_accepted_is_digits_and_not_negative(text in prop_oneof![any::<String>(), "[$0-9.eE+x%-]{0,24}"]) {
        if let Ok(amount) = UsdPicos::parse(&text) {
            prop_assert!(amount.0 >= 0);
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_digit() || b"$.".contains(&byte)), "{}", text);
        }
        if let Ok(ratio) = Ratio::parse(&text) {
            prop_assert!(ratio.denominator() > 0);
        }
        let _ = NanosPerMtok::parse(&text);
    }

    #[test]
    fn the_rounded_quotient_is_the_nearest_and_a_tie_is_even(
        numerator in -1_000_000_i128..1_000_000,
        denominator in prop_oneof![-50_i128..0, 1_i128..50],
    ) {
        let quotient = half_even(numerator, denominator).unwrap();
        let twice_off = (numerator - quotient * denominator).abs() * 2;
        prop_assert!(twice_off <= denominator.abs());
        prop_assert!(twice_off < denominator.abs() || quotient % 2 == 0);
    }

    #[test]
    fn rounding_never_panics_and_is_symmetric(numerator in any::<i128>(), denominator in any::<i128>()) {
        let rounded = half_even(numerator, denominator);
        if let (Some(negated), Some(rounded)) = (numerator.checked_neg().and_then(|n| half_even(n, denominator)), rounded) {
            prop_assert_eq!(negated, -rounded);
        }
    }

    #[test]
    fn a_counter_never_holds_less_than_the_row(picos in any::<i64>()) {
        let over = i128::from(UsdPicos(picos).to_nanos_rounded_up().0) * 1000 - i128::from(picos);
        prop_assert!((0..1000).contains(&over));
    }

    #[test]
    fn arithmetic_is_that_of_integers_or_an_error(a in any::<i64>(), b in any::<i64>(), n in any::<u64>(), d in 1..=u64::MAX) {
        let (wide_a, wide_b) = (i128::from(a), i128::from(b));
        let fits = |value: i128| i64::try_from(value).ok().map(UsdPicos);
        prop_assert_eq!(UsdPicos(a).checked_add(UsdPicos(b)).ok(), fits(wide_a + wide_b));
        prop_assert_eq!(UsdPicos(a).checked_sub(UsdPicos(b)).ok(), fits(wide_a - wide_b));
        prop_assert_eq!(UsdPicos(a).checked_mul(n).ok(), fits(wide_a * i128::from(n)));
        prop_assert_eq!(UsdNanos(a).to_picos().ok(), fits(wide_a * 1000));
        let scaled = half_even(wide_a * i128::from(n), i128::from(d)).and_then(fits);
        prop_assert_eq!(UsdPicos(a).scaled(Ratio::new(n, d).unwrap()).ok(), scaled);
    }
}
