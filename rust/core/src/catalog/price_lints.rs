//! What no price may say: over periods, tiers, windows, variants and multipliers.

use super::lints::Found;
use super::period::PricePeriod;
use super::price::{ConditionKey, Price, Rates, Vector, Window};
use crate::money::NanosPerMtok;

/// No chat model has ever cost this much per million tokens (the dearest was at 600): more is a unit slip, such as USD
/// per thousand tokens or cents.
const MAX_PRICE: NanosPerMtok = NanosPerMtok(1_000_000_000_000);
/// No provider charges more than a few times its price for anything: more is a slip (the dearest, a faster tier, is six
/// times the list price).
const MAX_MULTIPLIER: u64 = 10;
/// A cache write may cost a little less than input (a tenth below was seen), never far less.
const WRITE_SHARE_OF_INPUT_PERCENT: i64 = 90;

/// Everything wrong with the prices of one model, whose window is `context` tokens.
pub(super) fn periods(periods: &[PricePeriod], context: Option<u64>, found: &mut Found) {
    for (one, next) in periods.iter().zip(periods.iter().skip(1)) {
        if one.until.is_none() || one.until != next.from {
            found.push(("period-gap", "two price periods overlap, or days between them have no price".to_owned()));
        }
    }
    for period in periods {
        let name = match (period.from, period.until) {
            (Some(from), _) => format!("the price from {from}"),
            (None, Some(until)) => format!("the price until {until}"),
            (None, None) => "the price".to_owned(),
        };
        price(&name, &period.price, found);
        let Some(context) = context else { continue };
        if let Some(tier) = period.price.base.tiers.iter().find(|tier| tier.above_tokens >= context) {
            let message =
                format!("the tier above {} of {name} is out of reach: `context` is {context}", tier.above_tokens);
            found.push(("tier-beyond-window", message));
        }
    }
}

fn price(name: &str, price: &Price, found: &mut Found) {
    vector(name, &price.base, found);
    let fees = [("web_search_per_k", price.fees.web_search_per_k), ("per_request", price.fees.per_request.known())];
    for (field, fee) in fees {
        if let Some(fee) = fee.filter(|fee| fee.0 < 0 || fee.0 > MAX_PRICE.0) {
            found.push(("price-out-of-bounds", format!("`{field}` {fee} in {name}")));
        }
    }
    let mut covered: Vec<u8> = Vec::new();
    for (place, window) in price.windows.iter().enumerate() {
        let name = format!("window {} of {name}", place + 1);
        vector(&name, &window.vector, found);
        dearer("window-dearer", &name, &window.vector.rates, &price.base.rates, found);
        if overlaps(&mut covered, window) {
            found.push(("window-overlap", format!("{name} overlaps another window or itself")));
        }
    }
    for variant in &price.variants {
        let name = format!("`{}` of {name}", variant.condition);
        vector(&name, &variant.vector, found);
        if variant.condition.key == ConditionKey::Processing {
            batch(&name, &variant.vector.rates, &price.base.rates, found);
        }
    }
    for (condition, ratio) in &price.multipliers {
        if ratio.numerator() == 0 || ratio.numerator() > ratio.denominator().saturating_mul(MAX_MULTIPLIER) {
            found.push(("multiplier-out-of-bounds", format!("multiplier `{condition}` of {name}")));
        }
        if condition.key == ConditionKey::Processing && ratio.numerator() >= ratio.denominator() {
            found.push(("batch-above-list", format!("`{condition}` of {name} is no discount")));
        }
    }
}

