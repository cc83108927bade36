//! The deployments of one model as a choice needs them, worked out once for a policy.
//!
//! A pool may have hundreds of deployments of one model, and nearly always they are alike in all that a decision looks at:
//! then one of them stands for all, and the others are laid out when someone looks.
//!
//! Promises: every deployment of the model, by weight and then by place in the file, but first the one on whose share of
//! the weights the seed falls; finding that one is logarithmic in the deployments. Refuses: to know keys and state, which
//! may tell members of one class apart.
//!
//! A test breaks it with an order that differs from sorting, or with two members of a class that a condition tells apart.

use super::model::Deployment;
use crate::shared_str::SharedStr;

/// A deployment of a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Index of the deployment in the policy.
    pub deployment: usize,
    /// Its id.
    pub id: SharedStr,
    /// Index of its class.
    class: usize,
}

/// The deployments of a model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fleet {
    /// By weight, then by place in the file.
    members: Vec<Member>,
    /// In the order of the file: where the share of the weights ends, and the place in `members`.
    ends: Vec<(u64, usize)>,
    /// The places in `members` of those that are alike, ascending.
    classes: Vec<Vec<usize>>,
}

impl Fleet {
    /// The fleet of a model. `by_name` keeps each deployment apart, where a condition reads their names.
    pub fn of(deployments: &[Deployment], model: usize, by_name: bool) -> Self {
        let own = deployments.iter().enumerate().filter(|(_, row)| row.model == model);
        let mut ranked: Vec<(usize, &Deployment)> = own.collect();
        ranked.sort_by_key(|(index, row)| (u32::MAX - row.weight, *index));
        let mut fleet = Self::default();
        let mut seen: Vec<Option<&str>> = Vec::new();
        for (place, (deployment, row)) in ranked.iter().enumerate() {
            let region = row.region.as_deref();
            let known = if by_name { None } else { seen.iter().position(|known| *known == region) };
            let class = known.unwrap_or(seen.len());
            if known.is_none() {
                seen.push(region);
                fleet.classes.push(Vec::new());
            }
            if let Some(places) = fleet.classes.get_mut(class) {
                places.push(place);
            }
            fleet.members.push(Member { deployment: *deployment, id: row.id.clone(), class });
        }
        let mut in_file: Vec<(usize, u32, usize)> =
            ranked.iter().enumerate().map(|(place, (index, row))| (*index, row.weight, place)).collect();
        in_file.sort_unstable();
        let mut end = 0;
        for (_, weight, place) in in_file {
            end += u64::from(weight);
            fleet.ends.push((end, place));
        }
        fleet
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The member at a place.
    pub fn member(&self, place: usize) -> Option<&Member> {
        self.members.get(place)
    }

    /// The places of each class.
    pub fn classes(&self) -> impl Iterator<Item = &[usize]> {
        self.classes.iter().map(Vec::as_slice)
    }

    /// The places of the class of a member.
    pub fn class_of(&self, place: usize) -> &[usize] {
        let class = self.members.get(place).and_then(|member| self.classes.get(member.class));
        class.map_or(&[], Vec::as_slice)
    }

    /// The place of the one that goes first: on whose share of the weights the seed falls. Without weights, the first.
    pub fn first(&self, seed: u64) -> usize {
        let total = self.ends.last().map_or(0, |(end, _)| *end);
        if total == 0 || self.ends.len() < 2 {
            return 0;
        }
        let point = seed % total;
        let index = self.ends.partition_point(|(end, _)| *end <= point);
        self.ends.get(index).map_or(0, |(_, place)| *place)
    }

    /// When the member at a place has its turn, where the one at `first` is first.
    pub fn turn(place: usize, first: usize) -> usize {
        match place.cmp(&first) {
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Less => place + 1,
            std::cmp::Ordering::Greater => place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::KeyRef;

    fn deployment(index: usize, model: usize, weight: u32, region: Option<&str>) -> Deployment {
        Deployment {
            id: format!("m/{index}").into(),
            name: index.to_string(),
            model,
            key: KeyRef::None,
            key_label: "none".into(),
            region: region.map(str::to_owned),
            base_url: "http://127.0.0.1".into(),
            weight,
            has_own_reach: false,
        }
    }

    /// The order by its definition.
    fn sorted(deployments: &[Deployment], model: usize, seed: u64) -> Vec<usize> {
        let own: Vec<(usize, u64)> = deployments
            .iter()
            .enumerate()
            .filter(|(_, row)| row.model == model)
            .map(|(index, row)| (index, u64::from(row.weight)))
            .collect();
        let total: u64 = own.iter().map(|(_, weight)| weight).sum();
        let mut left = own.clone();
        let mut order = Vec::new();
        if total > 0 && own.len() > 1 {
            let mut point = seed % total;
            let first = own.iter().position(|(_, weight)| {
                let falls = point < *weight;
                point = point.saturating_sub(*weight);
                falls
            });
            order.push(left.remove(first.unwrap()).0);
        }
        left.sort_by_key(|(index, weight)| (u64::MAX - weight, *index));
        order.extend(left.iter().map(|(index, _)| *index));
        order
    }

    #[test]
    fn turns_are_the_order_of_weights_behind_the_share_of_the_seed() {
        let weights: [&[u32]; 7] = [&[], &[0], &[5], &[1, 1, 1], &[0, 0, 0], &[3, 0, 5, 1, 5, 2, 0], &[1; 200]];
        let mut seen = 0;
        for weights in weights {
            let regions = [Some("eu"), None, Some("us")];
            let mut rows = vec![deployment(900, 7, 50, None)];
            rows.extend(
                weights.iter().enumerate().map(|(index, weight)| deployment(index, 3, *weight, regions[index % 3])),
            );
            for by_name in [false, true] {
                let fleet = Fleet::of(&rows, 3, by_name);
                assert_eq!((fleet.len(), fleet.is_empty()), (weights.len(), weights.is_empty()));
                for seed in (0..40).chain([u64::MAX, 1 << 40]) {
                    let first = fleet.first(seed);
                    let mut turns: Vec<(usize, usize)> = fleet
                        .classes()
                        .flatten()
                        .map(|place| (Fleet::turn(*place, first), fleet.member(*place).unwrap().deployment))
                        .collect();
                    turns.sort_unstable();
                    let order: Vec<usize> = turns.iter().map(|(_, deployment)| *deployment).collect();
                    assert_eq!(order, sorted(&rows, 3, seed), "{weights:?} {seed}");
                    seen += 1;
                }
                let alike = fleet.classes().all(|class| {
                    let region = |place: &usize| rows[fleet.member(*place).unwrap().deployment].region.clone();
                    class.iter().all(|place| region(place) == region(&class[0]) && fleet.class_of(*place) == class)
                });
                assert!(alike && (!by_name || fleet.classes().all(|class| class.len() == 1)));
            }
        }
        assert!(seen > 500);
    }
}
