//! Providers and regions that no model of the policy has.

use super::Site;
use super::places::pos_of;
use crate::policy::diagnostics::{Findings, did_you_mean};
use crate::policy::expr::{CmpOp, Op};
use crate::policy::facts::{FactId, fact_name};
use crate::policy::model::Policy;

/// Looks at the texts that an expression compares providers and regions with; whether there is something to say.
pub(super) fn words(policy: &Policy, site: &Site<'_>, findings: &mut Findings) -> bool {
    let nodes = site.program.nodes();
    let get = |node: u32| usize::try_from(node).ok().and_then(|node| Some((node, nodes.get(node)?)));
    let mut is_said = false;
    let mut look = |subject: u32, word: u32| {
        let (Some((_, Op::Fact(fact))), Some((place, Op::Text(text)))) = (get(subject), get(word)) else { return };
        let known: Vec<&str> = match fact {
            FactId::ModelProvider => policy.models.iter().map(|model| model.facts.provider.as_str()).collect(),
            FactId::DeploymentRegion => {
                policy.deployments.iter().filter_map(|deployment| deployment.region.as_deref()).collect()
            }
            _ => return,
        };
        if known.contains(&text.as_ref()) {
            return;
        }
        let name = fact_name(*fact).unwrap_or_default();
        let thing = if *fact == FactId::ModelProvider { "model" } else { "deployment" };
        let mut all: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
        all.sort_unstable();
        all.dedup();
        let hint = match did_you_mean(text, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if all.is_empty() => "say it under `models`, such as `region: eu`".to_owned(),
            None => format!("here it is one of {}", all.join(", ")),
        };
        let pos = pos_of(site.node, site.program, site.program.span(place));
        let message = format!("{}: no {thing} of this policy has `{name}` \"{text}\"", site.what);
        findings.warning(pos, "unknown-value", message, hint);
        is_said = true;
    };
    for op in nodes {
        match op {
            Op::Compare(CmpOp::Eq | CmpOp::Ne, left, right) => {
                look(*left, *right);
                look(*right, *left);
            }
            Op::OneOf(item, options) => options.iter().for_each(|option| look(*item, *option)),
            _ => {}
        }
    }
    is_said
}
