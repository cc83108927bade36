//! From the place where a call is processed to the region that a price list names.
//!
//! Promises: the region that the place's name is or begins with (`eu` for `eu-west-1` and `europe-west1`); else `regional`,
//! which is any place but `global`; else, where a list prices regions and none fits, the dearest, and it says that this is
//! assumed. None where a list prices no region, as its base price then is that of every place.
//! Refuses: to know where a provider's places are: `eastus` begins with no region.
//!
//! A test breaks it with a place at the base price of a list that prices its region.

use crate::catalog::{ConditionKey, Model, PricePeriod, Terms, expected_cost};

/// A region that a price list names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PriceRegion<'m> {
    /// As the list names it.
    pub name: &'m str,
    /// Whether no region of the list fits, and this is its dearest.
    pub is_assumed: bool,
}

/// Any place but [`ANYWHERE`].
const REGIONAL: &str = "regional";
const ANYWHERE: &str = "global";
/// What the dearest region is compared at: a thousand tokens in, a thousand out.
const COMPARED_TOKENS: u64 = 1_000;

/// The region whose prices hold for a call that is processed at `place`. Linear in the list's regions.
pub(super) fn price_region<'m>(model: &'m Model, place: &str, at_ms: i64) -> Option<PriceRegion<'m>> {
    if place.eq_ignore_ascii_case(ANYWHERE) {
        return None;
    }
    let period = model.price_period(Some(at_ms)).ok()?;
    let fitting = regions(period).filter(|region| is_in(place, region)).max_by_key(|region| region.len());
    let fitting = fitting.or_else(|| regions(period).find(|region| region.eq_ignore_ascii_case(REGIONAL)));
    match fitting {
        Some(name) => Some(PriceRegion { name, is_assumed: false }),
        None => dearest(period, at_ms).map(|name| PriceRegion { name, is_assumed: true }),
    }
}

fn regions(period: &PricePeriod) -> impl Iterator<Item = &str> {
    let of_multipliers = period.price.multipliers.iter().map(|(condition, _)| condition);
    let conditions = of_multipliers.chain(period.price.variants.iter().map(|variant| &variant.condition));
    conditions.filter(|condition| condition.key == ConditionKey::Region).map(|condition| condition.value.as_str())
}

/// Whether a place is a region or lies in it, by its name.
fn is_in(place: &str, region: &str) -> bool {
    begins(place, region) || (region.eq_ignore_ascii_case("eu") && begins(place, "europe"))
}

fn begins(place: &str, region: &str) -> bool {
    let parts = place.as_bytes().split_at_checked(region.len());
    parts.is_some_and(|(head, rest)| {
        head.eq_ignore_ascii_case(region.as_bytes()) && matches!(rest.first(), None | Some(b'-' | b'_'))
    })
}

fn dearest(period: &PricePeriod, at_ms: i64) -> Option<&str> {
    regions(period).max_by_key(|region| {
        let quote = period.quote(&Terms { region: Some(region), ..Terms::at(at_ms) }).ok()?;
        expected_cost(&quote, COMPARED_TOKENS, COMPARED_TOKENS).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Condition, Price, Variant, Vector};
    use crate::money::{NanosPerMtok, Ratio};

    fn model(multipliers: &[(&str, &str)], variants: &[(&str, i64)]) -> Model {
        let flat = |nanos| Price::flat(NanosPerMtok(nanos), NanosPerMtok(nanos));
        let condition = |region: &str| Condition::parse(&format!("region={region}")).unwrap();
        let price = Price {
            multipliers: multipliers.iter().map(|(it, by)| (condition(it), Ratio::parse(by).unwrap())).collect(),
            variants: variants
                .iter()
                .map(|(it, nanos)| Variant { condition: condition(it), vector: Vector { ..flat(*nanos).base } })
                .collect(),
            ..flat(1_000)
        };
        Model { prices: vec![PricePeriod::always(price)], ..Model::unlisted("lab", "regional") }
    }

    fn of<'m>(model: &'m Model, place: &str) -> Option<(&'m str, bool)> {
        price_region(model, place, 0).map(|region| (region.name, region.is_assumed))
    }

    #[test]
    fn a_place_is_in_the_region_that_its_name_begins_with() {
        let both = model(&[("us", "1.1"), ("eu", "1.2"), ("us-gov", "1.3")], &[]);
        for (place, region) in [
            ("eu", "eu"),
            ("EU-West-1", "eu"),
            ("europe-west1", "eu"),
            ("europe", "eu"),
            ("us-east-1", "us"),
            ("us_central1", "us"),
            ("us-gov-west-1", "us-gov"),
        ] {
            assert_eq!(of(&both, place), Some((region, false)), "{place}");
        }
        assert_eq!(of(&both, "Global"), None);
        assert_eq!(of(&model(&[], &[]), "eu-west-1"), None);
        assert_eq!(price_region(&Model::unlisted("lab", "unpriced"), "eu", 0), None);
    }

    #[test]
    fn any_place_is_regional_where_nothing_else_fits() {
        let list = model(&[], &[("regional", 1_100), ("eu", 1_200)]);
        assert_eq!(of(&list, "us-central1"), Some(("regional", false)));
        assert_eq!(of(&list, "europe-west4"), Some(("eu", false)));
        assert_eq!(of(&list, "global"), None);
    }

    #[test]
    fn where_no_region_fits_the_dearest_is_assumed() {
        let list = model(&[("us", "1.1"), ("eu", "1.3"), ("au", "1.2")], &[]);
        for place in ["ap-south-1", "eastus", "usx", "e", "\u{e9}u"] {
            assert_eq!(of(&list, place), Some(("eu", true)), "{place}");
        }
        assert_eq!(of(&model(&[("us", "1.1")], &[("eu", 1_050)]), "ap-south-1"), Some(("us", true)));
        assert_eq!(of(&model(&[("us", "1.1")], &[("eu", 1_150)]), "ap-south-1"), Some(("eu", true)));
    }
}
