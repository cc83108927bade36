//! From the prices of a row to periods: exact, strict, every error with its row and field.

use super::error::CatalogError;
use super::fields::Fields;
use super::period::PricePeriod;
use super::price::{Condition, Fees, Price, Rates, RequestFee, Span, Tier, Variant, Vector, Window};
use super::quote::is_standard;
use crate::calendar::Day;
use crate::json::Value;
use crate::money::{Ratio, UsdNanos};

const RATE_KEYS: [&str; 9] =
    ["in", "out", "cache_read", "cache_write_5m", "cache_write_1h", "reasoning", "audio_in", "audio_out", "image_in"];
const PERIOD_KEYS: &[&str] = &[
    "from",
    "until",
    "source",
    "checked",
    "web_search_per_k",
    "per_request",
    "tiers",
    "windows",
    "variants",
    "multipliers",
];
const MAX_FACTOR: u128 = 10;
const LEAST_FACTOR_DIVISOR: u128 = 100;
const TIER_KEYS: &[&str] = &["above", "inclusive"];
const WINDOW_KEYS: &[&str] = &["days", "hours", "tiers"];
const VARIANT_KEYS: &[&str] = &["tiers"];

/// Reads `prices` and `price_factor`.
pub(super) fn periods(row: &str, fields: &Fields<'_>) -> Result<Vec<PricePeriod>, CatalogError> {
    let price_factor = match fields.value("price_factor") {
        Some(value) => Some(price_factor(row, value)?),
        None => None,
    };
    let listed = match fields.value("prices") {
        None => return Ok(Vec::new()),
        Some(Value::Array(listed)) => listed,
        Some(_) => return Err(CatalogError::bad_row(row, "`prices` is not an array of periods").at("prices")),
    };
    let periods: Vec<PricePeriod> = placed(listed, "prices", |value| period(row, value, price_factor))?;
    let is_in_order =
        |one: &PricePeriod, next: &PricePeriod| one.until.zip(next.from).is_some_and(|(until, from)| until <= from);
    if !periods.iter().zip(periods.iter().skip(1)).all(|(one, next)| is_in_order(one, next)) {
        return Err(CatalogError::bad_row(row, "`prices` overlap or do not ascend").at("prices"));
    }
    Ok(periods)
}

/// Reads a negotiated factor. Beyond a tenth or ten times the list it is a slip: per cent for a share, a discount for what
/// is left of the price.
pub(super) fn price_factor(row: &str, value: &Value<'_>) -> Result<Ratio, CatalogError> {
    let factor = ratio(row, "price_factor", value)?;
    let wrong = |why: &str| CatalogError::bad_row(row, format_args!("`price_factor` {why}")).at("price_factor");
    let (numerator, denominator) = (u128::from(factor.numerator()), u128::from(factor.denominator()));
    if numerator == 0 {
        return Err(wrong("is 0: what costs nothing is declared as `price: free`"));
    }
    if numerator > denominator * MAX_FACTOR || numerator * LEAST_FACTOR_DIVISOR < denominator {
        return Err(wrong("is not between 0.01 and 10: 0.85 is 15% off"));
    }
    Ok(factor)
}

/// Reads each element of the list at a key; an error says which.
fn placed<'r, T>(
    values: &'r [Value<'r>],
    key: &str,
    read: impl Fn(&'r Value<'r>) -> Result<T, CatalogError>,
) -> Result<Vec<T>, CatalogError> {
    let read = |(place, value)| read(value).map_err(|error| error.at(&place).at(key));
    values.iter().enumerate().map(read).collect()
}

