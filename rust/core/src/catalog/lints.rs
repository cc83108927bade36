//! What no row may say: each lint found, or would have found, a real error of a price source.

use super::model::{Dispute, Model, Status};
use super::price_lints;
use super::table::Catalog;
use crate::calendar::Day;
use crate::money::NanosPerMtok;

/// Sources this far apart do not know two prices of one model: one has cents for dollars, or thousands for millions.
const MAX_RATIO_OF_SOURCES: i64 = 20;

/// Rows that break a lint and are right all the same.
const EXCEPTIONS: &[(&str, &str)] = &[
    // Their cache prices are those of the model at normal speed, though input and output cost twice as much.
    ("write-below-input", "minimax/MiniMax-M2.1-highspeed"),
    ("write-below-input", "minimax/MiniMax-M2.5-highspeed"),
    ("write-below-input", "minimax/MiniMax-M2.7-highspeed"),
    ("write-below-input", "novita/minimax/minimax-m2.7-highspeed"),
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

/// Everything wrong with the rows of a catalogue, in their order. O(rows); reads the wide part.
pub fn lint(catalog: &Catalog) -> Vec<Finding> {
    catalog.rows().into_iter().flat_map(|row| lint_model(catalog, row.model())).collect()
}

/// Everything wrong with one row of a catalogue.
pub(super) fn lint_model(catalog: &Catalog, model: &Model) -> Vec<Finding> {
    let mut found = Vec::new();
    limits(model, &mut found);
    life(catalog, model, &mut found);
    thinking(model, &mut found);
    price_lints::periods(&model.prices, model.context, &mut found);
    let name = model.full_name();
    found.retain(|(code, _)| !EXCEPTIONS.contains(&(*code, &name)));
    found.into_iter().map(|(code, message)| Finding { code, model: name.clone(), message }).collect()
}

/// What holds today and has to be looked at again: announced prices, which may be withdrawn before their day; prices on
/// which sources differ; names that move.
pub fn notices(catalog: &Catalog, today: Day) -> Vec<Finding> {
    let mut findings = Vec::new();
    for model in catalog.models() {
        let mut found = Found::new();
        for period in &model.prices {
            if let Some(from) = period.from.filter(|from| *from > today) {
                found.push((
                    "announced-price",
                    format!("another price is announced from {from}: verify it on that day"),
                ));
            } else if period.is_announced() && period.covers(today) {
                found.push(("unverified-price", "the price in force was announced and never verified".to_owned()));
            }
        }
        if let Some(kind) = model.disputed {
            found.push(("disputed-price", format!("sources differ on the price ({kind})")));
        }
        for dispute in &model.dispute {
            if let Some((low, high)) = unit_slip(dispute) {
                let message =
                    format!("sources say {low} and {high} for `{}`: one of them has the wrong unit", dispute.field);
                found.push(("unit-slip", message));
            }
        }
        if model.is_moving {
            found.push(("moving-name", "the provider may point this name at another model".to_owned()));
        }
        findings.extend(found.into_iter().map(|(code, message)| Finding { code, model: model.full_name(), message }));
    }
    findings
}

/// The least and the greatest price that sources give, when no change of price explains how far they are apart.
fn unit_slip(dispute: &Dispute) -> Option<(NanosPerMtok, NanosPerMtok)> {
    let said = dispute.values.iter().filter_map(|(_, value)| NanosPerMtok::parse(value).ok());
    let (low, high) = (said.clone().filter(|price| price.0 > 0).min()?, said.max()?);
    (high.0 / MAX_RATIO_OF_SOURCES >= low.0).then_some((low, high))
}

pub(super) type Found = Vec<(&'static str, String)>;

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
            Ok(next) if next.model.status == Status::Active => {
                if leads_back(catalog, next.model, model) {
                    found.push(("successor-cycle", format!("`replaced_by` `{}` leads back", next.model.full_name())));
                }
            }
            _ => found.push(("successor-not-active", format!("`replaced_by` `{next}` is not an active model"))),
        }
    }
    if let Some(target) = model.alias_of.as_ref().filter(|target| catalog.resolve(target).is_err()) {
        found.push(("alias-of-nothing", format!("`alias_of` `{target}` is not in the catalogue")));
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

/// Whether the successors of `next` lead to `model`.
fn leads_back<'c>(catalog: &'c Catalog, mut next: &'c Model, model: &Model) -> bool {
    // More successors than any line of models has.
    for _ in 0..8 {
        if next == model {
            return true;
        }
        match next.replaced_by.as_deref().and_then(|name| catalog.resolve(name).ok()) {
            Some(found) => next = found.model,
            None => return false,
        }
    }
    true
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
