//! Budgets and limits as a policy says them, and the scopes that an attempt counts in by them.

use std::sync::Arc;

use super::model::Policy;
use crate::control::reservations::{Claim, Measure, Period, Unit, Zone};
use crate::shared_str::SharedStr;

/// A longer value of a scope is named by its hash.
const MAX_VALUE_BYTES: usize = 128;

/// What happens to a call that a budget has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnExceed {
    /// It is refused.
    Refuse,
    /// It goes to a model that fits, and is refused where none does.
    StepDown,
    /// It is made, and told of.
    Warn,
}

impl OnExceed {
    /// All, with the names of the language.
    pub const ALL: [(&'static str, Self); 3] =
        [("refuse", Self::Refuse), ("step_down", Self::StepDown), ("warn", Self::Warn)];

    /// The name in the language.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, on)| *on == self).map_or("", |(name, _)| name)
    }
}

/// Whose calls a budget or a limit adds up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Per {
    /// Those with the same value of `meta`; those without one together.
    Meta(String),
    /// Those of one model.
    Model,
    /// Those of one deployment.
    Deployment,
    /// Those of one provider.
    Provider,
}

/// What may be spent in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// The name, by which conditions ask for it.
    pub name: SharedStr,
    /// Whose spend is added up, by keys of `meta`; nothing: everyone's.
    pub per: Vec<String>,
    /// Indices of the models whose calls count; nothing: all.
    pub models: Vec<usize>,
    /// The most, in nano-USD.
    pub limit_usd_nanos: i64,
    /// The window.
    pub period: Period,
    /// Whose calendar it goes by.
    pub zone: Zone,
    /// What happens beyond it.
    pub on_exceed: OnExceed,
    /// Shares of it that are told once, in millionths and ascending.
    pub alert_at: Arc<[i64]>,
    /// Whether it holds, or is counted and reported only.
    pub is_enforced: bool,
}

/// One bound of a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Its key in the policy, such as `requests`.
    pub key: &'static str,
    /// How it counts.
    pub measure: Measure,
    /// What it counts.
    pub unit: Unit,
    /// The most.
    pub most: i64,
}

/// How fast, and how many at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The name, as refusals show it.
    pub name: SharedStr,
    /// Whose calls are added up; nothing: everyone's.
    pub per: Vec<Per>,
    /// Indices of the models whose calls count; nothing: all.
    pub models: Vec<usize>,
    /// The bounds.
    pub bounds: Vec<Bound>,
    /// Whether they hold, or are counted and reported only.
    pub is_enforced: bool,
}

/// What the caller passed under the keys that budgets and limits ask for, as texts.
pub type Caller = Vec<(SharedStr, String)>;

impl Budget {
    /// Whether calls of a model count.
    pub fn covers(&self, model: usize) -> bool {
        self.models.is_empty() || self.models.contains(&model)
    }

    /// Whether a call that it has no room for is not made as it is.
    pub fn holds(&self) -> bool {
        self.is_enforced && self.on_exceed != OnExceed::Warn
    }

    /// The scope of a caller.
    pub fn claim(&self, caller: &Caller) -> Claim {
        let mut scope = Scope::new("budget");
        scope.part(&self.name).part(&self.period.word()).part(self.zone.name());
        for key in &self.per {
            scope.part(value(caller, key));
        }
        Claim {
            scope: scope.done(),
            measure: Measure::Window(self.period, self.zone.clone()),
            unit: Unit::UsdNanos,
            limit: self.limit_usd_nanos,
            is_enforced: self.holds(),
            alert_at: Arc::clone(&self.alert_at),
        }
    }
}

impl Policy {
    /// Whether calls reserve anything.
    pub fn reserves(&self) -> bool {
        !self.budgets.is_empty() || !self.limits.is_empty()
    }

    /// The claim of a budget's scope by its name, for what was spent under it before; none if no budget has such scopes now.
    pub fn claim_of(&self, scope: &str) -> Option<Claim> {
        self.budgets.iter().find_map(|budget| {
            let claim = budget.claim(&Caller::new());
            // Scopes of one budget have as many parts, and differ behind its window and zone alone.
            let known: Vec<&str> = claim.scope.split('/').collect();
            let asked: Vec<&str> = scope.split('/').collect();
            let is_same =
                known.len() == asked.len() && known.iter().zip(&asked).take(4).all(|(known, asked)| known == asked);
            is_same.then(|| Claim { scope: scope.into(), ..claim })
        })
    }

    /// Whether what a call of a model may cost must be known before it is made.
    pub fn needs_price(&self, model: usize) -> bool {
        let by_money = |limit: &Limit| limit.bounds.iter().any(|bound| bound.unit == Unit::UsdNanos);
        self.budgets.iter().any(|budget| budget.holds() && budget.covers(model))
            || self.limits.iter().any(|limit| limit.is_enforced && covers(limit, model) && by_money(limit))
    }

    /// The keys of `meta` that name scopes, each once.
    pub fn scope_keys(&self) -> impl Iterator<Item = &str> {
        let of_limits = self.limits.iter().flat_map(|limit| &limit.per).filter_map(|per| match per {
            Per::Meta(key) => Some(key.as_str()),
            _ => None,
        });
        self.budgets.iter().flat_map(|budget| &budget.per).map(String::as_str).chain(of_limits)
    }

