//! Regions: unions of boxes over facts, the shape that conditions cut out of all requests.
//!
//! Promises: exact set algebra. Where the answer would need more than [`MAX_BOXES`] boxes or more than the work allowed, it
//! is none ("cannot tell"), never a guess.

use std::collections::BTreeMap;

use super::values::Values;
use crate::policy::facts::FactId;

/// The most boxes that a region may have.
pub(super) const MAX_BOXES: usize = 256;

/// One dimension of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Axis {
    /// The value of a fact.
    Fact(FactId),
    /// The lower end of a fact that may be an estimate.
    Low(FactId),
    /// Its upper end, never below the lower.
    High(FactId),
    /// A question that the analysis does not look into, such as a pattern: true, false or unknown.
    Question(u32),
}

/// A box: what each of some facts can be; every other fact can be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Cube(Vec<(Axis, Values)>);

impl Cube {
    /// A box with one side.
    pub fn side(axis: Axis, values: Values) -> Self {
        Self(vec![(axis, values)])
    }

    /// What a fact can be in the box; none when it can be anything.
    pub fn get(&self, axis: Axis) -> Option<&Values> {
        let place = self.0.binary_search_by_key(&axis, |(known, _)| *known).ok()?;
        self.0.get(place).map(|(_, values)| values)
    }

    /// The sides.
    pub fn sides(&self) -> impl Iterator<Item = &(Axis, Values)> {
        self.0.iter()
    }

    fn set(&mut self, axis: Axis, values: Values) {
        match self.0.binary_search_by_key(&axis, |(known, _)| *known) {
            Ok(place) => {
                if let Some(side) = self.0.get_mut(place) {
                    side.1 = values;
                }
            }
            Err(place) => self.0.insert(place, (axis, values)),
        }
    }

    /// Whether no request lies in the box.
    fn is_empty(&self) -> bool {
        self.0.iter().any(|(axis, values)| {
            values.is_empty()
                || match axis {
                    Axis::Low(fact) => self.get(Axis::High(*fact)).is_some_and(|high| !has_pair(values, high)),
                    _ => false,
                }
        })
    }

    /// Whether all of another box lies in this.
    pub fn holds(&self, other: &Self) -> bool {
        self.0.iter().all(|(axis, values)| other.get(*axis).is_some_and(|side| side.is_within(values)))
    }

    /// Whether no side keeps the two apart.
    pub fn touches(&self, other: &Self) -> bool {
        self.0.iter().all(|(axis, values)| other.get(*axis).is_none_or(|side| side.touches(values)))
    }

    /// What both boxes hold; none when nothing.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        if !self.touches(other) {
            return None;
        }
        let mut both = self.clone();
        for (axis, values) in &other.0 {
            let side = both.get(*axis).map_or_else(|| values.clone(), |own| own.intersection(values));
            if side.is_empty() {
                return None;
            }
            both.set(*axis, side);
        }
        (!both.is_empty()).then_some(both)
    }

    /// The two as one box, when they differ along one side only.
    fn merged(&self, other: &Self) -> Option<Self> {
        if self.0.len() != other.0.len() {
            return None;
        }
        let mut differs = None;
        for ((axis, one), (other_axis, two)) in self.0.iter().zip(&other.0) {
            if axis != other_axis {
                return None;
            }
            if one != two && differs.replace((*axis, one.union(two))).is_some() {
                return None;
            }
        }
        let mut merged = self.clone();
        if let Some((axis, values)) = differs {
            merged.set(axis, values);
        }
        Some(merged)
    }
}

/// Whether some lower end is at most some upper end, or both may be unknown.
fn has_pair(low: &Values, high: &Values) -> bool {
    (low.unknown && high.unknown)
        || matches!((low.nums.least(), high.nums.most()), (Some(least), Some(most)) if least <= most)
}

/// A union of boxes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Region(Vec<Cube>);

/// What every fact can be at all, and how much work is left.
pub(super) struct Space {
    /// What each axis can be.
    pub universe: BTreeMap<Axis, Values>,
    /// Boxes that may still be made.
    pub work: usize,
}

impl Region {
    /// Every request.
    pub fn all() -> Self {
        Self(vec![Cube::default()])
    }

    pub fn of(cube: Cube) -> Self {
        Self(if cube.is_empty() { Vec::new() } else { vec![cube] })
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn cubes(&self) -> &[Cube] {
        &self.0
    }

    /// Adds a box; one that differs from a known one along a single side only is joined with it.
    fn add(&mut self, mut cube: Cube) {
        while let Some((place, merged)) =
            self.0.iter().enumerate().find_map(|(place, own)| own.merged(&cube).map(|merged| (place, merged)))
        {
            self.0.swap_remove(place);
            cube = merged;
        }
        self.0.push(cube);
    }

    /// What is in either.
    pub fn or(&self, other: &Self) -> Option<Self> {
        let mut all = self.clone();
        for cube in &other.0 {
            all.add(cube.clone());
        }
        (all.0.len() <= MAX_BOXES).then_some(all)
    }

    /// What is in both.
    pub fn and(&self, other: &Self, space: &mut Space) -> Option<Self> {
        let mut both = Self::default();
        for one in &self.0 {
            for two in &other.0 {
                space.spend(1)?;
                if let Some(cube) = one.intersection(two) {
                    both.add(cube);
                }
            }
        }
        (both.0.len() <= MAX_BOXES).then_some(both)
    }

    /// What is in this and not in the other.
    pub fn minus(&self, other: &Self, space: &mut Space) -> Option<Self> {
        let mut rest = self.clone();
        for taken in &other.0 {
            let mut next = Self::default();
            for cube in rest.0 {
                cut(cube, taken, space, &mut next)?;
            }
            if next.0.len() > MAX_BOXES {
                return None;
            }
            rest = next;
        }
        Some(rest)
    }

    /// Whether everything in `inner` is in this.
    pub fn covers(&self, inner: &Self, space: &mut Space) -> Option<bool> {
        Some(inner.minus(self, space)?.is_empty())
    }
}

impl Space {
    pub fn spend(&mut self, boxes: usize) -> Option<()> {
        self.work = self.work.checked_sub(boxes)?;
        Some(())
    }
}

/// What is left of a box without another: for each side of the other, the part that lies outside of it.
fn cut(cube: Cube, taken: &Cube, space: &mut Space, rest: &mut Region) -> Option<()> {
    space.spend(1)?;
    if cube.intersection(taken).is_none() {
        rest.0.push(cube);
        return Some(());
    }
    let mut inside = cube;
    for (axis, values) in &taken.0 {
        let own = match inside.get(*axis) {
            Some(own) => own.clone(),
            None => space.universe.get(axis).cloned().unwrap_or_else(|| Values::known().or_unknown()),
        };
        let outside = own.minus(values);
        if !outside.is_empty() {
            space.spend(1)?;
            let mut piece = inside.clone();
            piece.set(*axis, outside);
            if !piece.is_empty() {
                rest.add(piece);
            }
        }
        inside.set(*axis, own.intersection(values));
    }
    Some(())
}