fn period(row: &str, value: &Value<'_>, price_factor: Option<Ratio>) -> Result<PricePeriod, CatalogError> {
    let fields = Fields::with(row, value, &[&RATE_KEYS, PERIOD_KEYS])?;
    let (from, until) = (day(&fields, "from")?, day(&fields, "until")?);
    if from.zip(until).is_some_and(|(from, until)| until <= from) {
        return Err(CatalogError::bad_row(row, "`until` is not after `from`"));
    }
    let price = Price {
        base: vector(row, &fields)?,
        windows: windows(row, &fields)?,
        variants: variants(row, &fields)?,
        multipliers: multipliers(row, &fields)?,
        fees: Fees {
            web_search_per_k: fields.usd("web_search_per_k", UsdNanos::parse)?,
            per_request: request_fee(&fields)?,
        },
        price_factor,
    };
    if !price.windows.is_empty() && !price.variants.is_empty() {
        return Err(CatalogError::bad_row(row, "`windows` beside `variants`: what holds under both is not known"));
    }
    let of_variants = price.variants.iter().map(|variant| &variant.condition);
    if let Some(twice) = of_variants.clone().find(|one| price.multipliers.iter().any(|(other, _)| *one == other)) {
        return Err(CatalogError::bad_row(row, format_args!("`{twice}` is both a variant and a multiplier")));
    }
    Ok(PricePeriod { from, until, source: fields.string("source")?, checked: day(&fields, "checked")?, price })
}

/// An amount, or `unknown`: a fee is charged, and how much is not known.
fn request_fee(fields: &Fields<'_>) -> Result<RequestFee, CatalogError> {
    match fields.value("per_request") {
        None => Ok(RequestFee::None),
        Some(Value::String(word)) if word == "unknown" => Ok(RequestFee::Unknown),
        Some(_) => Ok(fields.usd("per_request", UsdNanos::parse)?.map_or(RequestFee::None, RequestFee::Known)),
    }
}

fn day(fields: &Fields<'_>, key: &str) -> Result<Option<Day>, CatalogError> {
    fields.word(key, "a date such as `2026-11-22`", Day::parse)
}

fn vector(row: &str, fields: &Fields<'_>) -> Result<Vector, CatalogError> {
    Ok(Vector { rates: rates(fields)?, tiers: tiers(row, fields)? })
}

fn tiers(row: &str, fields: &Fields<'_>) -> Result<Vec<Tier>, CatalogError> {
    let tiers = placed(fields.objects("tiers")?, "tiers", |value| {
        let tier = Fields::with(row, value, &[&RATE_KEYS, TIER_KEYS])?;
        let above = tier.u64("above")?;
        Ok(Tier {
            above_tokens: above.ok_or_else(|| CatalogError::bad_row(row, "a tier without `above`"))?,
            inclusive: tier.bool("inclusive")?.unwrap_or(false),
            rates: rates(&tier)?,
        })
    })?;
    if !tiers.is_sorted_by(|lower, upper| lower.above_tokens < upper.above_tokens) {
        return Err(CatalogError::bad_row(row, "`tiers` do not ascend").at("tiers"));
    }
    Ok(tiers)
}

fn rates(prices: &Fields<'_>) -> Result<Rates, CatalogError> {
    Ok(Rates {
        input: prices.price("in")?,
        output: prices.price("out")?,
        cache_read: prices.price("cache_read")?,
        cache_write_5m: prices.price("cache_write_5m")?,
        cache_write_1h: prices.price("cache_write_1h")?,
        reasoning: prices.price("reasoning")?,
        audio_in: prices.price("audio_in")?,
        audio_out: prices.price("audio_out")?,
        image_in: prices.price("image_in")?,
    })
}

fn windows(row: &str, fields: &Fields<'_>) -> Result<Vec<Window>, CatalogError> {
    let windows = placed(fields.objects("windows")?, "windows", |value| {
        let window = Fields::with(row, value, &[&RATE_KEYS, WINDOW_KEYS])?;
        Ok(Window {
            days: days(row, &window)?,
            spans: window.list("hours", "an array of hours such as `22:00-06:00`", span)?,
            vector: vector(row, &window)?,
        })
    })?;
    match windows.iter().find(|window| window.spans.is_empty()) {
        Some(_) => Err(CatalogError::bad_row(row, "a window without `hours`").at("windows")),
        None => Ok(windows),
    }
}