    /// The scopes that an attempt at a deployment counts in. Linear in budgets and limits.
    pub fn claims(&self, caller: &Caller, deployment: usize) -> Vec<Claim> {
        let Some(target) = self.deployments.get(deployment) else { return Vec::new() };
        let model = target.model;
        let mut claims: Vec<Claim> =
            self.budgets.iter().filter(|budget| budget.covers(model)).map(|budget| budget.claim(caller)).collect();
        for limit in self.limits.iter().filter(|limit| covers(limit, model)) {
            for bound in &limit.bounds {
                let mut scope = Scope::new("limit");
                scope.part(&limit.name).part(bound.key).part(&refill(&bound.measure));
                for per in &limit.per {
                    let named = self.models.get(model);
                    scope.part(match per {
                        Per::Meta(key) => value(caller, key),
                        Per::Model => named.map_or("", |model| &model.alias),
                        Per::Provider => named.map_or("", |model| &model.provider),
                        Per::Deployment => &target.id,
                    });
                }
                claims.push(Claim {
                    scope: scope.done(),
                    measure: bound.measure.clone(),
                    unit: bound.unit,
                    limit: bound.most,
                    is_enforced: limit.is_enforced,
                    alert_at: Arc::from([]),
                });
            }
        }
        claims
    }
}

fn covers(limit: &Limit, model: usize) -> bool {
    limit.models.is_empty() || limit.models.contains(&model)
}

fn value<'c>(caller: &'c Caller, key: &str) -> &'c str {
    caller.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value)
}

/// How fast a bucket fills, as scopes name it: another speed is another bucket.
fn refill(measure: &Measure) -> String {
    match measure {
        Measure::Bucket(ms) => format!("{ms}ms"),
        Measure::Permits => "at-once".to_owned(),
        Measure::Window(period, _) => period.word(),
    }
}

/// The name of a scope: parts between slashes, so written that no two lists of parts have the same name.
struct Scope(String);

impl Scope {
    fn new(kind: &str) -> Self {
        Self(kind.to_owned())
    }

    fn part(&mut self, text: &str) -> &mut Self {
        self.0.push('/');
        if text.len() > MAX_VALUE_BYTES {
            self.0.push_str(&blake3::hash(text.as_bytes()).to_hex());
        } else if text.contains(['/', '%']) {
            self.0.push_str(&text.replace('%', "%25").replace('/', "%2F"));
        } else {
            self.0.push_str(text);
        }
        self
    }

    fn done(self) -> SharedStr {
        self.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Policy {
        Policy {
            name: "".into(),
            hash: "".into(),
            fleets: Vec::new(),
            models: Vec::new(),
            deployments: Vec::new(),
            pools: Vec::new(),
            facts: Vec::new(),
            require: Vec::new(),
            rules: Vec::new(),
            unknown: crate::policy::UnknownMode::Skip,
            accept: Vec::new(),
            escalate: crate::policy::Escalate::default(),
            run: crate::policy::Run::default(),
            ranks: 0,
            experiments: Vec::new(),
            budgets: Vec::new(),
            limits: Vec::new(),
            tests: Vec::new(),
            meta_keys: Vec::new(),
            shown: crate::policy::Shown::default(),
            classifies: false,
            strongest: None,
            clients: crate::policy::Clients::default(),
            named: None,
        }
    }

    #[test]
    fn no_two_callers_share_a_scope() {
        let budget = Budget {
            name: "team".into(),
            per: vec!["a".to_owned(), "b".to_owned()],
            models: Vec::new(),
            limit_usd_nanos: 1,
            period: Period::Month,
            zone: Zone::default(),
            on_exceed: OnExceed::Warn,
            alert_at: Arc::from([]),
            is_enforced: true,
        };
        let values = ["", "x", "x/", "/x", "x%2F", "%", "%25", &"long".repeat(40), &"long".repeat(41)];
        let mut seen = std::collections::BTreeSet::new();
        for a in values {
            for b in values {
                let caller = vec![("a".into(), a.to_owned()), ("b".into(), b.to_owned())];
                assert!(seen.insert(budget.claim(&caller).scope), "{a} {b}");
            }
        }
        let none = budget.claim(&Caller::new());
        let mut policy = empty();
        policy.budgets.push(Budget { zone: Zone::of_table("Europe/Berlin", &[(0, 0)]).unwrap(), ..budget });
        let scope = "budget/team/month/Europe%2FBerlin/x/y%2F";
        assert_eq!(policy.claim_of(scope).unwrap().scope, scope);
        for other in
            ["budget/team/day/Europe%2FBerlin/x/y", "budget/team/month/Europe%2FBerlin/x", "limit/team/a/b/x/y", ""]
        {
            assert_eq!(policy.claim_of(other), None, "{other}");
        }
        assert_eq!(none.scope, "budget/team/month/UTC//");
        assert!(!none.is_enforced, "a warning refuses nothing");
    }
}
