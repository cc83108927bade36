//! The attempts of a decision.

use std::sync::Arc;

use super::thinking::{Asked, compile_asked};
use crate::catalog::Auth;
use crate::control::ControlEvent;
use crate::control::reservations::{Amounts, Claim};
use crate::decide::{CacheForecast, CallTerms, DEFAULT_MAX_TOKENS, Decision};
use crate::policy::{Accept, Escalate, KeyRef, Policy, Run};
use crate::quirks::Quirks;
use crate::shared_str::SharedStr;
use crate::thinking_format::ThinkingFormat;
use crate::wire::{Dialect, Target, ThinkingSetting};

/// One upstream call that may be made.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is one independent fact about the model")]
pub struct Attempt {
    /// The deployment's id.
    pub deployment: SharedStr,
    /// The model's name in the policy.
    pub model: SharedStr,
    /// Who sells it.
    pub provider: SharedStr,
    /// The model's name as the upstream knows it.
    pub upstream_model: SharedStr,
    /// The dialect it is called in.
    pub dialect: Dialect,
    /// Where it is called, without the dialect's path.
    pub base_url: SharedStr,
    /// How the key goes into the request.
    pub auth: Auth,
    /// Where the key comes from.
    pub key: KeyRef,
    /// The model's place on the ladder.
    pub rank: u32,
    /// The model's window in tokens.
    pub context: Option<u64>,
    /// How long the request is in the model's vocabulary, in tokens.
    pub input_tokens: u64,
    /// The bound on the answer that is sent, in tokens.
    pub max_tokens: Option<u64>,
    /// Expected cost in pico-USD.
    pub cost_p50_usd_picos: Option<i64>,
    /// Cost that nine of ten such calls do not exceed, in pico-USD.
    pub cost_p90_usd_picos: Option<i64>,
    /// The terms that it asks for, by which it is settled unless the answer states others.
    pub terms: CallTerms,
    /// What the prompt cache is expected to do, and to hold after an answer; none where nothing is cached.
    pub cache: Option<CacheForecast>,
    /// The session that sticks to the deployment after an answer, and how long, in milliseconds.
    pub session: Option<(u64, i64)>,
    /// The scopes that it counts in, by the policy's budgets and limits.
    pub claims: Vec<Claim>,
    /// What it can use and cost at most: what is reserved.
    pub amounts: Amounts,
    /// What the thinking setting became for this model, when it could not be carried over as it is.
    pub notes: Vec<String>,
    default_max_tokens: u64,
    max_tokens_field: SharedStr,
    quirks: Arc<Quirks>,
    thinking: ThinkingSetting<'static>,
    thinking_format: ThinkingFormat,
    min_budget_tokens: u64,
    max_output_tokens: Option<u64>,
    echoes_reasoning: bool,
    accepts_sampling: bool,
    accepts_forced_tool_choice: bool,
    accepts_prefill: bool,
}

impl Attempt {
    /// What to tell the state once the attempt has been answered: the prefixes that its cache holds now, if any.
    pub fn cached(&self) -> Option<ControlEvent<'_>> {
        let cache = self.cache.as_ref().filter(|cache| !cache.prefixes.is_empty())?;
        let (deployment, prefixes, ttl_ms) = (self.deployment.as_str(), cache.prefixes.as_slice(), cache.ttl_ms);
        Some(ControlEvent::PrefixesSent { deployment, prefixes, ttl_ms })
    }

    /// What to tell the state once the attempt has been answered: whose session sticks to the deployment, if any does.
    pub fn served(&self) -> Option<ControlEvent<'_>> {
        let (session, ttl_ms) = self.session?;
        Some(ControlEvent::SessionServed { session, deployment: &self.deployment, ttl_ms })
    }

    /// What the body of this attempt is written for.
    pub fn target(&self, stream: bool) -> Target<'_> {
        Target {
            max_tokens: self.max_tokens,
            default_max_tokens: self.default_max_tokens,
            max_tokens_field: &self.max_tokens_field,
            quirks: &self.quirks,
            thinking: self.thinking,
            thinking_format: self.thinking_format,
            min_budget_tokens: self.min_budget_tokens,
            max_output_tokens: self.max_output_tokens,
            echoes_reasoning: self.echoes_reasoning,
            stream,
            accepts_sampling: self.accepts_sampling,
            accepts_forced_tool_choice: self.accepts_forced_tool_choice,
            accepts_prefill: self.accepts_prefill,
            ..Target::new(self.dialect, &self.upstream_model)
        }
    }
}

