//! What differs between two catalogues.
//!
//! Pure, sorted, and empty for a catalogue and itself. Prices are compared class by class as they are paid (in the period
//! of the day given, with its factor), so that a source that writes the same price differently shows no change.

use super::merge::text;
use super::model::Model;
use super::period::PricePeriod;
use super::price::{Condition, Price, RequestFee, Vector};
use super::provider::Provider;
use super::rows::{Row, Source};
use super::table::Catalog;
use crate::calendar::Day;
use crate::json::Value;
use crate::money::{NanosPerMtok, Ratio};

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
    /// `out above 200000`, `in at service_tier=priority`, `multiplier at region=us`.
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

/// One model, or one provider, that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `provider/id`; the id alone of a provider.
    pub model: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// What differs, sorted by field; of a provider that is only in one catalogue, all of it, and of a model that is only in one catalogue, its prices.
    pub fields: Vec<FieldChange>,
}

/// What differs, providers first, then by model; prices are those of `today`. O(rows); reads the wide parts.
pub fn diff(old: &Catalog, new: &Catalog, today: Day) -> Vec<Change> {
    let mut changes = provider_changes(old, new);
    changes.extend(paired(old, new).into_iter().filter_map(|(before, after)| change(before, after, today)));
    changes
}

/// The rows of both catalogues, side by side, by provider and id.
pub(super) fn paired<'c>(old: &'c Catalog, new: &'c Catalog) -> Vec<(Option<&'c Row>, Option<&'c Row>)> {
    let (mut old, mut new) = (old.rows().into_iter().peekable(), new.rows().into_iter().peekable());
    let mut pairs = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return pairs,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(before), Some(after)) => before.key().cmp(&after.key()),
        };
        let before = if order.is_le() { old.next() } else { None };
        let after = if order.is_ge() { new.next() } else { None };
        pairs.push((before, after));
    }
}

fn provider_changes(old: &Catalog, new: &Catalog) -> Vec<Change> {
    let sources = |catalog: &Catalog| -> Vec<(String, String)> {
        let named = |(provider, source): (&Provider, &Source)| (provider.id.clone(), source.text.to_string());
        catalog.providers().iter().zip(&catalog.provider_sources).map(named).collect()
    };
    let (old, new) = (sources(old), sources(new));
    let text_of = |rows: &[(String, String)], id: &str| rows.iter().find(|row| row.0 == id).map(|row| row.1.clone());
    let only_new = new.iter().filter(|(id, _)| text_of(&old, id).is_none());
    let mut changes = Vec::new();
    for (id, _) in old.iter().chain(only_new) {
        let (before, after) = (text_of(&old, id), text_of(&new, id));
        let kind = match (&before, &after) {
            (Some(_), Some(_)) => ChangeKind::Changed,
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
        };
        let mut fields = other_changes(before.as_deref().unwrap_or("{}"), after.as_deref().unwrap_or("{}"), true);
        if !fields.is_empty() {
            fields.sort_unstable();
            changes.push(Change { model: id.clone(), kind, fields });
        }
    }
    changes.sort_by(|one, next| one.model.cmp(&next.model));
    changes
}

fn change(before: Option<&Row>, after: Option<&Row>, today: Day) -> Option<Change> {
    let row = before.or(after)?;
    let kind = match (before, after) {
        (Some(before), Some(after)) if std::ptr::eq(before.json(), after.json()) => return None,
        (Some(_), Some(_)) => ChangeKind::Changed,
        (None, _) => ChangeKind::Added,
        (_, None) => ChangeKind::Removed,
    };
    let mut fields = price_changes(before, after, today);
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

fn price_changes(before: Option<&Row>, after: Option<&Row>, today: Day) -> Vec<FieldChange> {
    let points = |row: Option<&Row>| {
        let period = row.and_then(|row| period_near(row.model(), today));
        (period.map(points).unwrap_or_default(), period.map(terms).unwrap_or_default())
    };
    let ((before, before_terms), (after, after_terms)) = (points(before), points(after));
    let shown = |price: Option<NanosPerMtok>| price.map(|price| price.to_string());
    let mut fields = Vec::new();
    for (field, was, is) in compared(&before, &after) {
        fields.push(FieldChange { field, before: shown(was), after: shown(is), prices: was.zip(is) });
    }
    for (field, before, after) in compared(&before_terms, &after_terms) {
        fields.push(FieldChange { field, before, after, prices: None });
    }
    fields
}

/// What differs between two lists of named values.
pub(super) fn compared<T: Clone + PartialEq>(
    before: &[(String, T)],
    after: &[(String, T)],
) -> Vec<(String, Option<T>, Option<T>)> {
    let find = |values: &[(String, T)], name: &str| {
        values.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    let only_after = after.iter().filter(|(name, _)| find(before, name).is_none());
    let names = before.iter().chain(only_after).map(|(name, _)| name);
    let values = names.map(|name| (name.clone(), find(before, name), find(after, name)));
    values.filter(|(_, was, is)| was != is).collect()
}

/// The period of a day; else the newest that is known to have begun: a price that ended without a successor is the one
/// that a new price is compared with.
pub(super) fn period_near(model: &Model, day: Day) -> Option<&PricePeriod> {
    model.period_on(Some(day)).or_else(|_| model.period_on(None)).ok()
}

/// Every price of a period, as it is paid.
pub(super) fn points(period: &PricePeriod) -> Vec<(String, NanosPerMtok)> {
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

/// The same under each multiplier.
pub(super) fn multiplied(period: &PricePeriod, condition: &Condition, ratio: Ratio) -> Vec<(String, NanosPerMtok)> {
    let mut base = Vec::new();
    add_points(&period.price.base, &format!(" at {condition}"), &mut base);
    let ratio = ratio.times(period.price.price_factor.unwrap_or(Ratio::ONE)).unwrap_or(ratio);
    base.into_iter().map(|(field, price)| (field, price.scaled(ratio).unwrap_or(price))).collect()
}

/// What changes the prices of a period, and what is paid beside them, as text.
fn terms(period: &PricePeriod) -> Vec<(String, String)> {
    let price = &period.price;
    let of_ratio = |(condition, ratio): &(Condition, Ratio)| {
        (format!("multiplier at {condition}"), format!("{}/{}", ratio.numerator(), ratio.denominator()))
    };
    let mut terms: Vec<(String, String)> = price.multipliers.iter().map(of_ratio).collect();
    terms.extend(price.fees.web_search_per_k.map(|fee| ("web_search_per_k".to_owned(), fee.to_string())));
    match price.fees.per_request {
        RequestFee::None => {}
        RequestFee::Unknown => terms.push(("per_request".to_owned(), "unknown".to_owned())),
        RequestFee::Known(fee) => terms.push(("per_request".to_owned(), fee.to_string())),
    }
    terms
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
