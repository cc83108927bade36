//! Reads usage from bodies, from frames, or from usage objects that someone else has found.

use super::classes::Usage;
use super::dollars::{amount_of, cost_at};
use super::extractor::{CostAt, Extractor, Frames, Rounds, SearchesAt};
use super::figures::{Figures, member_at};
use super::normal::classes;
use super::problem::{Findings, UsageFinding, UsageProblem};
use super::spots;
use crate::json::{Kind, Reader, Value};

/// A usage object is a few hundred bytes; larger ones are not read.
const MAX_USAGE_BYTES: usize = 16 << 10;

/// Words that providers write where there is nothing to say: no region, or no particular one.
const UNSAID: [&str; 3] = ["", "not_available", "global"];

/// Usage as far as it was reported, and the worst that is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportedUsage {
    /// The classes; nothing when nothing was reported, or what was cannot be true.
    pub usage: Option<Usage>,
    /// What is wrong.
    pub finding: Option<UsageFinding>,
    /// What the provider itself says the call cost, in pico-USD; also where its tokens cannot be read.
    pub reported_cost_usd_picos: Option<i64>,
}

/// The terms that an answer says it was served under; none where it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServedTerms {
    /// The tier, in lower case.
    pub service_tier: Option<String>,
    /// The speed.
    pub speed: Option<String>,
    /// The region, when it is a particular one.
    pub region: Option<String>,
}

/// Everything that an answer says about what it used and by which terms it is priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReport {
    /// The name of the extractor that read it.
    pub extractor: &'static str,
    /// The classes; nothing when nothing was reported, or what was cannot be true.
    pub usage: Option<Usage>,
    /// What is wrong.
    pub finding: Option<UsageFinding>,
    /// What the provider itself says the call cost, in pico-USD; also where no tokens were reported.
    pub reported_cost_usd_picos: Option<i64>,
    /// The tier that served the call, in lower case; Vertex's traffic types without their `on_demand_`.
    pub service_tier: Option<String>,
    /// The speed that served it.
    pub speed: Option<String>,
    /// The region that served it, when it is a particular one.
    pub region: Option<String>,
}

/// Gathers usage over the frames of a stream, or from one body.
#[derive(Debug, Clone)]
pub struct UsageReader {
    extractor: &'static Extractor,
    figures: Figures,
    /// What rounds add that the figures leave out.
    rounds: Usage,
    /// Searches that bodies showed: the most of any frame, since frames repeat what earlier ones found.
    body_searches: Option<u64>,
    /// Whether a usage object had numbers, whatever they are called.
    has_numbers: bool,
    cost: Option<i64>,
    body_cost: Option<i64>,
    service_tier: Option<String>,
    body_service_tier: Option<String>,
    speed: Option<String>,
    region: Option<String>,
    findings: Findings,
}

impl UsageReader {
    /// A reader that has seen nothing.
    pub fn new(extractor: &'static Extractor) -> Self {
        Self {
            extractor,
            figures: Figures::default(),
            rounds: Usage::default(),
            body_searches: None,
            has_numbers: false,
            cost: None,
            body_cost: None,
            service_tier: None,
            body_service_tier: None,
            speed: None,
            region: None,
            findings: Findings { extractor: extractor.name, worst: None },
        }
    }

    /// Reads a whole body or one frame; of an array, each element. What is no JSON is a finding. Linear in its bytes; only
    /// the usage object is built as a tree.
    pub fn body(&mut self, body: &[u8]) {
        if Reader::new(body).peek() != Ok(Kind::Array) {
            return self.object_body(body);
        }
        let mut reader = Reader::new(body);
        let read = reader.array(|reader| {
            let span = reader.skip()?;
            self.object_body(reader.slice(span));
            Ok(())
        });
        if read.and_then(|()| reader.finish()).is_err() {
            self.unreadable();
        }
    }

    fn object_body(&mut self, body: &[u8]) {
        let Extractor { usage_at, body_costs, body_service_tier, body_searches, .. } = *self.extractor;
        let paths: Vec<&str> = usage_at
            .iter()
            .copied()
            .chain(body_costs.iter().map(|cost| cost.at))
            .chain(body_searches.iter().flat_map(SearchesAt::paths))
            .chain(body_service_tier.iter().copied())
            .collect();
        let Ok(found) = spots::find(body, &paths) else { return self.unreadable() };
        let mut found = found.into_iter();
        let objects: Vec<&[u8]> = found.by_ref().take(usage_at.len()).flatten().collect();
        match objects.first() {
            Some(raw) => self.object(raw),
            None if usage_at.contains(&"") => match spots::own_numbers(body) {
                Ok(own) => self.value(&own),
                Err(_) => self.unreadable(),
            },
            None => {}
        }
        for (cost, raw) in body_costs.iter().zip(found.by_ref()) {
            self.take_body_cost(*cost, raw.and_then(|raw| Value::parse(raw).ok()));
        }
        for searches in body_searches {
            let (list, model) = (found.next().flatten(), found.next().flatten());
            let count = list.map(|list| searches.count(list, model)).filter(|count| *count > 0);
            self.body_searches = self.body_searches.max(count);
        }
        let tier = found.flatten().find_map(|raw| word_of(&Value::parse(raw).ok()?));
        self.body_service_tier = tier.or(self.body_service_tier.take());
    }

    /// Reads one usage object; `null` says nothing.
    pub fn object(&mut self, raw: &[u8]) {
        match (raw.len() <= MAX_USAGE_BYTES).then(|| Value::parse(raw)) {
            Some(Ok(Value::Null)) => {}
            Some(Ok(value @ Value::Object(_))) => {
                self.has_numbers |= has_number(&value);
                self.value(&value);
            }
            _ => self.unreadable(),
        }
    }

