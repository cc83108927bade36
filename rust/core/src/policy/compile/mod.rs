//! A tree to a policy: every block read, every name resolved, every expression compiled; all findings at once.

mod block;
mod budgets;
mod clients;
mod experiments;
mod file_tests;
mod hoisted;
mod models;
mod pools;
mod reach;
mod rules;
mod settings;
mod sticky;

use crate::catalog::Catalog;
use crate::control::reservations::Zone;
use crate::policy::clients::Clients;
use crate::policy::diagnostics::{Finding, Findings, did_you_mean};
use crate::policy::expr::{self, Names, Program};
use crate::policy::extend::extend;
use crate::policy::facts::{FactId, Scope, Type, fact};
use crate::policy::grammar;
use crate::policy::lints;
use crate::policy::model::{Accept, NamedFact, Policy};
use crate::policy::source::{Node, NodeValue, Row, canonical, tree};
use block::{Block, expression, named_members, text, word};
use budgets::{BudgetContext, budgets, limits};
use clients::clients;
use experiments::experiments;
use file_tests::{Known, tests};
use hoisted::{classifies, fleets, names_deployments, shown, strongest};
use models::models;
use pools::pools;
use rules::{RuleContext, require, rules};
use settings::{accept, escalate, run};
use sticky::sticky;

/// The version of the language.
const VERSION: &str = "1";

/// Checks a policy of one file and compiles it; see [`compile_extending`].
///
/// # Errors
/// As [`compile_extending`] has them.
pub fn compile(rows: &[Row], catalog: &Catalog, today: i64) -> Result<(Policy, Vec<Finding>), Vec<Finding>> {
    compile_extending(rows, &[], catalog, today)
}

/// As [`compile_with_zones`], for a policy that names no time zone but `UTC` and offsets.
///
/// # Errors
/// As [`compile_with_zones`] has them.
pub fn compile_extending(
    rows: &[Row],
    bases: &[Vec<Row>],
    catalog: &Catalog,
    today: i64,
) -> Result<(Policy, Vec<Finding>), Vec<Finding>> {
    compile_with_zones(rows, bases, &[], catalog, today)
}

/// Checks a policy and compiles it: its own file, and those that it extends, the nearest first. Tests in the files are
/// compiled, not run. The positions of the rows say which file they are of.
///
/// `today` is in days since 1970: models that are retired by then are refused. `zones` are the time zones that its budgets
/// may name.
///
/// # Errors
/// All findings, in the order of the files, when one of them is an error; else the policy comes with its warnings.
pub fn compile_with_zones(
    rows: &[Row],
    bases: &[Vec<Row>],
    zones: &[Zone],
    catalog: &Catalog,
    today: i64,
) -> Result<(Policy, Vec<Finding>), Vec<Finding>> {
    let mut findings = Findings::default();
    let mut root = None;
    for rows in bases.iter().rev().map(Vec::as_slice).chain([rows]) {
        let file = tree(rows).map_err(|finding| vec![finding])?;
        lints::secrets(&file, &mut findings);
        version(&file, &mut findings);
        root = Some(match root {
            None => file,
            Some(base) => extend(file, base),
        });
    }
    let policy =
        root.as_ref().and_then(|root| compile_root(root, bases.is_empty(), zones, catalog, today, &mut findings));
    // What conditions mean is only clear once all of them can be read.
    if let (Some(policy), Some(root)) = (policy.as_ref().filter(|_| !findings.has_errors()), &root) {
        lints::lint(policy, root, &mut findings);
    }
    match policy {
        Some(policy) if !findings.has_errors() => Ok((policy, findings.into_sorted())),
        _ => Err(findings.into_sorted()),
    }
}

