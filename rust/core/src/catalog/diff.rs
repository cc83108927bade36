//! What differs between two catalogues, and whether a person has to agree to it.
//!
//! Pure, sorted, and empty for a catalogue and itself. Prices are compared class by class as they are paid (the newest
//! period in force, with its factor), so that a source that writes the same price differently shows no change.

use super::lints::lint_model;
use super::merge::text;
use super::model::Model;
use super::price::{Price, Vector};
use super::rows::{Origin, Row};
use super::table::Catalog;
use crate::json::Value;
use crate::money::{NanosPerMtok, Ratio};

/// A price that moves by more than this factor is a slip of a unit until a person says otherwise.
const MAX_PRICE_RATIO: i64 = 3;
/// A refresh that loses more models than this is a broken source until a person says otherwise.
const MAX_SHRINKAGE_PERCENT: usize = 10;

/// What happened to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is only in the new catalogue.
    Added,
    /// It is only in the old one.
    Removed,
    /// It is in both, and they differ.
    Changed,
}

/// One field before and after; an absent value is unknown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldChange {
    /// A key of the row such as `status` or `caps.tools`; a price is its class, and where it holds: `in`,
    /// `out above 200000`, `in at service_tier=priority`.
    pub field: String,
    /// As JSON; a price in USD.
    pub before: Option<String>,
    /// As JSON; a price in USD.
    pub after: Option<String>,
    /// Of prices: both, when both are known.
    pub prices: Option<(NanosPerMtok, NanosPerMtok)>,
}

impl FieldChange {
    /// The price after over the price before, exact; none for other fields, and when it was free.
    pub fn ratio(&self) -> Option<Ratio> {
        let (before, after) = self.prices?;
        Ratio::new(u64::try_from(after.0).ok()?, u64::try_from(before.0).ok()?).ok()
    }
}

/// One model that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `provider/id`.
    pub model: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// What differs, sorted by field; of a model that is only in one catalogue, its prices.
    pub fields: Vec<FieldChange>,
}

/// Why a person has to agree to a new catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Stable: `shrinkage`, `price-jump`, `price-lost`, `price-to-zero`, `broken-lint`.
    pub code: &'static str,
    /// `provider/id`; none when it is about the catalogue.
    pub model: Option<String>,
    /// What happened.
    pub message: String,
}

/// What differs, by model. O(rows); reads the wide parts.
pub fn diff(old: &Catalog, new: &Catalog) -> Vec<Change> {
    let (old, new) = (old.rows(), new.rows());
    let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
    let mut changes = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return changes,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(before), Some(after)) => before.key().cmp(&after.key()),
        };
        let before = if order.is_le() { old.next() } else { None };
        let after = if order.is_ge() { new.next() } else { None };
        changes.extend(change(before, after));
    }
}

/// Everything for which a person has to agree before the new catalogue replaces the old one; none when it may at once.
pub fn verdict(old: &Catalog, new: &Catalog) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let (had, has) = (old.rows().len(), new.rows().len());
    if has.saturating_mul(100) < had.saturating_mul(100 - MAX_SHRINKAGE_PERCENT) {
        let message = format!("{has} models are left of {had}, more than {MAX_SHRINKAGE_PERCENT}% less");
        reasons.push(Reason { code: "shrinkage", model: None, message });
    }
    for change in diff(old, new) {
        if change.kind == ChangeKind::Removed {
            continue;
        }
        let fields = change.fields.iter().filter(|_| change.kind == ChangeKind::Changed);
        for (code, message) in fields.filter_map(objection) {
            reasons.push(Reason { code, model: Some(change.model.clone()), message });
        }
        let (provider, id) = change.model.split_once('/').unwrap_or_default();
        let Some(row) = new.row(provider, id).filter(|row| row.origin() >= Origin::Refreshed) else { continue };
        let before = old.row(provider, id).map(|row| lint_model(old, row.model())).unwrap_or_default();
        for finding in lint_model(new, row.model()) {
            if !before.iter().any(|known| known.code == finding.code) {
                let message = format!("{} (`{}`)", finding.message, finding.code);
                reasons.push(Reason { code: "broken-lint", model: Some(change.model.clone()), message });
            }
        }
    }
    reasons
}

fn objection(change: &FieldChange) -> Option<(&'static str, String)> {
    let FieldChange { field, before, after, prices } = change;
    let was = before.as_deref().unwrap_or("unknown");
    let is = after.as_deref().unwrap_or("unknown");
    let code = match prices {
        None if after.is_none() && is_price(field) => "price-lost",
        None => return None,
        Some((before, after)) if before == after => return None,
        Some((_, after)) if after.0 == 0 => "price-to-zero",
        Some((before, after)) => {
            let (low, high) = (before.0.min(after.0), before.0.max(after.0));
            let is_jump = i128::from(high) > i128::from(low) * i128::from(MAX_PRICE_RATIO);
            is_jump.then_some("price-jump")?
        }
    };
    Some((code, format!("`{field}` was {was} and is {is}")))
}