/// Days of the week by their ISO numbers, Monday is 1; absent is every day.
fn days(row: &str, window: &Fields<'_>) -> Result<u8, CatalogError> {
    let wrong = || CatalogError::bad_row(row, "`days` is not an array of days from 1 (Monday) to 7").at("days");
    let Some(value) = window.value("days") else { return Ok(0b111_1111) };
    let mut mask = 0;
    for item in value.items() {
        let day = item.as_u64().filter(|day| (1..=7).contains(day)).ok_or_else(wrong)?;
        mask |= 1_u8 << (day - 1);
    }
    if mask == 0 { Err(wrong()) } else { Ok(mask) }
}

/// `22:00-06:00`; `00:00-00:00` is the whole day. Other spans of no length are refused.
fn span(text: &str) -> Option<Span> {
    let (from, until) = text.split_once('-')?;
    let from_minute = minute(from).filter(|minute| *minute < Window::DAY_MINUTES)?;
    let until_minute = match minute(until)? {
        0 => Window::DAY_MINUTES,
        until => until,
    };
    (from_minute != until_minute).then_some(Span { from_minute, until_minute })
}

fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |text: &str| {
        let is_two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_two.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours < 24 && minutes < 60 || (hours, minutes) == (24, 0)).then(|| hours * 60 + minutes)
}

fn variants(row: &str, fields: &Fields<'_>) -> Result<Vec<Variant>, CatalogError> {
    let members = fields.members("variants")?;
    members
        .iter()
        .map(|(name, value)| {
            let variant = || {
                let prices = Fields::with(row, value, &[&RATE_KEYS, VARIANT_KEYS])?;
                Ok(Variant { condition: condition(row, name)?, vector: vector(row, &prices)? })
            };
            variant().map_err(|error: CatalogError| error.at(name).at("variants"))
        })
        .collect()
}

fn multipliers(row: &str, fields: &Fields<'_>) -> Result<Vec<(Condition, Ratio)>, CatalogError> {
    let members = fields.members("multipliers")?;
    members
        .iter()
        .map(|(name, value)| {
            Ok((condition(row, name)?, ratio(row, name, value).map_err(|error| error.at("multipliers"))?))
        })
        .collect()
}

fn condition(row: &str, name: &str) -> Result<Condition, CatalogError> {
    let wrong = |why: &str| Err(CatalogError::bad_row(row, format_args!("`{name}` {why}")));
    match Condition::parse(name) {
        None => wrong("is not a condition such as `service_tier=priority`"),
        Some(condition) if condition.value.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            wrong("has a value in capitals: conditions are written in small letters")
        }
        Some(condition) if is_standard(condition.key, &condition.value) => {
            wrong("never holds: it names the standard terms, whose price is the period's own")
        }
        Some(condition) => Ok(condition),
    }
}

fn ratio(row: &str, name: &str, value: &Value<'_>) -> Result<Ratio, CatalogError> {
    let wrong = |message: &dyn std::fmt::Display| CatalogError::bad_row(row, message).at(name);
    let number = value.as_number().ok_or_else(|| wrong(&format_args!("`{name}` is not a number")))?;
    Ratio::parse(number.0).map_err(|error| wrong(&format_args!("`{name}`: {error}")))
}

impl PricePeriod {
    /// Reads a price that a call states itself: one period, as in a row.
    ///
    /// # Errors
    /// When it is not one; the message names the model and the field.
    pub fn parse(model: &str, json: &[u8]) -> Result<Self, CatalogError> {
        let row = format!("`{model}`");
        let value = Value::parse(json).map_err(|error| CatalogError::bad_row(&row, error))?;
        period(&row, &value, None)
    }
}
