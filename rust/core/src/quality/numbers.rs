//! Numbers that must agree on every platform: only operations that IEEE 754 fixes to the last bit.

/// The natural logarithm of a positive finite number, good to about 1e-11.
///
/// The standard library asks the platform's mathematics, whose last bits differ.
pub(super) fn ln(value: f64) -> f64 {
    let bits = value.to_bits();
    let exponent = i32::try_from((bits >> 52) & 0x7FF).unwrap_or(0) - 1023;
    let mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    let step = (mantissa - 1.0) / (mantissa + 1.0);
    let square = step * step;
    // atanh as a series: the mantissa is below 2, so that the step is at most a third and the terms fall ninefold.
    let series = (0..12_u32).rev().fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    f64::from(exponent) * std::f64::consts::LN_2 + 2.0 * step * series
}

/// `e` to a number, good to about 1e-12; 0 and infinity far out.
pub(super) fn exp(value: f64) -> f64 {
    let clamped = value.clamp(-700.0, 700.0);
    let whole = (clamped / std::f64::consts::LN_2).round();
    let rest = clamped - whole * std::f64::consts::LN_2;
    let series = (1..16_u32).rev().fold(1.0, |sum, term| 1.0 + sum * rest / f64::from(term));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of exponents")]
    let scale = f64::from_bits(((whole as i64 + 1023) as u64) << 52);
    series * scale
}

/// Numbers as steps of one size, and the size of a step.
#[allow(clippy::cast_possible_truncation, reason = "at most 127 by the choice of the step")]
pub(super) fn quantized(values: &[f64]) -> (Vec<i8>, f32) {
    let most = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let step = if most > 0.0 { single(most / 127.0) } else { 1.0 };
    (values.iter().map(|value| (value / f64::from(step)).round().clamp(-127.0, 127.0) as i8).collect(), step)
}

/// `1 + ln(count)` for every count that a bucket can hold; 0 for none.
pub(super) fn log_counts() -> &'static [f32; 256] {
    static TABLE: std::sync::OnceLock<[f32; 256]> = std::sync::OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = [0.0; 256];
        for (count, value) in (0_u32..).zip(table.iter_mut()).skip(1) {
            *value = single(1.0 + ln(f64::from(count)));
        }
        table
    })
}

/// The nearest number of single precision.
#[allow(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
pub(super) const fn single(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_the_logarithm() {
        for value in [1.0, 2.0, 3.0, 0.5, 1e-9, 255.0, 1e9, std::f64::consts::E] {
            assert!((ln(value) - value.ln()).abs() < 1e-9, "{value}");
        }
        for value in [0.0, 1.0, -1.0, 12.5, -33.3, 0.01] {
            assert!((exp(value) / value.exp() - 1.0).abs() < 1e-11, "{value}");
        }
        assert!(exp(-1e9) < 1e-300 && exp(1e9) > 1e300);
        assert_eq!(log_counts()[..2], [0.0, 1.0]);
    }
}
