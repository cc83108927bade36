//! How a deployment stands now, and how to order deployments by it.

use super::Breaker;

/// What the recent past says about one deployment with one key at one provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Until when deployment, key or provider are left alone (the latest of the three), in Unix milliseconds; in the future.
    pub cooling_until_ms: Option<i64>,
    /// The circuit breaker of the deployment.
    pub breaker: Breaker,
    /// Whether the probe of a half-open breaker is under way.
    pub is_probing: bool,
    /// Attempts of the deployment that have started and not ended.
    pub in_flight: u32,
}

/// The place of a standing in an order: the smaller one goes first. Nothing is ever ineligible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// 0 healthy, 1 half-open with a probe under way, 2 open or cooling.
    pub tier: u8,
    /// When it is healthy again, in Unix milliseconds; 0 in the tiers before.
    pub ready_at_ms: i64,
}

impl Standing {
    /// The standing of a deployment that nothing is known of.
    pub const HEALTHY: Self =
        Self { cooling_until_ms: None, breaker: Breaker::Closed, is_probing: false, in_flight: 0 };

    /// Whether nothing speaks against it. A half-open breaker without a probe is healthy: the next attempt is the probe, and
    /// without one it would never close again.
    pub fn is_healthy(&self) -> bool {
        self.rank().tier == 0
    }

    /// The place in an order.
    pub fn rank(&self) -> Rank {
        let open_until_ms = match self.breaker {
            Breaker::Open { until_ms } => Some(until_ms),
            Breaker::Closed | Breaker::HalfOpen => None,
        };
        match self.cooling_until_ms.max(open_until_ms) {
            Some(ready_at_ms) => Rank { tier: 2, ready_at_ms },
            None => Rank { tier: u8::from(self.is_probing), ready_at_ms: 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn healthy_first_then_what_is_ready_soonest() {
        let standing = |cooling_until_ms, breaker, is_probing| Standing {
            cooling_until_ms,
            breaker,
            is_probing,
            ..Standing::HEALTHY
        };
        let order = [
            standing(None, Breaker::Closed, false),
            standing(None, Breaker::HalfOpen, true),
            standing(Some(10), Breaker::Closed, false),
            standing(None, Breaker::Open { until_ms: 20 }, false),
            standing(Some(10), Breaker::Open { until_ms: 30 }, false),
            standing(Some(40), Breaker::Open { until_ms: 30 }, false),
        ];
        assert!(order.windows(2).all(|pair| pair[0].rank() < pair[1].rank()));
        assert_eq!(standing(None, Breaker::HalfOpen, false).rank(), Standing::HEALTHY.rank());
    }
}
