//! Money as integers: amounts in pico-USD, counters in nano-USD, prices in nano-USD per million tokens.
//!
//! Promises: texts are read and written digit by digit, never through a float; every operation that can overflow says so;
//! rounding happens once, half to even, where the caller asks for it. Zero is a price; "unknown" is never zero (it is an
//! `Option` one level up).
//!
//! Refuses: signs, exponents, separators, `nan`, `inf`, and more decimals than the unit holds.
//!
//! A test breaks it with an amount that does not survive print and parse, or with a sum that differs from big integers.

use std::fmt;

/// An amount in a record row: 1e-12 USD. The range is about ±9.2 million USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UsdPicos(pub i64);

/// An amount in a counter, a budget or a reservation: 1e-9 USD. The range is about ±9.2 billion USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UsdNanos(pub i64);

/// A price: nano-USD per million tokens (1e-9 USD for 1,000,000 tokens, so 1e-15 USD a token).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NanosPerMtok(pub i64);

/// A multiplier as an exact ratio of integers, such as 11/10 for a regional price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: u64,
    denominator: u64,
}

/// Why a text is no amount, or why an amount cannot be computed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MoneyError {
    /// The text is empty, or only a currency sign.
    Empty,
    /// The text has a minus sign; prices, limits and costs are never negative.
    Negative(String),
    /// The text has an exponent; the digits must be written out.
    Exponent(String),
    /// The text is not a plain decimal such as `0.05`.
    NotDecimal(String),
    /// The text has more decimals than the unit can hold exactly.
    TooFine {
        /// The text as given.
        text: String,
        /// How many decimals the unit holds.
        decimals: u32,
    },
    /// The result does not fit 64 bits of the unit.
    Overflow,
    /// A ratio with a zero denominator.
    ZeroDenominator,
}

impl MoneyError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "money-empty",
            Self::Negative(_) => "money-negative",
            Self::Exponent(_) => "money-exponent",
            Self::NotDecimal(_) => "money-not-decimal",
            Self::TooFine { .. } => "money-too-fine",
            Self::Overflow => "money-overflow",
            Self::ZeroDenominator => "money-zero-denominator",
        }
    }
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "an amount has no digits"),
            Self::Negative(text) => write!(f, "`{text}` is negative, and an amount cannot be"),
            Self::Exponent(text) => write!(f, "`{text}` has an exponent, write the digits out"),
            Self::NotDecimal(text) => write!(f, "`{text}` is not a plain decimal such as `0.05`"),
            Self::TooFine { text, decimals } => write!(f, "`{text}` has more than {decimals} decimals"),
            Self::Overflow => write!(f, "an amount is too large"),
            Self::ZeroDenominator => write!(f, "a ratio has a zero denominator"),
        }
    }
}

impl std::error::Error for MoneyError {}

/// Divides, rounding to the nearest integer and a tie to the even one.
///
/// None when the denominator is zero or the quotient does not fit.
pub fn half_even(numerator: i128, denominator: i128) -> Option<i128> {
    let quotient = numerator.checked_div_euclid(denominator)?;
    // Euclidean: 0 <= remainder < |denominator|, whatever the signs.
    let remainder = numerator.checked_rem_euclid(denominator)?.unsigned_abs();
    let rest = denominator.unsigned_abs().checked_sub(remainder)?;
    let is_up = remainder > rest || (remainder == rest && quotient % 2 != 0);
    if !is_up {
        return Some(quotient);
    }
    // With a negative denominator the Euclidean quotient is the upper neighbour of the exact one.
    if denominator > 0 { quotient.checked_add(1) } else { quotient.checked_sub(1) }
}

/// Reads a plain non-negative decimal as an integer count of `10^-decimals`.
fn parse_decimal(text: &str, decimals: u32) -> Result<i64, MoneyError> {
    let given = || text.chars().take(40).collect::<String>();
    if text.is_empty() {
        return Err(MoneyError::Empty);
    }
    if text.starts_with('-') {
        return Err(MoneyError::Negative(given()));
    }
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(MoneyError::NotDecimal(given())),
        None => (text, ""),
    };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        let has_exponent = text.starts_with(|c: char| c.is_ascii_digit())
            && text.contains(['e', 'E'])
            && text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
        return Err(if has_exponent { MoneyError::Exponent(given()) } else { MoneyError::NotDecimal(given()) });
    }
    let fraction = fraction.trim_end_matches('0');
    let missing = u32::try_from(fraction.len())
        .ok()
        .and_then(|used| decimals.checked_sub(used))
        .ok_or_else(|| MoneyError::TooFine { text: given(), decimals })?;
    let mut value: i64 = 0;
    let zeros = std::iter::repeat_n(b'0', missing as usize);
    for byte in whole.bytes().chain(fraction.bytes()).chain(zeros) {
        value =
            value.checked_mul(10).and_then(|v| v.checked_add(i64::from(byte - b'0'))).ok_or(MoneyError::Overflow)?;
    }
    Ok(value)
}