fn vector(name: &str, vector: &Vector, found: &mut Found) {
    rates(name, &vector.rates, found);
    let mut below = (0, &vector.rates);
    for tier in &vector.tiers {
        let name = format!("{name}, the tier above {}", tier.above_tokens);
        if tier.above_tokens <= below.0 {
            found.push(("tier-order", format!("{name}, does not ascend")));
        }
        for ((field, higher), (_, lower)) in tier.rates.iter().zip(below.1.iter()) {
            if let (Some(higher), Some(lower)) = (higher, lower)
                && higher < lower
            {
                found.push(("tier-cheaper", format!("`{field}` {higher} in {name}, is below {lower}")));
            }
        }
        // A tier that names nothing says that above its edge no price is known.
        let is_half_known = tier.rates.input.is_none() || tier.rates.output.is_none();
        if is_half_known && tier.rates != Rates::UNKNOWN {
            found.push(("tier-incomplete", format!("{name}, has no `in` or no `out`")));
        }
        rates(&name, &tier.rates, found);
        below = (tier.above_tokens, &tier.rates);
    }
}

fn rates(name: &str, rates: &Rates, found: &mut Found) {
    for (field, price) in rates.iter() {
        if let Some(price) = price.filter(|price| price.0 < 0 || *price > MAX_PRICE) {
            found.push(("price-out-of-bounds", format!("`{field}` {price} in {name}")));
        }
    }
    if rates.input == Some(NanosPerMtok::FREE) && rates.output.is_some_and(|output| output > NanosPerMtok::FREE) {
        found.push(("input-free-output-not", format!("`in` is 0 and `out` is not in {name}")));
    }
    let least_write = rates.input.map(|input| NanosPerMtok(input.0 / 100 * WRITE_SHARE_OF_INPUT_PERCENT));
    // What must not be above what.
    for (code, lower, lower_price, upper, upper_price) in [
        ("read-above-input", "cache_read", rates.cache_read, "in", rates.input),
        ("hour-below-five-minutes", "cache_write_5m", rates.cache_write_5m, "cache_write_1h", rates.cache_write_1h),
        ("write-below-input", "0.9 in", least_write, "cache_write_5m", rates.cache_write_5m),
        ("write-below-input", "0.9 in", least_write, "cache_write_1h", rates.cache_write_1h),
        ("output-below-input", "in", rates.input, "out", rates.output),
    ] {
        if let (Some(lower_price), Some(upper_price)) = (lower_price, upper_price)
            && lower_price > upper_price
        {
            found.push((code, format!("`{lower}` {lower_price} is above `{upper}` {upper_price} in {name}")));
        }
    }
}

/// A batch is cheaper than the list in each class that both know, but for what is free.
fn batch(name: &str, batch: &Rates, list: &Rates, found: &mut Found) {
    for ((field, batch), (_, list)) in batch.iter().zip(list.iter()) {
        if let (Some(batch), Some(list)) = (batch, list)
            && batch >= list
            && list > NanosPerMtok::FREE
        {
            found.push(("batch-above-list", format!("`{field}` {batch} in {name} is not below {list}")));
        }
    }
}

/// The base price is the dearest of the day, so that a call whose hour is not known is never priced too low.
fn dearer(code: &'static str, name: &str, window: &Rates, base: &Rates, found: &mut Found) {
    for ((field, window), (_, base)) in window.iter().zip(base.iter()) {
        if let (Some(window), Some(base)) = (window, base)
            && window > base
        {
            found.push((code, format!("`{field}` {window} in {name} is above {base}")));
        }
    }
}

/// Marks the minutes of the week that the window covers; whether one of them was covered before.
fn overlaps(covered: &mut Vec<u8>, window: &Window) -> bool {
    let day = usize::from(Window::DAY_MINUTES);
    let week = 7 * day;
    covered.resize(week, 0);
    let mut is_twice = false;
    for index in (0..7_usize).filter(|index| window.days >> index & 1 == 1) {
        for span in &window.spans {
            let from = usize::from(span.from_minute);
            let until = usize::from(span.until_minute);
            let until = if until > from { until } else { until + day };
            for minute in from..until {
                if let Some(count) = covered.get_mut((index * day + minute) % week) {
                    *count = count.saturating_add(1);
                    is_twice |= *count > 1;
                }
            }
        }
    }
    is_twice
}
