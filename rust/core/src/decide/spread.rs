//! How calls are spread over the deployments of one model: keys, regions, addresses.
//!
//! Promises: every deployment keeps a place of its own, and the first is where the call goes when the rule prefers none of
//! them; the same seed and state give the same order. Refuses: to leave one out; one that is not well is only never first
//! while another one is.
//!
//! A test breaks it with shares that are not those of the weights, or with a queue that grows beside an idle deployment.

use std::cmp::Ordering;

use super::decision::Considered;
use crate::policy::{Balance, Policy};

/// Orders the deployments of a model, which come in the order of a draw by weight among all of them.
pub(super) fn spread(own: &mut [Considered], policy: &Policy, balance: Balance, seed: u64) {
    let Some(first) = own.first().map(|considered| considered.candidate.order) else { return };
    let best = own.iter().map(|considered| considered.candidate.standing).min().unwrap_or_default();
    let is_well = |considered: &Considered| considered.candidate.standing == best;
    let is_idle = own.iter().all(|considered| considered.candidate.load == 0);
    if is_idle && own.iter().all(is_well) {
        return;
    }
    let weight =
        |considered: &Considered| policy.deployments.get(considered.candidate.deployment).map_or(0, |row| row.weight);
    // Who is not well is sorted behind the others anyway: a draw that falls on it would be one less for them.
    own.sort_by_key(|one| (one.candidate.standing, u32::MAX - weight(one), one.candidate.deployment));
    let well = own.iter().take_while(|considered| is_well(considered)).count();
    let Some(group) = own.get_mut(..well) else { return };
    draw(group, &weight, seed);
    match balance {
        Balance::Weighted => {}
        Balance::LeastBusy => group.sort_by(|one, other| by_load(one, other, &weight)),
        Balance::LowestLatency => {
            // A second draw among the others, by bits of the seed that the first one hardly used.
            if let Some(others) = group.get_mut(1..) {
                draw(others, &weight, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29));
            }
            if let [one, other, ..] = group
                && weight(other) > 0
                && other.candidate.load < one.candidate.load
            {
                std::mem::swap(one, other);
            }
        }
    }
    for (place, considered) in own.iter_mut().enumerate() {
        considered.candidate.order = first + place;
    }
}

/// The fewest calls for the weight first; nothing goes to a weight of 0 while another one is there.
fn by_load(one: &Considered, other: &Considered, weight: &impl Fn(&Considered) -> u32) -> Ordering {
    let load = |considered: &Considered| u128::from(considered.candidate.load);
    match (u128::from(weight(one)), u128::from(weight(other))) {
        (0, 0) => load(one).cmp(&load(other)),
        (0, _) => Ordering::Greater,
        (_, 0) => Ordering::Less,
        (own, others) => (load(one) * others).cmp(&(load(other) * own)),
    }
}

/// Puts first the one on whose share of the weights the seed falls; the shares lie in the order of the file, as those of
/// the whole fleet do.
fn draw(group: &mut [Considered], weight: &impl Fn(&Considered) -> u32, seed: u64) {
    let total: u64 = group.iter().map(|one| u64::from(weight(one))).sum();
    if total == 0 {
        return;
    }
    let mut in_file: Vec<(usize, usize)> =
        group.iter().enumerate().map(|(place, one)| (one.candidate.deployment, place)).collect();
    in_file.sort_unstable();
    let mut point = seed % total;
    let falls_on = in_file.iter().find(|(_, place)| {
        let share = group.get(*place).map_or(0, |one| u64::from(weight(one)));
        let falls = point < share;
        point = point.saturating_sub(share);
        falls
    });
    if let Some((_, place)) = falls_on
        && let Some(head) = group.get_mut(..=*place)
    {
        head.rotate_right(1);
    }
}
