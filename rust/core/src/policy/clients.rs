//! What the `model` of a client's request means: the policy's choice, one of its rules, or some of its models.
//!
//! Promises: a name is a key to look up and nothing else; the same name means the same for every request of one policy.
//! What it means is a policy of one rule: its filters, bounds, budgets and limits hold as for any other request. Refuses:
//! names that the policy does not know, unless it says what those mean.
//!
//! A test breaks it with a name that chooses a model which a hard filter rejects, or with a name that is no key.

use std::sync::Arc;

use super::diagnostics::did_you_mean;
use super::model::{Policy, Rule, RuleLabel};
use crate::shared_str::SharedStr;

/// The name that leaves the choice to the policy.
pub const AUTO: &str = "auto";

/// What a policy says of the names that clients use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clients {
    /// Names of the clients' own, the first that fits counts.
    pub aliases: Vec<Alias>,
    /// Whether a client may name a model itself.
    pub models: NamedModels,
    /// Whether a name that means nothing leaves the choice to the policy, instead of being refused.
    pub others_are_auto: bool,
}

/// A name of the clients' own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name; one `*` stands for any characters.
    pub name: String,
    /// What it means.
    pub means: Target,
}

/// What becomes of a request that names a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NamedModels {
    /// That model answers.
    #[default]
    Honour,
    /// The policy chooses.
    Auto,
    /// The request is refused.
    Refuse,
}

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The policy chooses.
    Auto,
    /// A rule, by index, whether its condition holds or not.
    Rule(usize),
    /// Some models under a name of the policy: a pool, or one.
    Models {
        /// The pool's name, or the model's.
        name: SharedStr,
        /// Indices of the models.
        models: Vec<usize>,
    },
}

/// A name that a policy does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// Lower-case, no full stop.
    pub message: String,
    /// What the client can do about it.
    pub hint: String,
}

impl Alias {
    fn fits(&self, name: &str) -> bool {
        match self.name.split_once('*') {
            None => self.name == name,
            Some((before, after)) => {
                name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
            }
        }
    }
}

impl Policy {
    /// What the `model` of a request means. Linear in the names of the policy.
    ///
    /// # Errors
    /// The policy does not take the name.
    pub fn asked_for(&self, name: Option<&str>) -> Result<Target, UnknownName> {
        // Some clients mark a wish for a long window in the name.
        let name = name.map_or(AUTO, |name| name.strip_suffix("[1m]").unwrap_or(name));
        if let Some(alias) = self.clients.aliases.iter().find(|alias| alias.fits(name)) {
            return Ok(alias.means.clone());
        }
        if let Some(target) = self.meaning(name) {
            return match (&target, self.clients.models) {
                (Target::Models { .. }, NamedModels::Auto) => Ok(Target::Auto),
                (Target::Models { .. }, NamedModels::Refuse) => Err(unknown(
                    format!("this policy chooses the model: `{}` cannot be asked for", shown(name)),
                    name,
                    self,
                )),
                _ => Ok(target),
            };
        }
        if self.clients.others_are_auto {
            return Ok(Target::Auto);
        }
        Err(unknown(format!("there is no model `{}` here", shown(name)), name, self))
    }

    /// What a name of the policy's own means: `auto`, a rule, a pool or a model.
    pub fn own_name(&self, name: &str) -> Option<Target> {
        if name == AUTO {
            return Some(Target::Auto);
        }
        if let Some(rule) = self.rules.iter().position(|rule| rule.name == name) {
            return Some(Target::Rule(rule));
        }
        if let Some(pool) = self.pools.iter().find(|pool| pool.name == name) {
            return Some(Target::Models { name: name.into(), models: pool.models.clone() });
        }
        let model = self.models.iter().position(|model| model.alias == name)?;
        Some(Target::Models { name: name.into(), models: vec![model] })
    }