/// Writes `$` and the decimal, trailing zeros trimmed down to two decimals.
fn write_decimal(f: &mut fmt::Formatter<'_>, value: i64, decimals: u32) -> fmt::Result {
    let sign = if value < 0 { "-" } else { "" };
    let unit = 10_u64.saturating_pow(decimals);
    let magnitude = value.unsigned_abs();
    let (whole, mut fraction) = (magnitude / unit, magnitude % unit);
    let mut width = decimals as usize;
    while width > 2 && fraction % 10 == 0 {
        fraction /= 10;
        width -= 1;
    }
    write!(f, "{sign}${whole}.{fraction:0width$}")
}

fn fit(value: i128) -> Result<i64, MoneyError> {
    i64::try_from(value).map_err(|_| MoneyError::Overflow)
}

macro_rules! amount {
    ($name:ident, $decimals:literal, $unit:literal) => {
        impl $name {
            #[doc = concat!("How many decimals of a USD one unit (", $unit, ") holds.")]
            pub const DECIMALS: u32 = $decimals;

            /// Reads `0.05` or `$0.05` exactly.
            ///
            /// # Errors
            /// When the text is no plain non-negative decimal, is finer than the unit, or does not fit.
            pub fn parse(text: &str) -> Result<Self, MoneyError> {
                parse_decimal(text.strip_prefix('$').unwrap_or(text), $decimals).map(Self)
            }

            /// The sum.
            ///
            /// # Errors
            /// [`MoneyError::Overflow`] when it does not fit.
            pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
                self.0.checked_add(other.0).map(Self).ok_or(MoneyError::Overflow)
            }

            /// The difference; it may be negative.
            ///
            /// # Errors
            /// [`MoneyError::Overflow`] when it does not fit.
            pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
                self.0.checked_sub(other.0).map(Self).ok_or(MoneyError::Overflow)
            }

            /// The amount `count` times.
            ///
            /// # Errors
            /// [`MoneyError::Overflow`] when it does not fit.
            pub fn checked_mul(self, count: u64) -> Result<Self, MoneyError> {
                i128::from(self.0).checked_mul(i128::from(count)).ok_or(MoneyError::Overflow).and_then(fit).map(Self)
            }

            /// The amount times a ratio, rounded half to even.
            ///
            /// # Errors
            /// [`MoneyError::Overflow`] when it does not fit.
            pub fn scaled(self, ratio: Ratio) -> Result<Self, MoneyError> {
                let product =
                    i128::from(self.0).checked_mul(i128::from(ratio.numerator)).ok_or(MoneyError::Overflow)?;
                half_even(product, i128::from(ratio.denominator)).ok_or(MoneyError::Overflow).and_then(fit).map(Self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = MoneyError;

            fn from_str(text: &str) -> Result<Self, MoneyError> {
                Self::parse(text)
            }
        }
    };
}

amount!(UsdPicos, 12, "1e-12 USD");
amount!(UsdNanos, 9, "1e-9 USD");
amount!(NanosPerMtok, 9, "1e-9 USD per million tokens");

impl fmt::Display for UsdPicos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0, Self::DECIMALS)
    }
}

impl fmt::Display for UsdNanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0, Self::DECIMALS)
    }
}

impl fmt::Display for NanosPerMtok {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0, Self::DECIMALS)
    }
}

impl UsdPicos {
    /// Zero dollars.
    pub const ZERO: Self = Self(0);

    /// The smallest number of nano-USD that is not less: what a reservation or a counter takes.
    pub fn to_nanos_rounded_up(self) -> UsdNanos {
        let floor = self.0.div_euclid(1000);
        // The quotient is a thousandth of an i64, so one more always fits.
        UsdNanos(if self.0.rem_euclid(1000) == 0 { floor } else { floor.saturating_add(1) })
    }
}

impl UsdNanos {
    /// Zero dollars.
    pub const ZERO: Self = Self(0);

    /// The same amount in pico-USD.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] above about 9.2 million USD.
    pub fn to_picos(self) -> Result<UsdPicos, MoneyError> {
        self.0.checked_mul(1000).map(UsdPicos).ok_or(MoneyError::Overflow)
    }
}

impl NanosPerMtok {
    /// A price of nothing, which is not the same as an unknown price.
    pub const FREE: Self = Self(0);

    /// What `tokens` cost in femto-USD (1e-15 USD), unrounded: sum these, then round once.
    pub fn femtos(self, tokens: u64) -> i128 {
        // |i64| * u64 is at most 2^63 * (2^64 - 1), which is less than 2^127.
        i128::from(self.0) * i128::from(tokens)
    }
}

