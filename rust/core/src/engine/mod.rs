//! The engine: a policy ready to decide, and the runner of the tests in its file.
//!
//! Promises: immutable and shareable; `decide` is the pure function of the design with its inputs gathered; tests run by
//! the same code that serves, with keys present, empty state and a fixed clock unless they say otherwise.

mod corpus;
mod file_tests;

use std::sync::Arc;

use crate::control::ControlState;
use crate::decide::{DecideInputs, Decision, RecordError, Recorded, RequestFacts};
use crate::plan::Plan;
use crate::policy::{MetaValue, Policy, Target, TestFailure};
use crate::shared_str::SharedStr;
use crate::wire::{Dialect, Request, ResponseFormat};

pub use file_tests::TEST_CLOCK_MS;

/// A policy ready to decide.
#[derive(Debug, Clone)]
pub struct Engine {
    policy: Arc<Policy>,
    catalog_hash: SharedStr,
    has_key: Vec<bool>,
}

impl Engine {
    /// An engine for a policy. `has_key` says for each deployment, in the policy's order, whether its key is present.
    pub fn new(policy: Arc<Policy>, catalog_hash: &str, has_key: Vec<bool>) -> Self {
        Self { policy, catalog_hash: catalog_hash.into(), has_key }
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The same, to be kept.
    pub fn shared_policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy)
    }

    /// The deployments of this policy whose name meant another target in the policy before: another model, address or
    /// region. What was seen of the one says nothing of the other. Linear in the deployments, squared.
    pub fn moved_since(&self, before: &Self) -> Vec<&str> {
        let target = |policy: &Policy, index: usize| {
            let row = policy.deployments.get(index)?;
            let facts = &policy.models.get(row.model)?.facts;
            Some((facts.provider.clone(), facts.id.clone(), row.base_url.clone(), row.region.clone()))
        };
        let moved = self.policy.deployments.iter().enumerate().filter(|(index, row)| {
            let place = before.policy.deployments.iter().position(|known| known.id == row.id);
            place.is_some_and(|place| target(&before.policy, place) != target(&self.policy, *index))
        });
        moved.map(|(_, row)| row.id.as_str()).collect()
    }

    /// Decides for one request.
    ///
    /// Cost: linear in the request for its tokens, a bounded part of it for everything else.
    pub fn decide(
        &self,
        request: &Request<'_>,
        meta: &[(String, MetaValue)],
        state: Option<&ControlState>,
        now_ms: i64,
        seed: u64,
    ) -> Decision {
        self.decide_on(&RequestFacts::new(request, meta, &[], now_ms), state, now_ms, seed)
    }

    /// The facts of a large request, with all that takes long computed already: so that who lends the state under a lock
    /// holds the lock for the choice alone.
    pub fn prepared<'r>(
        &self,
        request: &'r Request<'r>,
        meta: &'r [(String, MetaValue)],
        now_ms: i64,
    ) -> RequestFacts<'r> {
        let facts = RequestFacts::new(request, meta, &[], now_ms);
        facts.prepare(&self.policy);
        facts
    }

    /// Decides on facts, those of [`Engine::prepared`] for example.
    pub fn decide_on(
        &self,
        facts: &RequestFacts<'_>,
        state: Option<&ControlState>,
        now_ms: i64,
        seed: u64,
    ) -> Decision {
        crate::decide::decide(&DecideInputs {
            policy: &self.policy,
            catalog_hash: &self.catalog_hash,
            facts,
            has_key: &self.has_key,
            state,
            now_ms,
            seed,
        })
    }

    /// Makes a decision again from its record, with the dialect of the request, and whether it wants JSON.
    ///
    /// # Errors
    /// With a code of [`crate::decide::RECORD_CODES`].
    pub fn redecide(&self, record: &[u8]) -> Result<(Decision, Dialect, bool), RecordError> {
        let recorded = Recorded::read(record, &self.policy, &self.catalog_hash)?;
        let named = recorded.named().map(|name| self.named(name)).transpose()?;
        let policy = named.as_ref().map_or(&self.policy, |narrowed| &narrowed.policy);
        let decision = recorded.decide(policy, &self.catalog_hash)?;
        let request = recorded.request();
        Ok((decision, request.dialect, request.response_format != ResponseFormat::Text))
    }

    fn named(&self, name: &str) -> Result<Self, RecordError> {
        let target = self.policy.meaning(name);
        target.and_then(|target| self.narrowed(&target)).ok_or_else(|| RecordError {
            code: "record-unreadable",
            message: format!("the record is of a request for `{name}`, which the policy does not have"),
        })
    }

    /// The engine of what a client's name means; none where that is this one.
    pub fn narrowed(&self, target: &Target) -> Option<Self> {
        let policy = Arc::new(self.policy.narrowed(target)?);
        Some(Self { policy, catalog_hash: self.catalog_hash.clone(), has_key: self.has_key.clone() })
    }

    /// The plan of a decision.
    pub fn plan(&self, decision: &Decision) -> Plan {
        crate::plan::plan(&self.policy, decision)
    }

    /// Runs the tests in the policy's file; empty when all hold.
    pub fn run_tests(&self) -> Vec<TestFailure> {
        file_tests::run(&self.policy, &self.catalog_hash)
    }
}