    /// What a name of the catalogue means: the models of the policy that it is of.
    fn catalog_name(&self, name: &str) -> Option<Target> {
        let (provider, id) = match name.split_once('/') {
            Some((provider, id)) if self.models.iter().any(|model| model.facts.provider == provider) => {
                (Some(provider), id)
            }
            _ => (None, name),
        };
        let is_meant = |at: &usize| {
            self.models.get(*at).is_some_and(|model| {
                model.facts.id == id && provider.is_none_or(|provider| model.facts.provider == provider)
            })
        };
        let models: Vec<usize> = (0..self.models.len()).filter(is_meant).collect();
        let alias = self.models.get(*models.first()?)?.alias.clone();
        // By the model's own name, if that says the same.
        let target = Target::Models { name: alias.clone(), models };
        if self.own_name(&alias).as_ref() == Some(&target) {
            return Some(target);
        }
        let Target::Models { models, .. } = target else { return None };
        Some(Target::Models { name: name.into(), models })
    }

    /// What a name means whatever the clients may ask for: the reverse of [`Policy::name_of`].
    pub fn meaning(&self, name: &str) -> Option<Target> {
        self.own_name(name).or_else(|| self.catalog_name(name))
    }

    /// The name of a target by which [`Policy::meaning`] finds it.
    pub fn name_of(&self, target: &Target) -> SharedStr {
        match target {
            Target::Auto => AUTO.into(),
            Target::Rule(rule) => self.rules.get(*rule).map(|rule| rule.name.clone()).unwrap_or_default(),
            Target::Models { name, .. } => name.clone(),
        }
    }

    /// The names that a client may ask for, with the models that each may choose.
    pub fn names(&self) -> Vec<(SharedStr, Vec<usize>)> {
        let of_rule = |rule: &Rule| {
            let mut models = rule.from.clone();
            models.extend(rule.or_else.iter().filter(|model| !rule.from.contains(model)));
            (rule.name.clone(), models)
        };
        let mut all: Vec<usize> = self.rules.iter().flat_map(|rule| of_rule(rule).1).collect();
        all.sort_unstable();
        all.dedup();
        let mut names = vec![(SharedStr::from(AUTO), all)];
        names.extend(self.rules.iter().map(of_rule));
        if self.clients.models == NamedModels::Honour {
            names.extend(self.pools.iter().map(|pool| (pool.name.as_str().into(), pool.models.clone())));
            names.extend(self.models.iter().enumerate().map(|(at, model)| (model.alias.clone(), vec![at])));
        }
        names
    }

    /// The policy of one rule that a target stands for; none for the policy's own choice, and for a rule that is not there.
    pub fn narrowed(&self, target: &Target) -> Option<Self> {
        let (place, rule) = match target {
            Target::Auto => return None,
            Target::Rule(place) => (*place, Rule { when: None, ..self.rules.get(*place)?.clone() }),
            // How such a request is answered is what holds where no rule does.
            Target::Models { models, .. } => {
                let otherwise = self.rules.last()?.clone();
                (usize::MAX, Rule { when: None, from: models.clone(), or_else: Vec::new(), ..otherwise })
            }
        };
        let label = RuleLabel { name: rule.name.clone(), when: None };
        let mut narrowed = self.clone();
        narrowed.experiments.retain(|experiment| experiment.rule == place);
        for experiment in &mut narrowed.experiments {
            experiment.rule = 0;
        }
        narrowed.shown.rules = Arc::new([label]);
        narrowed.rules = vec![rule];
        narrowed.named = Some(self.name_of(target));
        Some(narrowed)
    }
}

fn unknown(message: String, name: &str, policy: &Policy) -> UnknownName {
    let names = policy.names();
    let near = did_you_mean(name, names.iter().map(|(name, _)| name.as_str()));
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let hint = format!("{near}`{AUTO}` leaves the choice to the policy; `GET /v1/models` lists the names");
    UnknownName { message, hint }
}

/// A name that a client wrote, fit to be shown.
fn shown(name: &str) -> String {
    name.chars().filter(|character| !character.is_control() && *character != '`').take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters_once() {
        let alias = |name: &str| Alias { name: name.to_owned(), means: Target::Auto };
        assert!(alias("claude-*-5").fits("claude-opus-5") && alias("*").fits(""));
        assert!(!alias("claude-*-5").fits("claude-5") && !alias("gpt").fits("gpt-4"));
    }
}