fn compile_root(
    root: &Node,
    is_whole: bool,
    zones: &[Zone],
    catalog: &Catalog,
    today: i64,
    findings: &mut Findings,
) -> Option<Policy> {
    let block = Block::open(root, "a policy", &[grammar::POLICY], findings)?;
    if let Some(node) = block.get("extends").filter(|_| is_whole)
        && text(node, "`extends`", findings).is_some()
    {
        findings.error_hint(
            node.pos,
            "bad-extends",
            "what `extends` names was not read: this policy was given without a folder",
            "load it from its file",
        );
    }
    let name = block.need("name", "a policy", findings).and_then(|node| {
        let name = text(node, "`name`", findings)?;
        if name.trim().is_empty() {
            findings.error(node.pos, "bad-value", "the policy's `name` is empty");
        }
        Some(name)
    });
    if let Some(node) = block.get("description") {
        text(node, "`description`", findings);
    }
    let models_node = block.need("models", "a policy", findings);
    let mut models = models_node.map(|node| models(node, catalog, today, findings)).unwrap_or_default();
    let pools = block.get("pools").map(|node| pools(node, &models, findings)).unwrap_or_default();
    for (index, model) in models.models.iter_mut().enumerate() {
        let place = pools.iter().find_map(|pool| pool.models.iter().position(|member| *member == index));
        model.rank = u32::try_from(place.unwrap_or(index) + 1).unwrap_or(u32::MAX);
    }
    let mut names = Names {
        models: models
            .models
            .iter()
            .map(|model| model.alias.to_string())
            .chain(models.broken.iter().cloned())
            .collect(),
        deployments: models.deployments.iter().map(|deployment| deployment.name.clone()).collect(),
        ..Names::default()
    };
    let budget_context = BudgetContext { models: &models, pools: &pools, zones };
    let budgets =
        block.get("budgets").map(|node| budgets(node, &budget_context, &mut names, findings)).unwrap_or_default();
    let limits =
        block.get("limits").map(|node| limits(node, &budget_context, &mut names, findings)).unwrap_or_default();
    let facts = block.get("facts").map(|node| facts(node, &mut names, findings)).unwrap_or_default();
    let required = block.get("require").map(|node| require(node, &mut names, findings)).unwrap_or_default();
    let unknown =
        block.get("unknown").and_then(|node| word(node, "`unknown`", &grammar::UNKNOWN, findings)).unwrap_or_default();
    let run = block.get("run").map(|node| run(node, None, findings)).unwrap_or_default();
    let sticky = block.get("sticky").and_then(|node| sticky(node, &mut names, findings));
    let context = RuleContext { models: &models, pools: &pools, run, sticky: sticky.as_ref(), today };
    let rules = rules(&block, &context, &mut names, findings);
    names.rules = rules.iter().map(|rule| rule.name.to_string()).collect();
    let experiments = block
        .get("experiments")
        .map(|node| experiments(node, &models, &rules, &mut names, findings))
        .unwrap_or_default();
    let known = Known {
        models: &models.models,
        deployments: &models.deployments,
        broken: &models.broken,
        sticks: rules.iter().any(|rule| rule.sticky.is_some()),
        budgets: &budgets,
    };
    let accept = block.get("accept").map(|node| accept(node, findings));
    let escalate = block.get("escalate").and_then(|node| escalate(node, findings)).unwrap_or_default();
    let tests = block.get("tests").map(|node| tests(node, &known, &mut names, findings)).unwrap_or_default();
    let mut policy = Policy {
        classifies: classifies(&facts, &required, &rules),
        shown: shown(&rules, &facts, &names.meta, &budgets),
        strongest: strongest(&models.models, &pools, &rules),
        ranks: models.models.iter().map(|model| model.rank).max().unwrap_or(1),
        fleets: fleets(&models, names_deployments(&required, &rules)),
        name: name?.into(),
        hash: blake3::hash(canonical(root).as_bytes()).to_hex().as_str().into(),
        models: models.models,
        deployments: models.deployments,
        pools,
        facts,
        require: required,
        rules,
        unknown,
        // What every caller means by an answer; a policy that wants less says so.
        accept: accept.unwrap_or_else(|| vec![Accept::NotEmpty]),
        escalate,
        run,
        experiments,
        budgets,
        limits,
        tests,
        meta_keys: names.meta,
        clients: Clients::default(),
        named: None,
    };
    if let Some(node) = block.get("clients") {
        policy.clients = clients(node, &policy, findings);
    }
    Some(policy)
}

