//! Numbers that `quality` is compared with while it is a prior.
//!
//! Refuses: preferences and orders, which is what a prior is good for.

use super::Site;
use super::places::{pos_of, written};
use crate::policy::diagnostics::Findings;
use crate::policy::expr::Op;
use crate::policy::facts::FactId;
use crate::policy::model::Policy;
use crate::quality::Evidence;

/// Looks at the conditions on candidates of an expression.
pub(super) fn priors(policy: &Policy, site: &Site<'_>, findings: &mut Findings) {
    if !site.is_condition || !policy.models.iter().any(|model| model.evidence == Evidence::Prior) {
        return;
    }
    let nodes = site.program.nodes();
    let is_quality = |node: &u32| {
        let node = usize::try_from(*node).ok().and_then(|node| nodes.get(node));
        matches!(node, Some(Op::Fact(FactId::Quality)))
    };
    for (place, op) in nodes.iter().enumerate() {
        let is_floor = match op {
            Op::Compare(_, left, right) => is_quality(left) || is_quality(right),
            Op::InRange { item, .. } | Op::OneOf(item, _) => is_quality(item),
            _ => false,
        };
        if is_floor {
            let span = site.program.span(place);
            let text = written(site.program, span);
            findings.warning(
                pos_of(site.node, site.program, span),
                "floor-on-prior",
                format!(
                    "{}: `{text}` measures a prior: no answer was graded, and only its order means something",
                    site.what
                ),
                "say what you mean in `difficulty` and `model.rank`, such as `difficulty <= 0.5 or model.rank >= 2`",
            );
        }
    }
}