    /// Reads a member that stands beside the usage object in the body, such as `cost`.
    pub fn beside(&mut self, member: &str, raw: &[u8]) {
        if self.extractor.body_service_tier.contains(&member) {
            let tier = (raw.len() <= MAX_USAGE_BYTES).then(|| word_of(&Value::parse(raw).ok()?)).flatten();
            self.body_service_tier = tier.or(self.body_service_tier.take());
        }
        for cost in self.extractor.body_costs {
            if let Some(rest) = cost.at.strip_prefix(member).and_then(|rest| rest.strip_prefix('.')) {
                let value = (raw.len() <= MAX_USAGE_BYTES).then(|| Value::parse(raw).ok()).flatten();
                let value = value.as_ref().and_then(|value| member_at(value, rest)).cloned();
                self.take_body_cost(*cost, value);
            }
        }
    }

    fn unreadable(&mut self) {
        self.findings.note(UsageProblem::Unreadable, self.place());
    }

    /// Where the usage object should stand.
    fn place(&self) -> &'static str {
        self.extractor.usage_at.first().copied().unwrap_or_default()
    }

    fn take_body_cost(&mut self, cost: CostAt, value: Option<Value<'_>>) {
        match value.map(|value| amount_of(&value, cost.unit)) {
            Some(Some(amount)) => self.body_cost = Some(amount),
            Some(None) => self.findings.note(UsageProblem::BadCost, cost.at),
            None => {}
        }
    }

    fn value(&mut self, usage: &Value<'_>) {
        let extractor = self.extractor;
        let mut findings = Findings { extractor: extractor.name, worst: None };
        let figures = Figures::read(extractor, usage, &mut findings);
        match cost_at(usage, extractor.costs, extractor.own_key) {
            Some(Ok(amount)) => self.cost = Some(amount),
            Some(Err(field)) => findings.note(UsageProblem::BadCost, field),
            None => {}
        }
        for (word, paths) in [
            (&mut self.service_tier, extractor.service_tier),
            (&mut self.speed, extractor.speed),
            (&mut self.region, extractor.region),
        ] {
            let said = paths.iter().find_map(|path| word_of(member_at(usage, path)?));
            *word = said.or(word.take());
        }
        match extractor.frames {
            // A frame without figures, such as `{}`, takes nothing back.
            Frames::LastObject if figures == Figures::default() && findings.worst.is_none() => {}
            Frames::LastObject => (self.figures, self.findings) = (figures, findings),
            Frames::LaterField => {
                self.figures.update(figures);
                if let Some(rounds) = extractor.rounds
                    && let Some(list) = member_at(usage, rounds.at)
                {
                    self.take_rounds(rounds, list, &mut findings);
                }
                if let Some(worst) = findings.worst {
                    self.findings.note(worst.problem, worst.field);
                }
            }
        }
    }

    fn take_rounds(&mut self, rounds: Rounds, list: &Value<'_>, findings: &mut Findings) {
        self.rounds = Usage::default();
        for round in list.items() {
            match round.get(rounds.kind).and_then(Value::as_str) {
                Some(kind) if kind == rounds.added => {
                    let figures = Figures::read(self.extractor, round, findings);
                    self.rounds = self.rounds.plus(&classes(self.extractor, &figures, findings));
                }
                Some(kind) if kind == rounds.other_model => findings.note(UsageProblem::OtherModel, rounds.at),
                _ => {}
            }
        }
    }

    /// The classes so far.
    pub fn usage(&self) -> ReportedUsage {
        let mut findings = self.findings;
        let reported_cost_usd_picos = self.cost.or(self.body_cost);
        let has_figures = self.figures.input.is_some() || self.figures.output.is_some();
        if !has_figures {
            if self.has_numbers && reported_cost_usd_picos.is_none() {
                // Another dialect's words, in all likelihood: used something, not nothing.
                findings.note(UsageProblem::Unreadable, self.place());
            }
            return ReportedUsage { usage: None, finding: findings.worst, reported_cost_usd_picos };
        }
        let figures = Figures { web_searches: self.figures.web_searches.or(self.body_searches), ..self.figures };
        let usage = classes(self.extractor, &figures, &mut findings).plus(&self.rounds);
        let usage = Usage { reported_cost_usd_picos, ..usage };
        let is_void = findings.worst.is_some_and(|worst| worst.problem.is_void());
        ReportedUsage { usage: (!is_void).then_some(usage), finding: findings.worst, reported_cost_usd_picos }
    }

    /// The terms so far.
    pub fn served(&self) -> ServedTerms {
        ServedTerms {
            service_tier: self.service_tier.clone().or_else(|| self.body_service_tier.clone()),
            speed: self.speed.clone(),
            region: self.region.clone(),
        }
    }

    /// Everything so far.
    pub fn report(&self) -> UsageReport {
        let ReportedUsage { usage, finding, reported_cost_usd_picos } = self.usage();
        let ServedTerms { service_tier, speed, region } = self.served();
        UsageReport {
            extractor: self.extractor.name,
            usage,
            finding,
            reported_cost_usd_picos,
            service_tier,
            speed,
            region,
        }
    }
}

/// Whether there is a number in it, at any depth.
fn has_number(value: &Value<'_>) -> bool {
    match value {
        Value::Number(_) => true,
        Value::Object(members) => members.iter().any(|(_, member)| has_number(member)),
        _ => value.items().iter().any(has_number),
    }
}

/// A word by which a call is priced, in lower case.
fn word_of(value: &Value<'_>) -> Option<String> {
    let word = value.as_str()?.to_ascii_lowercase();
    // Vertex: `ON_DEMAND_FLEX`.
    let word = word.strip_prefix("on_demand_").unwrap_or(&word);
    (!UNSAID.contains(&word)).then(|| word.to_owned())
}
