//! Sets of values that one fact can have: what a condition leaves of them.
//!
//! Promises: exact. Intersection, union and difference lose and add no value; "not known" is an element like any other.

/// Whole numbers as closed intervals, ascending, with a gap between any two.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Nums(Vec<(i64, i64)>);

impl Nums {
    /// The numbers from `low` to `high`, both included; none when there are none.
    pub fn between(low: i64, high: i64) -> Self {
        Self(if low <= high { vec![(low, high)] } else { Vec::new() })
    }

    pub fn all() -> Self {
        Self::between(i64::MIN, i64::MAX)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn least(&self) -> Option<i64> {
        self.0.first().map(|(low, _)| *low)
    }

    pub fn most(&self) -> Option<i64> {
        self.0.last().map(|(_, high)| *high)
    }

    fn intersection(&self, other: &Self) -> Self {
        let mut found = Vec::new();
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(&&(a, b)), Some(&&(c, d))) = (left.peek(), right.peek()) {
            if a.max(c) <= b.min(d) {
                found.push((a.max(c), b.min(d)));
            }
            if b < d {
                left.next();
            } else {
                right.next();
            }
        }
        Self(found)
    }

    fn touches(&self, other: &Self) -> bool {
        self.0.iter().any(|(a, b)| other.0.iter().any(|(c, d)| a.max(c) <= b.min(d)))
    }

    fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|(a, b)| other.0.iter().any(|(c, d)| c <= a && b <= d))
    }

    fn union(&self, other: &Self) -> Self {
        let mut all: Vec<(i64, i64)> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable();
        let mut found: Vec<(i64, i64)> = Vec::with_capacity(all.len());
        for (low, high) in all {
            match found.last_mut() {
                Some((_, end)) if low <= end.saturating_add(1) => *end = (*end).max(high),
                _ => found.push((low, high)),
            }
        }
        Self(found)
    }

    fn complement(&self) -> Self {
        let mut found = Vec::new();
        let mut next = Some(i64::MIN);
        for (low, high) in &self.0 {
            if let Some(start) = next.filter(|start| start < low) {
                found.push((start, low.saturating_sub(1)));
            }
            next = high.checked_add(1);
        }
        found.extend(next.map(|start| (start, i64::MAX)));
        Self(found)
    }
}

/// Texts, by number: these, or all but these.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Texts {
    /// Whether the set holds every text but those named.
    is_rest: bool,
    /// Ascending.
    named: Vec<u32>,
}

impl Texts {
    pub fn of(mut named: Vec<u32>) -> Self {
        named.sort_unstable();
        named.dedup();
        Self { is_rest: false, named }
    }

    pub fn all() -> Self {
        Self { is_rest: true, named: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        !self.is_rest && self.named.is_empty()
    }

    fn touches(&self, other: &Self) -> bool {
        match (self.is_rest, other.is_rest) {
            (false, false) => self.named.iter().any(|text| other.named.binary_search(text).is_ok()),
            (false, true) => self.named.iter().any(|text| other.named.binary_search(text).is_err()),
            (true, false) => other.touches(self),
            (true, true) => true,
        }
    }

    fn complement(&self) -> Self {
        Self { is_rest: !self.is_rest, named: self.named.clone() }
    }

    fn intersection(&self, other: &Self) -> Self {
        let both = |one: &Self, two: &Self, wanted: bool| {
            one.named.iter().copied().filter(|text| two.named.binary_search(text).is_ok() == wanted).collect()
        };
        match (self.is_rest, other.is_rest) {
            (false, false) => Self { is_rest: false, named: both(self, other, true) },
            (false, true) => Self { is_rest: false, named: both(self, other, false) },
            (true, false) => Self { is_rest: false, named: both(other, self, false) },
            (true, true) => {
                let named = Self::of(self.named.iter().chain(&other.named).copied().collect()).named;
                Self { is_rest: true, named }
            }
        }
    }
}

/// Values of every kind that a fact can have, and whether it may be unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Values {
    /// Whether "not known" is in the set.
    pub unknown: bool,
    /// Whether `true` is.
    pub yes: bool,
    /// Whether `false` is.
    pub no: bool,
    /// The numbers, in the unit of the fact.
    pub nums: Nums,
    /// The texts.
    pub texts: Texts,
}

impl Values {
    pub fn nums(nums: Nums) -> Self {
        Self { nums, ..Self::default() }
    }

    pub fn texts(texts: Texts) -> Self {
        Self { texts, ..Self::default() }
    }

    pub fn bools() -> Self {
        Self { yes: true, no: true, ..Self::default() }
    }

    pub fn flag(value: bool) -> Self {
        Self { yes: value, no: !value, ..Self::default() }
    }

    pub fn unknown() -> Self {
        Self { unknown: true, ..Self::default() }
    }

