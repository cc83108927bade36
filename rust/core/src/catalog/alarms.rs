//! Why a person has to agree to a new catalogue before it replaces the old one.
//!
//! A refresh that is damaged, or that someone tampered with, must not move money or keys unseen. Prices are compared as they
//! are paid in every period, old and new: base, tiers, windows, variants, multipliers and fees. What is new beside a price
//! (a window, a variant, a tier) is held against that price, for nothing older stands beside it.
//!
//! A test breaks it with a change that makes a call three times dearer or cheaper, free, or sends its key elsewhere, and
//! gives no reason.

use super::diff::{Change, ChangeKind, compared, diff, multiplied, paired, period_near, points};
use super::lints::lint_model;
use super::model::Model;
use super::period::PricePeriod;
use super::price::RequestFee;
use super::rows::{Origin, Row};
use super::table::Catalog;
use crate::calendar::Day;
use crate::money::{NanosPerMtok, UsdNanos};

/// A price that moves by more than this factor is a slip of a unit until a person says otherwise.
const MAX_PRICE_RATIO: i64 = 3;
/// A refresh that loses more models than this is a broken source until a person says otherwise.
const MAX_SHRINKAGE_PERCENT: usize = 10;
/// What of a provider says which key goes where, and what is made of the answer.
const REACH: [&str; 7] = ["aliases", "auth", "base_url", "dialect", "env", "local", "settings_env"];

/// Why a person has to agree to a new catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Stable: `shrinkage`, `provider-reach`, `price-jump`, `price-lost`, `price-to-zero`, `fee-added`, `broken-lint`.
    pub code: &'static str,
    /// `provider/id`, or a provider; none when it is about the catalogue.
    pub model: Option<String>,
    /// What happened.
    pub message: String,
}

/// Everything for which a person has to agree before the new catalogue replaces the old one; none when it may at once.
pub fn verdict(old: &Catalog, new: &Catalog, today: Day) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let (had, has) = (old.rows().len(), new.rows().len());
    if has.saturating_mul(100) < had.saturating_mul(100 - MAX_SHRINKAGE_PERCENT) {
        let message = format!("{has} models are left of {had}, more than {MAX_SHRINKAGE_PERCENT}% less");
        reasons.push(Reason { code: "shrinkage", model: None, message });
    }
    for change in diff(old, new, today).iter().filter(|change| !change.model.contains('/')) {
        reasons.extend(reach(change));
    }
    for (before, after) in paired(old, new) {
        let Some(after) = after else { continue };
        if before.is_some_and(|before| std::ptr::eq(before.json(), after.json())) {
            continue;
        }
        let name = after.model().full_name();
        for (code, message) in price_alarms(before.map(Row::model), after.model(), today) {
            reasons.push(Reason { code, model: Some(name.clone()), message });
        }
        if after.origin() < Origin::Refreshed {
            continue;
        }
        let known = before.map(|row| lint_model(old, row.model())).unwrap_or_default();
        for finding in lint_model(new, after.model()) {
            if !known.iter().any(|known| known.code == finding.code) {
                let message = format!("{} (`{}`)", finding.message, finding.code);
                reasons.push(Reason { code: "broken-lint", model: Some(name.clone()), message });
            }
        }
    }
    reasons
}

/// What a change of a provider means for keys.
fn reach(change: &Change) -> Vec<Reason> {
    let fields = change.fields.iter().filter(|field| REACH.contains(&field.field.as_str()));
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "unset".to_owned());
    let messages: Vec<String> = match change.kind {
        ChangeKind::Removed => vec!["the provider is gone".to_owned()],
        ChangeKind::Added => {
            let said: Vec<String> = fields.map(|field| format!("`{}` {}", field.field, shown(&field.after))).collect();
            vec![format!("a new provider: {}", said.join(", "))]
        }
        ChangeKind::Changed => fields
            .map(|field| format!("`{}` was {} and is {}", field.field, shown(&field.before), shown(&field.after)))
            .collect(),
    };
    let reason = |message| Reason { code: "provider-reach", model: Some(change.model.clone()), message };
    messages.into_iter().map(reason).collect()
}