/// The attempts of one call, and its bounds.
#[derive(Debug, Clone)]
pub struct Plan {
    /// In the order in which they are tried.
    pub attempts: Vec<Attempt>,
    /// What a good answer is.
    pub accept: Vec<Accept>,
    /// What to do with one that is not.
    pub escalate: Escalate,
    /// Bounds on the whole call.
    pub run: Run,
}

impl Plan {
    /// What the attempts get that is not what was asked, a line each; empty when all of them get it.
    pub fn explain_notes(&self) -> String {
        let notes: Vec<&str> = self.attempts.iter().flat_map(|attempt| &attempt.notes).map(String::as_str).collect();
        if notes.is_empty() { String::new() } else { format!("notes\n   {}\n", notes.join("\n   ")) }
    }
}

/// Lays out the plan of a decision.
pub fn plan(policy: &Policy, decision: &Decision) -> Plan {
    let request = decision.inputs.request();
    let rule = policy.rules.get(decision.rule_index);
    let set = rule.and_then(|rule| rule.set.thinking).map(Asked::from);
    let asked = set.or_else(|| Asked::by_client(request.thinking));
    let attempts = decision.attempts().filter_map(|considered| {
        let model = policy.models.get(considered.candidate.model)?;
        let deployment = policy.deployments.get(considered.candidate.deployment)?;
        let facts = &model.facts;
        let mut compiled = compile_asked(asked, facts, &model.thinking, model.dialect);
        // What the catalogue does not know of is the client's own affair, as long as it is said in its own words.
        if compiled.is_unknown && set.is_none() && model.dialect == request.dialect {
            compiled.setting = ThinkingSetting::AsRequested;
            compiled.note = None;
        }
        Some(Attempt {
            deployment: deployment.id.clone(),
            model: model.alias.clone(),
            provider: model.provider.clone(),
            upstream_model: model.upstream_model.clone(),
            dialect: model.dialect,
            base_url: deployment.base_url.clone(),
            auth: model.auth,
            key: deployment.key.clone(),
            rank: model.rank,
            context: facts.context,
            input_tokens: considered.candidate.input.tokens,
            max_tokens: considered.candidate.max_tokens,
            cost_p50_usd_picos: considered.candidate.cost_p50_usd_picos,
            cost_p90_usd_picos: considered.candidate.cost_p90_usd_picos,
            terms: considered.candidate.terms.clone(),
            cache: considered.candidate.cache.clone(),
            session: decision.sticky.as_ref().and_then(|sticky| {
                let cache_ttl_ms = considered.candidate.cache.as_ref().map(|cache| cache.ttl_ms);
                Some((sticky.session?, sticky.ttl_ms(cache_ttl_ms)))
            }),
            claims: policy.claims(&decision.caller, considered.candidate.deployment),
            amounts: considered.candidate.upper.map(|upper| upper.amounts()).unwrap_or_default(),
            notes: compiled.note.into_iter().collect(),
            default_max_tokens: facts.max_output.unwrap_or(DEFAULT_MAX_TOKENS).min(DEFAULT_MAX_TOKENS),
            max_tokens_field: model.max_tokens_field.clone(),
            quirks: Arc::clone(&model.quirks),
            thinking: compiled.setting,
            thinking_format: compiled.format,
            min_budget_tokens: compiled.min_budget_tokens,
            max_output_tokens: facts.max_output,
            echoes_reasoning: model.thinking.echoes_reasoning,
            accepts_sampling: facts.caps.sampling != Some(false),
            accepts_forced_tool_choice: facts.takes_forced_tool_choice(),
            accepts_prefill: facts.takes_prefill(),
        })
    });
    Plan {
        attempts: attempts.collect(),
        accept: rule.and_then(|rule| rule.accept.clone()).unwrap_or_else(|| policy.accept.clone()),
        escalate: rule.and_then(|rule| rule.escalate).unwrap_or(policy.escalate),
        run: rule.and_then(|rule| rule.run).unwrap_or(policy.run),
    }
}
