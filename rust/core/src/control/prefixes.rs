//! Which beginnings of requests a deployment's prompt cache is likely to hold still.
//!
//! Promises: hashes only, never text; what is known fades at its time to live, counted from the last use, as providers count
//! it; memory is bounded, and the prefix that was used longest ago goes first; pure, with injected time. Refuses: to be
//! sure. A provider may drop a prefix early, so that what is known here only lowers a forecast, and never bounds one.
//!
//! A test breaks it with a prefix that outlives its time, a table above its bound, or one deployment's prefix known at another.

use std::collections::BTreeMap;

use crate::hash::{hash64, mix64};

/// How many prefixes are remembered over all deployments: some 2,000 conversations with the places that one remembers.
pub const MAX_PREFIXES: usize = 32_768;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kept {
    expires_ms: i64,
    /// Which use of the table was the last one of this prefix.
    used: u64,
}

/// The prefixes that were sent recently. `Default` knows none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Prefixes {
    kept: BTreeMap<u64, Kept>,
    /// The same prefixes by their last use: the first one is forgotten first.
    by_use: BTreeMap<u64, u64>,
    uses: u64,
}

impl Prefixes {
    /// Notes that a deployment was sent these prefixes and answered. One that was known lives on from now.
    pub fn sent(&mut self, deployment: &str, prefixes: &[u64], ttl_ms: i64, now_ms: i64) {
        let salt = hash64(deployment.as_bytes());
        for prefix in prefixes {
            let key = mix64(salt, *prefix);
            self.uses = self.uses.saturating_add(1);
            let mut expires_ms = now_ms.saturating_add(ttl_ms.max(0));
            if let Some(before) = self.kept.remove(&key) {
                self.by_use.remove(&before.used);
                expires_ms = expires_ms.max(before.expires_ms);
            }
            self.kept.insert(key, Kept { expires_ms, used: self.uses });
            self.by_use.insert(self.uses, key);
        }
        while self.kept.len() > MAX_PREFIXES {
            let Some((_, key)) = self.by_use.pop_first() else { return };
            self.kept.remove(&key);
        }
    }

    /// The place in `prefixes` of the last one that the deployment is likely to hold. Logarithmic in what is remembered,
    /// for each prefix.
    pub fn longest(&self, deployment: &str, prefixes: &[u64], now_ms: i64) -> Option<usize> {
        if self.kept.is_empty() {
            return None;
        }
        let salt = hash64(deployment.as_bytes());
        prefixes
            .iter()
            .rposition(|prefix| self.kept.get(&mix64(salt, *prefix)).is_some_and(|kept| kept.expires_ms > now_ms))
    }

    pub fn len(&self) -> usize {
        self.kept.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL_MS: i64 = 300_000;

    #[test]
    fn the_longest_one_that_is_alive_is_found() {
        let mut prefixes = Prefixes::default();
        prefixes.sent("a", &[1, 2], TTL_MS, 0);
        prefixes.sent("a", &[3], TTL_MS * 12, 0);
        assert_eq!(prefixes.longest("a", &[1, 2, 9], TTL_MS - 1), Some(1));
        assert_eq!(prefixes.longest("a", &[9, 1], TTL_MS - 1), Some(1));
        assert_eq!(prefixes.longest("a", &[1, 2, 9], TTL_MS), None);
        assert_eq!(prefixes.longest("a", &[3, 1], TTL_MS), Some(0));
        assert_eq!(prefixes.longest("b", &[1, 2, 3], 0), None);
    }

    #[test]
    fn each_use_lengthens_a_life_and_none_shortens_it() {
        let mut prefixes = Prefixes::default();
        prefixes.sent("a", &[1], TTL_MS * 12, 0);
        prefixes.sent("a", &[1], TTL_MS, 0);
        assert_eq!(prefixes.longest("a", &[1], TTL_MS), Some(0));
        prefixes.sent("a", &[2], TTL_MS, 0);
        prefixes.sent("a", &[2], TTL_MS, TTL_MS - 1);
        assert_eq!(prefixes.longest("a", &[2], TTL_MS), Some(0));
        assert_eq!(prefixes.len(), 2);
    }

    #[test]
    fn memory_is_bounded_and_what_was_used_longest_ago_goes() {
        let mut prefixes = Prefixes::default();
        prefixes.sent("a", &[0, 1], TTL_MS, 0);
        for prefix in 2..u64::try_from(MAX_PREFIXES).unwrap() {
            prefixes.sent("a", &[prefix], TTL_MS, 0);
        }
        prefixes.sent("a", &[0], TTL_MS, 0);
        prefixes.sent("a", &[u64::MAX], TTL_MS, 0);
        assert_eq!((prefixes.len(), prefixes.by_use.len()), (MAX_PREFIXES, MAX_PREFIXES));
        assert_eq!(prefixes.longest("a", &[0], 0), Some(0));
        assert_eq!(prefixes.longest("a", &[1], 0), None);
        let many: Vec<u64> = (0..u64::try_from(MAX_PREFIXES).unwrap() * 2).collect();
        prefixes.sent("b", &many, i64::MAX, i64::MAX);
        assert_eq!(prefixes.len(), MAX_PREFIXES);
    }
}