type Alarm = (&'static str, String);

/// What is alarming about the prices of a model, each said once.
fn price_alarms(before: Option<&Model>, after: &Model, today: Day) -> Vec<Alarm> {
    let mut days = vec![today];
    for period in before.iter().flat_map(|model| &model.prices).chain(&after.prices) {
        // The day before an end is one of the period, where no other begins on the day that it does.
        days.extend([period.from, period.until.map(|until| Day(until.0.saturating_sub(1)))].into_iter().flatten());
    }
    let mut alarms: Vec<Alarm> = Vec::new();
    for day in days {
        let (was, is) = (before.and_then(|model| period_near(model, day)), period_near(after, day));
        for alarm in period_alarms(was, is) {
            if !alarms.contains(&alarm) {
                alarms.push(alarm);
            }
        }
    }
    alarms
}

fn period_alarms(before: Option<&PricePeriod>, after: Option<&PricePeriod>) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    let (was, is) = (before.map(paid).unwrap_or_default(), after.map(paid).unwrap_or_default());
    for (field, was, is) in compared(&was, &is) {
        let text = |price: Option<NanosPerMtok>| price.map_or_else(|| "unknown".to_owned(), |price| price.to_string());
        let code = match (was, is) {
            (Some(_), None) => Some("price-lost"),
            (_, Some(is)) if is.0 == 0 => Some("price-to-zero"),
            (Some(was), Some(is)) => is_far(was.0, is.0).then_some("price-jump"),
            (None, _) => None,
        };
        if let Some(code) = code {
            alarms.push((code, format!("`{field}` was {} and is {}", text(was), text(is))));
        } else if let (None, Some(price), Some((class, _))) = (was, is, field.split_once(' '))
            && let Some(base) = value_of(&paid_base(after), class)
            && is_far(base.0, price.0)
        {
            alarms.push(("price-jump", format!("`{field}` is new at {price}, beside `{class}` at {base}")));
        }
    }
    if let Some(after) = after {
        fee_alarms(before, after, &mut alarms);
    }
    alarms
}

/// Every price that a call may be billed at, multipliers included.
fn paid(period: &PricePeriod) -> Vec<(String, NanosPerMtok)> {
    let ratios = period.price.multipliers.iter();
    let scaled = ratios.flat_map(|(condition, ratio)| multiplied(period, condition, *ratio));
    points(period).into_iter().chain(scaled).collect()
}

fn paid_base(period: Option<&PricePeriod>) -> Vec<(String, NanosPerMtok)> {
    period.map(points).unwrap_or_default()
}

fn value_of(points: &[(String, NanosPerMtok)], field: &str) -> Option<NanosPerMtok> {
    points.iter().find(|(known, _)| known == field).map(|(_, price)| *price)
}

fn fee_alarms(before: Option<&PricePeriod>, after: &PricePeriod, alarms: &mut Vec<Alarm>) {
    let fees = |period: &PricePeriod| period.price.fees;
    let searches = |period: &PricePeriod| fees(period).web_search_per_k;
    moved("web_search_per_k", before.and_then(searches), searches(after), alarms);
    let (was, is) = (before.map(|period| fees(period).per_request), fees(after).per_request);
    match (was.unwrap_or_default(), is) {
        (RequestFee::None, RequestFee::Known(fee)) => {
            alarms.push(("fee-added", format!("a request now costs {fee} beside its tokens")));
        }
        (RequestFee::Unknown, RequestFee::None) => {
            alarms.push(("price-to-zero", "a request costs a fee, and now is said to cost none".to_owned()));
        }
        (RequestFee::Known(was), is) => {
            let is = if is == RequestFee::None { Some(UsdNanos::ZERO) } else { is.known() };
            moved("per_request", Some(was), is, alarms);
        }
        (RequestFee::None | RequestFee::Unknown, _) => {}
    }
}

/// A fee that is lost, that is nothing and was not, or that moved far.
fn moved(field: &str, was: Option<UsdNanos>, is: Option<UsdNanos>, alarms: &mut Vec<Alarm>) {
    let code = match (was, is) {
        (was, is) if was == is => return,
        (Some(_), None) => "price-lost",
        (_, Some(is)) if is == UsdNanos::ZERO => "price-to-zero",
        (Some(was), Some(is)) if is_far(was.0, is.0) => "price-jump",
        _ => return,
    };
    let text = |fee: Option<UsdNanos>| fee.map_or_else(|| "unknown".to_owned(), |fee| fee.to_string());
    alarms.push((code, format!("`{field}` was {} and is {}", text(was), text(is))));
}

/// Whether two prices are further apart than any change of a price.
fn is_far(one: i64, other: i64) -> bool {
    let (low, high) = (one.min(other), one.max(other));
    i128::from(high) > i128::from(low) * i128::from(MAX_PRICE_RATIO)
}
