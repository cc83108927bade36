//! What the prompt cache of a deployment does with a request: what it is likely to hold, and what will be written to it.
//!
//! Promises: only what was sent to the same deployment, answered, and has not outlived its time counts as held; Anthropic's
//! models cache what the request marks and nothing else, the others what they see; below the least prefix that a model
//! caches nothing is. Refuses: tokens of its own, it shares out those that were counted.
//!
//! A test breaks it with a read that nothing wrote, more tokens read and written than there are, or a mark that is ignored.

use super::facts::RequestFacts;
use super::inputs::Sizes;
use super::prefixes::{Prefixes, share};
use crate::catalog::Rates;
use crate::control::ControlState;
use crate::policy::PolicyModel;
use crate::tokens::Family;
use crate::usage::Usage;
use crate::wire::{CacheTtl, Dialect, Request};

/// The least prefix that is cached where the catalogue does not say: OpenAI's, and that of most Claude models.
const DEFAULT_MIN_TOKENS: u64 = 1024;
/// How many places of a request are remembered: the head, and the last ones, at which the next turn goes on.
const REMEMBERED: usize = 16;
/// How many of the last places are looked up: Anthropic looks back 20 blocks from a mark, and a turn of an agent adds few.
const LOOKED_UP: usize = 32;

/// What the cache is expected to do for one candidate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CacheForecast {
    /// Input tokens that are likely to be read from the cache.
    pub read_tokens: u64,
    /// Input tokens that are likely to be written to it at a price of their own.
    pub write_tokens: u64,
    /// Hashes of the prefixes that the cache will hold after an answer; ascending.
    pub prefixes: Vec<u64>,
    /// How long it will hold them, in milliseconds.
    pub ttl_ms: i64,
}

/// How writes are billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    /// As other input.
    Free,
    FiveMinutes,
    OneHour,
    /// At a price of their own, for a time that the provider chooses.
    Other,
}

/// How a model uses its cache for a request, whatever the deployment.
#[derive(Debug)]
pub(super) struct CachePlan<'p> {
    /// None where a decision is made again from its record.
    prefixes: Option<&'p Prefixes>,
    /// How many pieces of the request are cached.
    end: usize,
    /// Their size, and that of the whole request, in bytes of text.
    sizes: (u64, u64),
    /// The places that are remembered, ascending.
    places: Vec<usize>,
    ttl: CacheTtl,
    write: Write,
    min_tokens: u64,
}

/// Whether a model caches only what a request marks: Anthropic's, also where another provider sells them.
fn is_explicit(model: &PolicyModel) -> bool {
    let is_claude = model.facts.tokenizer_family.as_deref().is_some_and(|name| Family::from_catalog(name).is_claude());
    model.dialect == Dialect::AnthropicMessages || is_claude
}

/// Whether a model may have a plan for a request, its prices at the moment aside.
pub(super) fn may_cache(model: &PolicyModel, request: &Request<'_>) -> bool {
    // Marks do not cross into another dialect.
    let is_asked = request.dialect == model.dialect && !request.billing.cache_marks.is_empty();
    let is_priced = || model.facts.prices.iter().any(|period| period.price.base.rates.cache_read.is_some());
    model.facts.caps.prompt_cache == Some(true) && if is_explicit(model) { is_asked } else { is_priced() }
}

impl<'p> CachePlan<'p> {
    /// The plan for a model at its prices; none when nothing of the request will be cached, or it makes no difference in
    /// cost. The request is hashed only when there is a plan.
    pub fn of(model: &PolicyModel, rates: &Rates, facts: &'p RequestFacts<'_>) -> Option<Self> {
        let request = facts.request();
        if !may_cache(model, request) {
            return None;
        }
        let is_explicit = is_explicit(model);
        if !is_explicit {
            // What is cached without being asked for, at no price of its own, costs what other input costs.
            rates.cache_read?;
        }
        let ttl = request.billing.cache_marks.iter().map(|mark| mark.ttl).max_by_key(|ttl| ttl.ms());
        let ttl = ttl.filter(|_| is_explicit).unwrap_or_default();
        let write = match (is_explicit, ttl) {
            (true, CacheTtl::OneHour) => Write::OneHour,
            (true, CacheTtl::FiveMinutes) => Write::FiveMinutes,
            (false, _) if rates.cache_write_5m.is_some() => Write::Other,
            (false, _) => Write::Free,
        };
        let Sizes { whole, marked } = facts.sizes();
        let size = if is_explicit { marked? } else { whole };
        let min_tokens = model.facts.prompt_cache_min_tokens.unwrap_or(DEFAULT_MIN_TOKENS);
        let plan = Self { prefixes: None, end: 0, sizes: (size, whole), places: Vec::new(), ttl, write, min_tokens };
        let Some(prefixes) = facts.prefixes() else { return Some(plan) };
        let places = if is_explicit {
            let mut places = marked_places(request, prefixes);
            places.drain(..places.len().saturating_sub(REMEMBERED));
            places
        } else {
            let (end, head) = (prefixes.len(), prefixes.head());
            let from = end.saturating_sub(REMEMBERED - 1).max(head) + 1;
            std::iter::once(head).filter(|head| *head > 0).chain(from..=end).collect()
        };
        let end = if is_explicit { *places.last()? } else { prefixes.len() };
        Some(Self { prefixes: Some(prefixes), end, places, ..plan })
    }

