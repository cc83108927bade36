//! What no row may say: each lint found, or would have found, a real error of a price source.

use super::model::{Model, Price, Rates, Status};
use super::table::Catalog;
use crate::money::NanosPerMtok;

/// No chat model has ever cost this much per million tokens (the dearest was at 600): more is a unit slip, such as USD
/// per thousand tokens or cents.
const MAX_PRICE: NanosPerMtok = NanosPerMtok(1_000_000_000_000);

/// Rows that break a lint and are right all the same.
const EXCEPTIONS: &[(&str, &str)] = &[
    // Its cache prices are those of the model at normal speed, though input and output cost twice as much.
    ("write-below-input", "minimax/MiniMax-M2.7-highspeed"),
];

/// Something that a row says and that cannot be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The lint.
    pub code: &'static str,
    /// `provider/id`.
    pub model: String,
    /// What is wrong.
    pub message: String,
}

/// Everything wrong with the rows of a catalogue, in their order.
pub fn lint(catalog: &Catalog) -> Vec<Finding> {
    let mut findings = Vec::new();
    for model in catalog.models() {
        let mut found = Vec::new();
        limits(model, &mut found);
        life(catalog, model, &mut found);
        thinking(model, &mut found);
        if let Some(price) = &model.price {
            prices(price, &mut found);
        }
        for variant in &model.variants {
            rates(&format!("variant `{}`", variant.name), &variant.rates, &mut found);
        }
        let name = model.full_name();
        let is_exempt = |code: &str| EXCEPTIONS.contains(&(code, &name));
        findings.extend(found.into_iter().filter(|(code, _)| !is_exempt(code)).map(|(code, message)| Finding {
            code,
            model: name.clone(),
            message,
        }));
    }
    findings
}

type Found = Vec<(&'static str, String)>;

fn limits(model: &Model, found: &mut Found) {
    let Some(context) = model.context else { return };
    for (code, field, limit) in
        [("input-above-window", "max_input", model.max_input), ("output-above-window", "max_output", model.max_output)]
    {
        if let Some(limit) = limit.filter(|limit| *limit > context) {
            found.push((code, format!("`{field}` {limit} is above `context` {context}")));
        }
    }
    if model.context == Some(0) || model.max_input == Some(0) || model.max_output == Some(0) {
        found.push(("zero-limit", "a limit is 0".to_owned()));
    }
}

fn life(catalog: &Catalog, model: &Model, found: &mut Found) {
    for name in std::iter::once(&model.id).chain(&model.aliases) {
        let full = format!("{}/{name}", model.provider);
        if !catalog.resolve(&full).is_ok_and(|found| found.model == model) {
            found.push(("name-resolves-elsewhere", format!("`{full}` does not resolve to this row")));
        }
    }
    if let Some(next) = &model.replaced_by {
        match catalog.resolve(next) {
            Ok(next) if next.model.status == Status::Active => {}
            _ => found.push(("successor-not-active", format!("`replaced_by` `{next}` is not an active model"))),
        }
    }
    if model.status == Status::Retired && model.retires_on.is_none() {
        found.push(("retired-without-date", "a retired model has no `retires_on`".to_owned()));
    }
    if let (Some(release), Some(end)) = (&model.release, &model.retires_on)
        && release >= end
    {
        found.push(("retired-before-release", format!("`retires_on` {end} is not after `release` {release}")));
    }
}

fn thinking(model: &Model, found: &mut Found) {
    let Some(reasoning) = &model.reasoning else { return };
    if model.caps.reasoning == Some(false) {
        found.push(("thinks-and-does-not", "`reasoning` is set though the model does not reason".to_owned()));
    }
    if reasoning.always_on == Some(true) && reasoning.can_disable == Some(true) {
        found.push(("always-on-and-not", "thinking is always on and can be disabled".to_owned()));
    }
    if !reasoning.efforts.is_sorted() {
        found.push(("efforts-order", "`efforts` do not ascend".to_owned()));
    }
    if let Some(effort) = reasoning.default_effort.filter(|effort| !reasoning.efforts.contains(effort)) {
        found.push(("default-effort", format!("`default_effort` {effort} is not one of `efforts`")));
    }
    if let (Some(least), Some(most)) = (reasoning.budget_min, reasoning.budget_max)
        && least > most
    {
        found.push(("budget-order", format!("`budget_min` {least} is above `budget_max` {most}")));
    }
}

fn prices(price: &Price, found: &mut Found) {
    rates("the base price", &price.rates, found);
    let mut below = (0, &price.rates);
    for tier in &price.tiers {
        let name = format!("the tier above {}", tier.above_tokens);
        if tier.above_tokens <= below.0 {
            found.push(("tier-order", format!("{name} does not ascend")));
        }
        for ((field, higher), (_, lower)) in tier.rates.iter().zip(below.1.iter()) {
            if let (Some(higher), Some(lower)) = (higher, lower)
                && higher < lower
            {
                found.push(("tier-cheaper", format!("`{field}` {higher} in {name} is below {lower}")));
            }
        }
        if tier.rates.input.is_none() || tier.rates.output.is_none() {
            found.push(("tier-incomplete", format!("{name} has no `in` or no `out`")));
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
    // What must not be above what.
    for (code, lower, lower_price, upper, upper_price) in [
        ("read-above-input", "cache_read", rates.cache_read, "in", rates.input),
        ("hour-below-five-minutes", "cache_write_5m", rates.cache_write_5m, "cache_write_1h", rates.cache_write_1h),
        ("write-below-input", "in", rates.input, "cache_write_5m", rates.cache_write_5m),
        ("batch-above-list", "batch_in", rates.batch_input, "in", rates.input),
        ("batch-above-list", "batch_out", rates.batch_output, "out", rates.output),
        ("output-below-input", "in", rates.input, "out", rates.output),
    ] {
        if let (Some(lower_price), Some(upper_price)) = (lower_price, upper_price)
            && lower_price > upper_price
        {
            found.push((code, format!("`{lower}` {lower_price} is above `{upper}` {upper_price} in {name}")));
        }
    }
}