/// Each file says its version, also one that another extends.
fn version(file: &Node, findings: &mut Findings) {
    let NodeValue::Map(members) = &file.value else { return };
    let hint = format!("write `turnout: {VERSION}`");
    match members.iter().find(|(key, _)| key.name == "turnout") {
        Some((_, node)) if node.text() == Some(VERSION) => {}
        Some((_, node)) => {
            let message = format!("this release reads version {VERSION} of the language");
            findings.error_hint(node.pos, "unsupported-version", message, hint);
        }
        // A misspelt one is reported as that.
        None if members
            .iter()
            .any(|(key, _)| did_you_mean(&key.name, grammar::POLICY.iter().map(|row| row.name)) == Some("turnout")) => {
        }
        None => {
            let hint = format!("{hint}, the version of the language");
            findings.error_hint(file.pos, "missing-key", "a policy needs `turnout`", hint);
        }
    }
}

/// Whether a program reads `tokens`, itself or by the facts above it. Of a policy whose facts all compile, an index is
/// that of the fact.
fn reads_tokens(program: &Program, facts: &[NamedFact]) -> bool {
    program.reads().iter().any(|fact| match fact {
        FactId::Tokens => true,
        FactId::Named(index) => facts.get(usize::from(*index)).is_some_and(|fact| fact.reads_tokens),
        _ => false,
    })
}

/// Facts may use those above them only, so there are no cycles.
fn facts(node: &Node, names: &mut Names, findings: &mut Findings) -> Vec<NamedFact> {
    let mut facts: Vec<NamedFact> = Vec::new();
    let members = named_members(node, "`facts`", findings);
    for (key, value) in &members {
        if key.name.contains(['-', '.']) {
            findings.error_hint(
                key.pos,
                "bad-value",
                format!("fact `{}` could not be used in an expression", key.name),
                "use letters, digits and `_`",
            );
            continue;
        }
        if expr::KEYWORDS.contains(&key.name.as_str()) {
            findings.error(
                key.pos,
                "bad-value",
                format!("`{}` is a word of the language, no name for a fact", key.name),
            );
            continue;
        }
        if fact(&key.name).is_some() || key.name == "meta" {
            findings.error(key.pos, "duplicate-name", format!("`{}` is a fact of the language already", key.name));
            continue;
        }
        let what = format!("fact `{}`", key.name);
        let mut local = Findings::default();
        let compiled = expression(value, &what, Scope::Request, None, names, &mut local);
        for mut finding in local.into_sorted() {
            let later =
                members.iter().find(|(other, _)| finding.message.ends_with(&format!("no fact `{}`", other.name)));
            if let Some((other, _)) = later {
                finding.code = "fact-cycle";
                finding.message = format!("{what}: `{}` is not defined above it", other.name);
                finding.hint = Some(format!("a fact may use those above it; move `{}` up", other.name));
            }
            findings.add(finding);
        }
        if compiled.as_ref().is_some_and(|(_, ty)| *ty == Type::Prompt) {
            findings.error_hint(
                value.pos,
                "type-mismatch",
                format!("{what}: the prompt has no other name"),
                "look into it with a function, such as contains(prompt, \"refund\")",
            );
        }
        // A fact that failed still has its name, so that its uses are not reported too.
        let ty = compiled.as_ref().map_or(Type::Bool, |(_, ty)| *ty);
        names.facts.push((key.name.clone(), ty));
        if let Some((program, ty)) = compiled {
            let reads_tokens = reads_tokens(&program, &facts);
            facts.push(NamedFact { name: key.name.clone(), ty, program, reads_tokens });
        }
    }
    facts
}