    /// Everything that is known.
    pub fn known() -> Self {
        Self { unknown: false, yes: true, no: true, nums: Nums::all(), texts: Texts::all() }
    }

    #[must_use]
    pub fn or_unknown(mut self) -> Self {
        self.unknown = true;
        self
    }

    pub fn is_empty(&self) -> bool {
        !self.unknown && !self.yes && !self.no && self.nums.is_empty() && self.texts.is_empty()
    }

    /// Whether some value is in both.
    pub fn touches(&self, other: &Self) -> bool {
        (self.unknown && other.unknown)
            || (self.yes && other.yes)
            || (self.no && other.no)
            || self.nums.touches(&other.nums)
            || self.texts.touches(&other.texts)
    }

    /// Whether every value is in the other set too.
    pub fn is_within(&self, other: &Self) -> bool {
        self.unknown <= other.unknown
            && self.yes <= other.yes
            && self.no <= other.no
            && self.nums.is_within(&other.nums)
            && !self.texts.touches(&other.texts.complement())
    }

    /// Whether every value is in one of these sets.
    pub fn is_filled_by(&self, sets: &[&Self]) -> bool {
        let any = |holds: fn(&Self) -> bool| sets.iter().any(|set| holds(set));
        // Most sets miss a kind altogether: that is seen without joining them.
        let has_kinds = (!self.unknown || any(|set| set.unknown))
            && (!self.yes || any(|set| set.yes))
            && (!self.no || any(|set| set.no))
            && (!self.texts.is_rest || any(|set| set.texts.is_rest))
            && self.nums.least() >= sets.iter().filter_map(|set| set.nums.least()).min().or(self.nums.least())
            && (self.nums.is_empty() || any(|set| !set.nums.is_empty()));
        has_kinds && self.is_within(&sets.iter().fold(Self::default(), |all, set| all.union(set)))
    }

    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            unknown: self.unknown && other.unknown,
            yes: self.yes && other.yes,
            no: self.no && other.no,
            nums: self.nums.intersection(&other.nums),
            texts: self.texts.intersection(&other.texts),
        }
    }

    #[must_use]
    pub fn complement(&self) -> Self {
        Self {
            unknown: !self.unknown,
            yes: !self.yes,
            no: !self.no,
            nums: self.nums.complement(),
            texts: self.texts.complement(),
        }
    }

    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.intersection(&other.complement())
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            unknown: self.unknown || other.unknown,
            yes: self.yes || other.yes,
            no: self.no || other.no,
            nums: self.nums.union(&other.nums),
            texts: self.texts.complement().intersection(&other.texts.complement()).complement(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_nums() -> impl Strategy<Value = Nums> {
        prop::collection::vec((-9..9_i64, 0..5_i64), 0..4).prop_map(|pieces| {
            pieces.iter().fold(Nums::default(), |all, (low, length)| all.union(&Nums::between(*low, low + length)))
        })
    }

    fn any_texts() -> impl Strategy<Value = Texts> {
        (any::<bool>(), prop::collection::vec(0..6_u32, 0..4)).prop_map(|(is_rest, named)| {
            let texts = Texts::of(named);
            if is_rest { texts.complement() } else { texts }
        })
    }

    fn holds(nums: &Nums, value: i64) -> bool {
        nums.0.iter().any(|(low, high)| (*low..=*high).contains(&value))
    }

    proptest! {
        #[test]
        fn sets_of_numbers_are_sets(a in any_nums(), b in any_nums()) {
            for value in -12..20 {
                prop_assert_eq!(holds(&a.intersection(&b), value), holds(&a, value) && holds(&b, value));
                prop_assert_eq!(holds(&a.union(&b), value), holds(&a, value) || holds(&b, value));
                prop_assert_eq!(holds(&a.complement(), value), !holds(&a, value));
            }
            prop_assert_eq!(a.touches(&b), !a.intersection(&b).is_empty());
            prop_assert_eq!(a.is_within(&b), a.intersection(&b.complement()).is_empty());
            prop_assert_eq!(a.complement().complement(), a);
        }

        #[test]
        fn sets_of_texts_are_sets(a in any_texts(), b in any_texts()) {
            let holds = |texts: &Texts, text: u32| texts.named.contains(&text) != texts.is_rest;
            for text in 0..9 {
                prop_assert_eq!(holds(&a.intersection(&b), text), holds(&a, text) && holds(&b, text));
                prop_assert_eq!(holds(&a.complement(), text), !holds(&a, text));
            }
            prop_assert_eq!(a.touches(&b), !a.intersection(&b).is_empty());
        }
    }

    #[test]
    fn the_ends_of_the_numbers_are_numbers() {
        assert!(Nums::all().complement().is_empty());
        assert_eq!(Nums::default().complement(), Nums::all());
        assert_eq!(Nums::between(5, 4), Nums::default());
        assert_eq!(Values::known().complement(), Values::unknown());
    }
}
