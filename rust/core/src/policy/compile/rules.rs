//! `require`, `rules` and `otherwise`.

use super::block::{Block, expression, is_name, items, text, word};
use super::models::Defined;
use super::pools::model_list;
use super::settings::{accept, asks_for_money, escalate, run};
use super::sticky::sticky_here;
use crate::calendar::DAY_MS;
use crate::catalog::{Terms, expected_cost};
use crate::policy::diagnostics::Findings;
use crate::policy::expr::{Names, Program, Tri, Wording, wording};
use crate::policy::facts::{Scope, Type};
use crate::policy::grammar;
use crate::policy::model::{Pool, Prefer, Require, Rule, Run, SetParams, Sticky, ThinkingLevel};
use crate::policy::source::Node;

/// What rules may name.
pub(super) struct RuleContext<'m> {
    /// The models.
    pub models: &'m Defined,
    /// The pools.
    pub pools: &'m [Pool],
    /// Bounds that rules inherit.
    pub run: Run,
    /// Sessions as rules inherit them.
    pub sticky: Option<&'m Sticky>,
    /// In days since 1970.
    pub today: i64,
}

/// Reads a list of hard filters.
pub(super) fn require(node: &Node, names: &mut Names, findings: &mut Findings) -> Vec<Require> {
    let mut filters: Vec<Require> = Vec::new();
    for (index, item) in items(node, "`require`", false, findings).into_iter().enumerate() {
        let Some(block) = Block::open(item, "a filter of `require`", &[grammar::FILTER], findings) else {
            continue;
        };
        let name = match block.get("name") {
            Some(node) => text(node, "`name`", findings).map(str::to_owned),
            None => Some(format!("require-{}", index + 1)),
        };
        let when =
            block.get("when").map(|node| expression(node, "`when`", Scope::Request, Some(Type::Bool), names, findings));
        let keep = block
            .need("keep", "a filter of `require`", findings)
            .and_then(|node| expression(node, "`keep`", Scope::Candidate, Some(Type::Bool), names, findings));
        let (Some(name), Some((keep, _))) = (name, keep) else { continue };
        if filters.iter().any(|known| known.name == name) {
            findings.error(block.pos, "duplicate-name", format!("two filters are called `{name}`"));
            continue;
        }
        match when {
            Some(None) => {}
            Some(Some((when, _))) => filters.push(Require { name, when: Some(when), keep }),
            None => filters.push(Require { name, when: None, keep }),
        }
    }
    filters
}

/// Reads `rules` and `otherwise`; the result ends with `otherwise`.
pub(super) fn rules(
    root: &Block<'_>,
    context: &RuleContext<'_>,
    names: &mut Names,
    findings: &mut Findings,
) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut wordings: Vec<Option<Wording>> = Vec::new();
    if let Some(node) = root.get("rules") {
        for item in items(node, "`rules`", false, findings) {
            let Some(block) = Block::open(item, "a rule", &[grammar::RULE, grammar::CHOICE], findings) else {
                continue;
            };
            // A rule without a usable name is still read, so that all its findings are shown at once.
            let name = rule_name(&block, &rules, findings).unwrap_or_else(|| "?".to_owned());
            let what = format!("`when` of {}", described(&name));
            let when = block
                .need("when", &described(&name), findings)
                .and_then(|node| expression(node, &what, Scope::Request, Some(Type::Bool), names, findings))
                .map(|(program, _)| program);
            shadowed(when.as_ref(), &rules, &mut wordings, &block, &name, findings);
            rules.push(choice(&block, name, when, context, names, findings));
        }
    }
    if let Some(node) = root.need("otherwise", "a policy", findings)
        && let Some(block) = Block::open(node, "`otherwise`", &[grammar::CHOICE], findings)
    {
        rules.push(choice(&block, "otherwise".to_owned(), None, context, names, findings));
    }
    rules
}

fn rule_name(block: &Block<'_>, rules: &[Rule], findings: &mut Findings) -> Option<String> {
    let name = text(block.need("name", "a rule", findings)?, "`name`", findings)?;
    let pos = block.key_pos("name");
    if !is_name(name) {
        findings.error_hint(
            pos,
            "bad-value",
            format!("`{name}` is not a name"),
            "a name starts with a letter and holds letters, digits, `-` and `_`",
        );
        return None;
    }
    if name == "otherwise" || rules.iter().any(|rule| rule.name == name) {
        findings.error(pos, "duplicate-name", format!("two rules are called `{name}`"));
        return None;
    }
    Some(name.to_owned())
}

