//! Which deployment served a session last.
//!
//! Promises: hashes only, never a session's name; what is known fades at its time to live, counted from the last answer;
//! memory is bounded, and the session that was served longest ago goes first; pure, with injected time.
//!
//! A test breaks it with a session that outlives its time, or a table above its bound.

use std::collections::BTreeMap;

/// How many sessions are remembered.
pub const MAX_SESSIONS: usize = 16_384;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    deployment: String,
    expires_ms: i64,
    /// Which use of the table was the last one of this session.
    used: u64,
}

/// The sessions that were served recently. `Default` knows none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sessions {
    kept: BTreeMap<u64, Kept>,
    /// The same sessions by their last use: the first one is forgotten first.
    by_use: BTreeMap<u64, u64>,
    uses: u64,
}

impl Sessions {
    /// Notes that a deployment answered a session, which is with it from now on.
    pub fn served(&mut self, session: u64, deployment: &str, ttl_ms: i64, now_ms: i64) {
        self.uses = self.uses.saturating_add(1);
        let expires_ms = now_ms.saturating_add(ttl_ms.max(0));
        let kept = Kept { deployment: deployment.to_owned(), expires_ms, used: self.uses };
        if let Some(before) = self.kept.insert(session, kept) {
            self.by_use.remove(&before.used);
        }
        self.by_use.insert(self.uses, session);
        while self.kept.len() > MAX_SESSIONS {
            let Some((_, session)) = self.by_use.pop_first() else { return };
            self.kept.remove(&session);
        }
    }

    /// The deployment that a session is with. Logarithmic in what is remembered.
    pub fn deployment(&self, session: u64, now_ms: i64) -> Option<&str> {
        self.kept.get(&session).filter(|kept| kept.expires_ms > now_ms).map(|kept| kept.deployment.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_with_the_last_deployment_until_its_time_is_over() {
        let mut sessions = Sessions::default();
        assert_eq!(sessions.deployment(1, 0), None);
        sessions.served(1, "a", 1_000, 0);
        sessions.served(2, "b", 1_000, 500);
        assert_eq!((sessions.deployment(1, 999), sessions.deployment(1, 1_000)), (Some("a"), None));
        sessions.served(1, "b", 1_000, 900);
        assert_eq!((sessions.deployment(1, 1_899), sessions.deployment(1, 1_900)), (Some("b"), None));
        assert_eq!(sessions.deployment(2, 1_499), Some("b"));
    }

    #[test]
    fn memory_is_bounded_and_what_was_served_longest_ago_goes() {
        let mut sessions = Sessions::default();
        let bound = u64::try_from(MAX_SESSIONS).unwrap();
        for session in 0..bound {
            sessions.served(session, "a", 1_000, 0);
        }
        sessions.served(0, "a", 1_000, 0);
        sessions.served(bound, "a", 1_000, 0);
        assert_eq!((sessions.kept.len(), sessions.by_use.len()), (MAX_SESSIONS, MAX_SESSIONS));
        assert_eq!((sessions.deployment(0, 0), sessions.deployment(1, 0)), (Some("a"), None));
    }
}