impl Ratio {
    /// One: changes nothing.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `numerator / denominator`, in lowest terms.
    ///
    /// # Errors
    /// [`MoneyError::ZeroDenominator`].
    pub fn new(numerator: u64, denominator: u64) -> Result<Self, MoneyError> {
        if denominator == 0 {
            return Err(MoneyError::ZeroDenominator);
        }
        let (mut a, mut b) = (numerator, denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Ok(Self { numerator: numerator / a, denominator: denominator / a })
    }

    /// Reads `1.1`, `2.5x` or `80%` exactly, with at most nine decimals.
    ///
    /// # Errors
    /// When the text is none of these or does not fit.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let (digits, divisor) = match (text.strip_suffix('%'), text.strip_suffix('x')) {
            (Some(digits), _) => (digits, 100_000_000_000),
            (None, Some(digits)) => (digits, 1_000_000_000),
            (None, None) => (text, 1_000_000_000),
        };
        Self::new(parse_decimal(digits, 9)?.unsigned_abs(), divisor)
    }

    /// The product, in lowest terms.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when a part does not fit.
    pub fn times(self, other: Self) -> Result<Self, MoneyError> {
        if self == Self::ONE {
            return Ok(other);
        }
        // Reduced crosswise first, so that a product that fits is never refused.
        let left = Self::new(self.numerator, other.denominator)?;
        let right = Self::new(other.numerator, self.denominator)?;
        let numerator = left.numerator.checked_mul(right.numerator).ok_or(MoneyError::Overflow)?;
        let denominator = left.denominator.checked_mul(right.denominator).ok_or(MoneyError::Overflow)?;
        Ok(Self { numerator, denominator })
    }

    /// The upper part.
    pub fn numerator(self) -> u64 {
        self.numerator
    }

    /// The lower part, never zero.
    pub fn denominator(self) -> u64 {
        self.denominator
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_amounts() {
        for (text, picos, shown) in [
            ("$0.05", 50_000_000_000, "$0.05"),
            ("0.05", 50_000_000_000, "$0.05"),
            ("0", 0, "$0.00"),
            ("$500", 500_000_000_000_000, "$500.00"),
            ("2.50", 2_500_000_000_000, "$2.50"),
            ("0.000123", 123_000_000, "$0.000123"),
            ("0.000000000001", 1, "$0.000000000001"),
            ("007.10", 7_100_000_000_000, "$7.10"),
            ("0.0500000000000000000", 50_000_000_000, "$0.05"),
            ("9223372.036854775807", i64::MAX, "$9223372.036854775807"),
        ] {
            let amount = UsdPicos::parse(text).unwrap();
            assert_eq!(amount, UsdPicos(picos), "{text}");
            assert_eq!(amount.to_string(), shown, "{text}");
        }
        assert_eq!(UsdPicos(-1_230_000_000_000).to_string(), "-$1.23");
        assert_eq!(UsdPicos(i64::MIN).to_string(), "-$9223372.036854775808");
        assert_eq!(NanosPerMtok::parse("0.1").unwrap(), NanosPerMtok(100_000_000));
        assert_eq!("$9000000000".parse::<UsdNanos>().unwrap(), UsdNanos(9_000_000_000_000_000_000));
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for (text, code) in [
            ("", "money-empty"),
            ("$", "money-empty"),
            ("-0.05", "money-negative"),
            ("$-1", "money-negative"),
            ("-nan", "money-negative"),
            ("-$1", "money-negative"),
            ("1.5e-3", "money-exponent"),
            ("1E5", "money-exponent"),
            ("1.e5", "money-exponent"),
            ("nan", "money-not-decimal"),
            ("NaN", "money-not-decimal"),
            ("inf", "money-not-decimal"),
            ("e5", "money-not-decimal"),
            ("+1", "money-not-decimal"),
            ("1,000", "money-not-decimal"),
            ("1_000", "money-not-decimal"),
            (" 1", "money-not-decimal"),
            ("1 ", "money-not-decimal"),
            (".5", "money-not-decimal"),
            ("5.", "money-not-decimal"),
            ("1.2.3", "money-not-decimal"),
            ("0x10", "money-not-decimal"),
            ("$$1", "money-not-decimal"),
            ("1$", "money-not-decimal"),
            ("١", "money-not-decimal"),
            ("0.0000000000001", "money-too-fine"),
            ("9223372.036854775808", "money-overflow"),
            ("99999999999999999999999", "money-overflow"),
        ] {
            assert_eq!(UsdPicos::parse(text).unwrap_err().code(), code, "{text}");
        }
        let error = UsdPicos::parse("1.5e-3").unwrap_err();
        assert_eq!(error.to_string(), "`1.5e-3` has an exponent, write the digits out");
        assert_eq!(UsdNanos::parse("0.0000000001").unwrap_err().to_string(), "`0.0000000001` has more than 9 decimals");
    }

    #[test]
    fn rounds_half_to_even() {
        for (numerator, denominator, expected) in [
            (5, 10, 0),
            (15, 10, 2),
            (25, 10, 2),
            (26, 10, 3),
            (24, 10, 2),
            (-5, 10, 0),
            (-15, 10, -2),
            (-25, 10, -2),
            (-26, 10, -3),
            (15, -10, -2),
            (25, -10, -2),
            (26, -10, -3),
            (-15, -10, 2),
            (-26, -10, 3),
            (7, 1, 7),
            (0, 3, 0),
            (i128::MAX, 1, i128::MAX),
            (i128::MIN, 1, i128::MIN),
        ] {
            assert_eq!(half_even(numerator, denominator), Some(expected), "{numerator}/{denominator}");
        }
        assert_eq!(half_even(1, 0), None);
        assert_eq!(half_even(i128::MIN, -1), None);
        assert_eq!(half_even(1, i128::MIN), Some(0));
    }

    #[test]
    fn arithmetic_says_when_it_overflows() {
        let most = UsdPicos(i64::MAX);
        assert_eq!(most.checked_add(UsdPicos(1)), Err(MoneyError::Overflow));
        assert_eq!(UsdPicos(i64::MIN).checked_sub(UsdPicos(1)), Err(MoneyError::Overflow));
        assert_eq!(most.checked_mul(2), Err(MoneyError::Overflow));
        assert_eq!(UsdPicos(i64::MIN).checked_mul(u64::MAX), Err(MoneyError::Overflow));
        assert_eq!(most.scaled(Ratio::new(11, 10).unwrap()), Err(MoneyError::Overflow));
        assert_eq!(UsdNanos(i64::MAX).to_picos(), Err(MoneyError::Overflow));
        assert_eq!(UsdPicos(1).checked_sub(UsdPicos(3)), Ok(UsdPicos(-2)));
        assert_eq!(UsdPicos(3).checked_mul(4), Ok(UsdPicos(12)));
        assert_eq!(UsdNanos(3).to_picos(), Ok(UsdPicos(3000)));
    }

    #[test]
    fn counters_round_up() {
        for (picos, nanos) in [(0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2), (-1, 0), (-1000, -1), (-1001, -1)] {
            assert_eq!(UsdPicos(picos).to_nanos_rounded_up(), UsdNanos(nanos), "{picos}");
        }
        assert_eq!(UsdPicos(i64::MAX).to_nanos_rounded_up(), UsdNanos(9_223_372_036_854_776));
    }

    #[test]
    fn ratios_are_exact() {
        let ratio = Ratio::parse("1.1").unwrap();
        assert_eq!((ratio.numerator(), ratio.denominator()), (11, 10));
        assert_eq!(Ratio::parse("2.5x").unwrap(), Ratio::new(5, 2).unwrap());
        assert_eq!(Ratio::parse("80%").unwrap(), Ratio::new(4, 5).unwrap());
        assert_eq!(Ratio::parse("1").unwrap(), Ratio::ONE);
        assert_eq!(Ratio::parse("0").unwrap(), Ratio::new(0, 7).unwrap());
        assert_eq!(Ratio::new(1, 0), Err(MoneyError::ZeroDenominator));
        assert_eq!(Ratio::parse("x").unwrap_err(), MoneyError::Empty);
        assert_eq!(Ratio::parse("-1").unwrap_err().code(), "money-negative");
        assert_eq!(UsdPicos(5).scaled(Ratio::parse("0.5").unwrap()), Ok(UsdPicos(2)));
        assert_eq!(UsdPicos(15).scaled(Ratio::parse("10%").unwrap()), Ok(UsdPicos(2)));
        assert_eq!(NanosPerMtok(100_000_000).scaled(ratio), Ok(NanosPerMtok(110_000_000)));
        assert_eq!(ratio.times(Ratio::new(5, 11).unwrap()), Ratio::new(1, 2));
        assert_eq!(ratio.times(Ratio::ONE), Ok(ratio));
        assert_eq!(Ratio::new(0, 3).unwrap().times(ratio), Ratio::new(0, 1));
        let huge = Ratio::new(u64::MAX, 1).unwrap();
        assert_eq!(huge.times(Ratio::new(1, u64::MAX).unwrap()), Ok(Ratio::ONE));
        assert_eq!(huge.times(huge), Err(MoneyError::Overflow));
    }

    #[test]
    fn one_token_at_ten_cents_a_million() {
        assert_eq!(NanosPerMtok(100_000_000).femtos(1), 100_000_000);
        assert_eq!(NanosPerMtok(i64::MIN).femtos(u64::MAX), i128::from(i64::MIN) * i128::from(u64::MAX));
    }
}