    /// How far a deployment's cache is likely to hold it now, in bytes of text.
    pub fn held(&self, state: &ControlState, deployment: &str, now_ms: i64) -> u64 {
        let Some(prefixes) = self.prefixes else { return 0 };
        let hashes = prefixes.hashes(self.end);
        let skipped = hashes.len().saturating_sub(LOOKED_UP);
        let recent = hashes.get(skipped..).unwrap_or_default();
        let head = prefixes.head().min(skipped);
        let held = state.longest_prefix(deployment, recent, now_ms).map(|place| skipped + place + 1).or_else(|| {
            let place = head.checked_sub(1)?;
            state.longest_prefix(deployment, hashes.get(place..head)?, now_ms).map(|_| head)
        });
        prefixes.size(held.unwrap_or(0))
    }

    /// The plan at a deployment whose cache holds so much of it, in bytes of text.
    pub fn at(&self, held: u64) -> CacheUse<'_> {
        CacheUse { plan: self, held }
    }
}

/// The sizes that a plan needs: of the whole request, and up to its last mark.
pub(super) fn sizes(request: &Request<'_>, prefixes: &Prefixes) -> Sizes {
    let marked = marked_places(request, prefixes).last().map(|pieces| prefixes.size(*pieces));
    Sizes { whole: prefixes.size(prefixes.len()), marked }
}

/// Where the marks of a request stand, ascending.
fn marked_places(request: &Request<'_>, prefixes: &Prefixes) -> Vec<usize> {
    let marks = request.billing.cache_marks.iter();
    let mut places: Vec<usize> =
        marks.map(|mark| mark.end.pieces(request).min(prefixes.len())).filter(|pieces| *pieces > 0).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// A plan at one deployment.
#[derive(Debug)]
pub(super) struct CacheUse<'p> {
    plan: &'p CachePlan<'p>,
    /// How much is likely to be held, in bytes of text.
    pub held: u64,
}

impl CacheUse<'_> {
    /// The input of a call with this many tokens, the cache as it is believed to be.
    pub fn warm(&self, tokens: u64) -> Usage {
        self.usage(tokens, self.held)
    }

    /// The same with a cache that holds nothing.
    pub fn cold(&self, tokens: u64) -> Usage {
        self.usage(tokens, 0)
    }

    /// What a record shows, and what is remembered after an answer.
    pub fn forecast(&self, tokens: u64) -> CacheForecast {
        let plan = self.plan;
        let usage = self.warm(tokens);
        let places = plan.prefixes.into_iter().flat_map(|prefixes| {
            let is_long = |pieces: &&usize| share(prefixes.size(**pieces), plan.sizes.1, tokens) >= plan.min_tokens;
            plan.places.iter().filter(is_long).filter_map(|pieces| prefixes.hashes(*pieces).last().copied())
        });
        CacheForecast {
            read_tokens: usage.cache_read,
            write_tokens: usage.cache_write_5m + usage.cache_write_1h + usage.cache_write_other,
            prefixes: places.collect(),
            ttl_ms: plan.ttl.ms(),
        }
    }

    fn usage(&self, tokens: u64, held: u64) -> Usage {
        let plan = self.plan;
        let (size, whole) = plan.sizes;
        let cached = |upto: u64| Some(share(upto, whole, tokens)).filter(|share| *share >= plan.min_tokens);
        let Some(end) = cached(size) else { return Usage { input_uncached: tokens, ..Usage::default() } };
        let read = cached(held).unwrap_or(0).min(end);
        let written = if plan.write == Write::Free { 0 } else { end - read };
        let mut usage = Usage { input_uncached: tokens - read - written, cache_read: read, ..Usage::default() };
        match plan.write {
            Write::Free => {}
            Write::FiveMinutes => usage.cache_write_5m = written,
            Write::OneHour => usage.cache_write_1h = written,
            Write::Other => usage.cache_write_other = written,
        }
        usage
    }
}