/// A rule behind one with the same condition, or behind `true`, is never reached.
/// `wordings` are those of the conditions above, and this one's is added.
fn shadowed(
    when: Option<&Program>,
    rules: &[Rule],
    wordings: &mut Vec<Option<Wording>>,
    block: &Block<'_>,
    name: &str,
    findings: &mut Findings,
) {
    let own = when.and_then(|when| wording(when.source()));
    let pos = block.key_pos("when");
    if when.is_some_and(|when| when.constant() == Some(Tri::False)) {
        findings.error(pos, "unreachable-rule", format!("rule `{name}` never matches"));
    }
    let hides = |(rule, other): &(&Rule, &Option<Wording>)| {
        own.is_some() && (**other == own || rule.when.as_ref().and_then(Program::constant) == Some(Tri::True))
    };
    if let Some((rule, _)) = rules.iter().zip(wordings.iter()).find(hides) {
        findings.error_hint(
            pos,
            "unreachable-rule",
            format!("rule `{name}` is never reached: `{}` above it matches first", rule.name),
            "the first rule that matches wins; move it up or change its condition",
        );
    }
    wordings.push(own);
}

/// A rule for messages.
fn described(name: &str) -> String {
    match name {
        "otherwise" => "`otherwise`".to_owned(),
        "?" => "the rule".to_owned(),
        name => format!("rule `{name}`"),
    }
}

fn choice(
    block: &Block<'_>,
    name: String,
    when: Option<Program>,
    context: &RuleContext<'_>,
    names: &mut Names,
    findings: &mut Findings,
) -> Rule {
    let what = described(&name);
    let list = |node: &Node, key: &str, findings: &mut Findings| {
        model_list(node, &format!("`{key}` of {what}"), context.models, context.pools, findings)
    };
    let from = block.need("from", &what, findings).map(|node| list(node, "from", findings)).unwrap_or_default();
    let mut or_else = block.get("else").map(|node| list(node, "else", findings)).unwrap_or_default();
    or_else.retain(|model| !from.contains(model));
    let prefer =
        block.get("prefer").and_then(|node| word(node, "`prefer`", &Prefer::ALL, findings)).unwrap_or(Prefer::InOrder);
    let want = match block.get("want") {
        Some(node) => items(node, "`want`", true, findings)
            .into_iter()
            .filter_map(|item| expression(item, "`want`", Scope::Candidate, Some(Type::Bool), names, findings))
            .map(|(program, _)| program)
            .collect(),
        None => Vec::new(),
    };
    let rule = Rule {
        name: name.into(),
        when,
        from,
        or_else,
        prefer,
        want,
        require: block.get("require").map(|node| require(node, names, findings)).unwrap_or_default(),
        set: block.get("set").map(|node| set(node, findings)).unwrap_or_default(),
        sticky: match block.get("sticky") {
            None => context.sticky.cloned(),
            Some(node) => sticky_here(node, names, findings),
        },
        accept: block.get("accept").map(|node| accept(node, findings)),
        escalate: block.get("escalate").and_then(|node| escalate(node, findings)),
        run: block.get("run").map(|node| run(node, Some(context.run), findings)),
        pos: block.pos,
    };
    unpriced(&rule, context, findings);
    rule
}

/// `set: { thinking: high, max_tokens: 8000 }`
fn set(node: &Node, findings: &mut Findings) -> SetParams {
    let Some(block) = Block::open(node, "`set`", &[grammar::SET], findings) else {
        return SetParams::default();
    };
    let thinking = block.get("thinking").and_then(|node| {
        let is_budget = node.text().is_some_and(|text| text.starts_with(|first: char| first.is_ascii_digit()));
        if is_budget {
            block.count("thinking", findings).map(ThinkingLevel::Budget)
        } else {
            word(node, "`thinking`", &ThinkingLevel::NAMED, findings)
        }
    });
    let max_tokens = block.count("max_tokens", findings);
    SetParams { thinking, max_tokens }
}

/// Money is asked about: every model of the rule needs a price for both ends of a call.
fn unpriced(rule: &Rule, context: &RuleContext<'_>, findings: &mut Findings) {
    let asks = rule.prefer == Prefer::Cheapest || rule.want.iter().any(|want| asks_for_money(want.reads()));
    if !asks {
        return;
    }
    for index in rule.from.iter().chain(&rule.or_else) {
        let Some(model) = context.models.models.get(*index) else { continue };
        let quote = model.facts.quote(&Terms::default());
        if !quote.is_ok_and(|quote| expected_cost(&quote, 1, 1).is_ok()) {
            findings.error_hint(
                rule.pos,
                "unknown-price",
                format!("rule `{}` asks about money, but the price of `{}` is not known", rule.name, model.alias),
                "say its `price:` under `models`",
            );
        } else if let Err(error) = model.facts.quote(&Terms::at(context.today.saturating_mul(DAY_MS))) {
            // Prices are of days: requests of today would all find it without one.
            findings.warning(
                rule.pos,
                "unknown-price",
                format!("rule `{}` asks about money, and of `{}` {error}", rule.name, model.alias),
                "its candidates are rejected as `unknown-price`: bring the catalogue up to date, or say its `price:`",
            );
        }
    }
}