/// Whether a field is named as a price class is.
fn is_price(field: &str) -> bool {
    let class = field.split(' ').next().unwrap_or_default();
    super::price::Rates::UNKNOWN.iter().any(|(known, _)| known == class)
}

fn change(before: Option<&Row>, after: Option<&Row>) -> Option<Change> {
    let row = before.or(after)?;
    let kind = match (before, after) {
        (Some(before), Some(after)) if std::ptr::eq(before.json(), after.json()) => return None,
        (Some(_), Some(_)) => ChangeKind::Changed,
        (None, _) => ChangeKind::Added,
        (_, None) => ChangeKind::Removed,
    };
    let mut fields = price_changes(before, after);
    if kind == ChangeKind::Changed {
        let is_same_prices = fields.is_empty();
        fields.extend(other_changes(before?.json(), after?.json(), is_same_prices));
        if fields.is_empty() {
            return None;
        }
    }
    fields.sort_unstable();
    Some(Change { model: row.model().full_name(), kind, fields })
}

fn price_changes(before: Option<&Row>, after: Option<&Row>) -> Vec<FieldChange> {
    let (before, after) = (points(before.map(Row::model)), points(after.map(Row::model)));
    let mut fields = Vec::new();
    let find = |points: &[(String, NanosPerMtok)], field: &str| {
        points.iter().find(|(known, _)| known == field).map(|(_, price)| *price)
    };
    let only_after = after.iter().filter(|(field, _)| find(&before, field).is_none());
    for (field, _) in before.iter().chain(only_after) {
        let (was, is) = (find(&before, field), find(&after, field));
        if was != is {
            let shown = |price: Option<NanosPerMtok>| price.map(|price| price.to_string());
            fields.push(FieldChange {
                field: field.clone(),
                before: shown(was),
                after: shown(is),
                prices: was.zip(is),
            });
        }
    }
    fields
}

/// Every price of the newest period in force, as it is paid.
fn points(model: Option<&Model>) -> Vec<(String, NanosPerMtok)> {
    let Some(period) = model.and_then(|model| model.price_period(None).ok()) else { return Vec::new() };
    let Price { base, windows, variants, price_factor, .. } = &period.price;
    let mut points = Vec::new();
    add_points(base, "", &mut points);
    for (place, window) in windows.iter().enumerate() {
        add_points(&window.vector, &format!(" in window {}", place.saturating_add(1)), &mut points);
    }
    for variant in variants {
        add_points(&variant.vector, &format!(" at {}", variant.condition), &mut points);
    }
    if let Some(factor) = price_factor {
        for (_, price) in &mut points {
            *price = price.scaled(*factor).unwrap_or(*price);
        }
    }
    points
}

fn add_points(vector: &Vector, suffix: &str, points: &mut Vec<(String, NanosPerMtok)>) {
    let tiers = vector.tiers.iter().map(|tier| (&tier.rates, format!(" above {}{suffix}", tier.above_tokens)));
    for (rates, suffix) in std::iter::once((&vector.rates, suffix.to_owned())).chain(tiers) {
        let known = rates.iter().filter_map(|(class, price)| Some((class, price?)));
        points.extend(known.map(|(class, price)| (format!("{class}{suffix}"), price)));
    }
}

/// The keys beside prices that differ; an object is compared key by key. `prices` is one when what is paid today is the same
/// and something else in it is not, such as the history.
fn other_changes(before: &str, after: &str, is_same_prices: bool) -> Vec<FieldChange> {
    let tree = |text| Value::parse(text).unwrap_or(Value::Null);
    let (before, after) = (tree(before.as_bytes()), tree(after.as_bytes()));
    let (before, after) = (flat(&before), flat(&after));
    let find = |fields: &[(String, String)], field: &str| {
        fields.iter().find(|(known, _)| known == field).map(|(_, value)| value.clone())
    };
    let only_after = after.iter().filter(|(field, _)| find(&before, field).is_none());
    let mut changes = Vec::new();
    for (field, _) in before.iter().chain(only_after) {
        let (was, is) = (find(&before, field), find(&after, field));
        if was != is && (is_same_prices || field != "prices" && field != "price_factor") {
            changes.push(FieldChange { field: field.clone(), before: was, after: is, prices: None });
        }
    }
    changes
}

fn flat(row: &Value<'_>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for (key, value) in row.members() {
        match value {
            Value::Null => {}
            Value::Object(members) if key != "dispute" => {
                let known = members.iter().filter(|(_, value)| *value != Value::Null);
                fields.extend(known.map(|(inner, value)| (format!("{key}.{inner}"), super::merge::canonical(value))));
            }
            Value::String(_) => fields.push((key.to_string(), text(value))),
            value => fields.push((key.to_string(), super::merge::canonical(value))),
        }
    }
    fields
}
