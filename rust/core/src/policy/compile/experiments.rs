//! `experiments`: arms of a rule, and whose calls share one.

use super::block::{Block, is_name, items, millionths, named_members, shown, text};
use super::models::Defined;
use crate::policy::diagnostics::{Findings, suggestion};
use crate::policy::expr::Names;
use crate::policy::grammar;
use crate::policy::model::{Experiment, Rule};
use crate::policy::source::Node;

/// The whole, in millionths.
const WHOLE: i64 = 1_000_000;

/// Reads `experiments`; `rules` are those of the policy, `otherwise` among them.
pub(super) fn experiments(
    node: &Node,
    models: &Defined,
    rules: &[Rule],
    names: &mut Names,
    findings: &mut Findings,
) -> Vec<Experiment> {
    let mut found: Vec<Experiment> = Vec::new();
    for item in items(node, "`experiments`", false, findings) {
        let Some(block) = Block::open(item, "an experiment", &[grammar::EXPERIMENT], findings) else { continue };
        let name = block.need("name", "an experiment", findings).and_then(|node| {
            let name = text(node, "`name`", findings)?;
            if !is_name(name) {
                let hint = "a name starts with a letter and holds letters, digits, `-` and `_`";
                findings.error_hint(node.pos, "bad-value", format!("`{name}` is not a name"), hint);
                return None;
            }
            Some(name)
        });
        let rule = block.need("in", "an experiment", findings).and_then(|node| rule_of(node, rules, findings));
        let by = block.need("by", "an experiment", findings).and_then(|node| unit(node, names, findings));
        let arms = block.need("arms", "an experiment", findings).and_then(|node| {
            let rule = rule.and_then(|rule| rules.get(rule));
            arms(node, rule, models, findings)
        });
        let (Some(name), Some(rule), Some(by), Some(arms)) = (name, rule, by, arms) else { continue };
        if found.iter().any(|known| known.name == name) {
            findings.error(block.key_pos("name"), "duplicate-name", format!("two experiments are called `{name}`"));
        } else if let Some(other) = found.iter().find(|known| known.rule == rule) {
            findings.error_hint(
                block.key_pos("in"),
                "duplicate-name",
                format!("experiment `{}` is in this rule already", other.name),
                "a rule has one experiment: split the rule, or give the one more arms",
            );
        } else {
            found.push(Experiment { name: name.to_owned(), rule, by, arms });
        }
    }
    found
}

fn rule_of(node: &Node, rules: &[Rule], findings: &mut Findings) -> Option<usize> {
    let name = text(node, "`in`", findings)?;
    let index = rules.iter().position(|rule| rule.name == name);
    // A rule that was refused has its findings.
    if index.is_none() && !rules.iter().any(|rule| rule.name == "?") {
        let hint = suggestion(name, rules.iter().map(|rule| rule.name.as_str())).unwrap_or_default();
        findings.error_hint(node.pos, "unknown-name", format!("`in` names `{name}`, which is no rule"), hint);
    }
    index
}

/// What calls have in common that belong together: a value of `meta`, by its key. `session` and `user` are short for
/// `meta.session` and `meta.user`.
pub(super) fn unit(node: &Node, names: &mut Names, findings: &mut Findings) -> Option<String> {
    let said = text(node, "`by`", findings)?;
    let key = match said {
        "session" | "user" => Some(said),
        _ => said.strip_prefix("meta.").filter(|key| is_name(key)),
    };
    let Some(key) = key else {
        let hint = suggestion(said, ["session", "user"])
            .filter(|hint| hint.starts_with("did"))
            .unwrap_or_else(|| "`session`, `user`, or a value of `meta`, such as `meta.team`".to_owned());
        findings.error_hint(node.pos, "bad-value", format!("`by` cannot be {}", shown(node)), hint);
        return None;
    };
    if !names.meta.iter().any(|known| known == key) {
        names.meta.push(key.to_owned());
    }
    Some(key.to_owned())
}

/// The arms in the order of their names: who is in which does not depend on the order in the file.
fn arms(
    node: &Node,
    rule: Option<&Rule>,
    Defined { models, broken, .. }: &Defined,
    findings: &mut Findings,
) -> Option<Vec<(usize, i64)>> {
    let members = named_members(node, "`arms`", findings);
    let mut arms: Vec<(&str, usize, i64)> = Vec::new();
    let mut is_whole = true;
    for (key, value) in &members {
        let share = millionths(value, &format!("the share of arm `{}`", key.name), "", findings);
        if share.is_some_and(|share| share == 0 || share > WHOLE) {
            let message = format!("the share of arm `{}` must be above 0% and at most 100%", key.name);
            findings.error_hint(value.pos, "bad-value", message, "leave out an arm that nobody is in");
            is_whole = false;
            continue;
        }
        let model = models.iter().position(|model| model.alias == key.name);
        let in_rule = |model: usize| rule.is_none_or(|rule| rule.from.contains(&model));
        match model.filter(|model| in_rule(*model)) {
            Some(model) => arms.extend(share.map(|share| (key.name.as_str(), model, share))),
            None if broken.contains(&key.name) => {}
            None => {
                let of_rule = rule.map_or_else(
                    || models.iter().map(|model| model.alias.as_str()).collect::<Vec<_>>(),
                    |rule| rule.from.iter().filter_map(|model| Some(models.get(*model)?.alias.as_str())).collect(),
                );
                let whose = rule.map_or("this policy", |rule| rule.name.as_str());
                let hint = suggestion(&key.name, of_rule).unwrap_or_else(|| "name it in `from`".to_owned());
                let message = format!("arm `{}` is no model that `from` of `{whose}` names", key.name);
                findings.error_hint(key.pos, "unknown-name", message, hint);
            }
        }
        is_whole &= share.is_some();
    }
    if arms.len() != members.len() || !is_whole {
        return None;
    }
    let sum: i64 = arms.iter().map(|(_, _, share)| share).sum();
    if sum != WHOLE {
        let (whole, rest) = (sum / 10_000, sum % 10_000);
        let shown = if rest == 0 { format!("{whole}%") } else { format!("{whole}.{rest:04}%") };
        findings.error_hint(
            node.pos,
            "bad-value",
            format!("the shares of the arms add up to {shown}, not to 100%"),
            "such as { sonnet: 90%, opus: 10% }",
        );
        return None;
    }
    if arms.len() < 2 {
        findings.error_hint(
            node.pos,
            "bad-value",
            "an experiment has at least two arms",
            "such as { sonnet: 90%, opus: 10% }",
        );
        return None;
    }
    arms.sort_unstable();
    Some(arms.into_iter().map(|(_, model, share)| (model, share)).collect())
}
