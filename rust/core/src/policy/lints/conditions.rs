//! Conditions, and parts of them, that never hold, always hold, or change nothing beside the rest.

use super::Site;
use super::places::{pos_of, written};
use super::region::Region;
use super::truth::{Meaning, Reader, Truth};
use crate::policy::diagnostics::Findings;
use crate::policy::expr::{Op, Program};
use crate::policy::facts::fact_name;

/// Looks at one expression; whether there is something to say.
pub(super) fn conditions(reader: &mut Reader<'_>, site: &Site<'_>, findings: &mut Findings) -> bool {
    if !site.is_condition {
        return false;
    }
    let meanings = reader.nodes(site.program);
    let Some(last) = site.program.nodes().len().checked_sub(1) else { return false };
    let mut walk = Walk { reader, site, meanings, findings };
    walk.visit(last)
}

struct Walk<'w, 'p> {
    reader: &'w mut Reader<'p>,
    site: &'w Site<'w>,
    meanings: Vec<Meaning>,
    findings: &'w mut Findings,
}

fn operands(op: &Op) -> Vec<usize> {
    let index = |node: &u32| usize::try_from(*node).ok();
    match op {
        Op::And(nodes) | Op::Or(nodes) => nodes.iter().filter_map(index).collect(),
        Op::Not(node) => index(node).into_iter().collect(),
        _ => Vec::new(),
    }
}

impl Walk<'_, '_> {
    fn program(&self) -> &Program {
        self.site.program
    }

    fn written(&self, node: usize) -> String {
        written(self.program(), self.program().span(node))
    }

    fn warn(&mut self, node: usize, code: &'static str, message: &str, hint: String) -> bool {
        let pos = pos_of(self.site.node, self.program(), self.program().span(node));
        self.findings.warning(pos, code, format!("{}: {message}", self.site.what), hint);
        true
    }

    /// The smallest parts first: what is said of one is not said again of the whole.
    fn visit(&mut self, node: usize) -> bool {
        let Some(op) = self.program().nodes().get(node) else { return false };
        let operands = operands(op);
        let is_join = matches!(op, Op::And(_) | Op::Or(_));
        let mut is_said = false;
        for operand in &operands {
            is_said |= self.visit(*operand);
        }
        is_said
            || self.needless_default(node)
            || self.constant(node, &operands)
            || (is_join && self.idle(node, &operands))
    }

    /// `tokens ?? 0`: what is always known needs no default.
    fn needless_default(&mut self, node: usize) -> bool {
        let index = |node: u32| usize::try_from(node).unwrap_or(usize::MAX);
        let nodes = self.program().nodes();
        let sides: Vec<usize> = match nodes.get(node) {
            Some(Op::Coalesce(..)) => vec![node],
            Some(Op::Compare(_, left, right)) => vec![index(*left), index(*right)],
            Some(Op::InRange { item, .. } | Op::OneOf(item, _)) => vec![index(*item)],
            _ => return false,
        };
        for side in sides {
            let Some(Op::Coalesce(first, _)) = self.program().nodes().get(side) else { continue };
            let Some(Op::Fact(fact)) = self.program().nodes().get(index(*first)) else { continue };
            let fact = *fact;
            if self.reader.can_be_unknown(fact) {
                continue;
            }
            let name = fact_name(fact).unwrap_or("it");
            let message = format!("`{name}` is always known: the value behind `??` is never used");
            return self.warn(side, "redundant-condition", &message, format!("write `{name}`"));
        }
        false
    }

    /// A part that never holds, or always.
    fn constant(&mut self, node: usize, operands: &[usize]) -> bool {
        let nodes = self.program().nodes();
        // What a fact of the policy is, is said where it is defined; what reads nothing is a constant on purpose.
        if matches!(nodes.get(node), None | Some(Op::Bool(_) | Op::Num(_) | Op::Text(_) | Op::Fact(_))) {
            return false;
        }
        let Some(truth) = self.meanings.get(node).and_then(Meaning::truth).cloned() else { return false };
        if !self.reads(node) {
            return false;
        }
        let text = self.written(node);
        if truth.yes.is_empty() {
            let (message, hint) = match self.clash(node, operands) {
                Some((one, other)) => (
                    format!("`{text}` never holds: `{one}` and `{other}` exclude each other"),
                    "write `or` if either will do, or change one of them",
                ),
                None => (format!("`{text}` never holds"), "no request has such a value; change it or leave it out"),
            };
            return self.warn(node, "never-true", &message, hint.to_owned());
        }
        if truth.yes.covers(&Region::all(), self.reader.rested()) == Some(true) {
            let hint = "every request has such a value; change it or leave it out".to_owned();
            return self.warn(node, "always-true", &format!("`{text}` always holds"), hint);
        }
        false
    }

    /// Two operands of an `and` that exclude each other.
    fn clash(&mut self, node: usize, operands: &[usize]) -> Option<(String, String)> {
        if !matches!(self.program().nodes().get(node), Some(Op::And(_))) {
            return None;
        }
        for (place, one) in operands.iter().enumerate() {
            for other in operands.get(..place).unwrap_or_default() {
                let (a, b) = (self.truth(*one)?, self.truth(*other)?);
                if a.yes.and(&b.yes, self.reader.rested())?.is_empty() {
                    return Some((self.written(*other), self.written(*one)));
                }
            }
        }
        None
    }

    fn truth(&mut self, node: usize) -> Option<Truth> {
        let meaning = self.meanings.get(node)?.clone();
        self.reader.condition(&meaning)
    }

    /// An operand without which the whole has the same value everywhere.
    fn idle(&mut self, node: usize, operands: &[usize]) -> bool {
        let is_or = matches!(self.program().nodes().get(node), Some(Op::Or(_)));
        // `a or b` is looked at as `not (not a and not b)`.
        let truths: Option<Vec<Truth>> = operands
            .iter()
            .map(|operand| {
                let truth = self.truth(*operand)?;
                Some(if is_or { Truth { yes: truth.no, no: truth.yes } } else { truth })
            })
            .collect();
        let Some(truths) = truths else { return false };
        let mut kept: Vec<usize> = (0..operands.len()).collect();
        let mut is_said = false;
        for place in (0..operands.len()).rev() {
            let others: Vec<usize> = kept.iter().copied().filter(|other| *other != place).collect();
            let alone = others.iter().find(|other| self.changes_nothing(&truths, place, &[**other]) == Some(true));
            let by_all = alone.is_none() && self.changes_nothing(&truths, place, &others) == Some(true);
            let (Some(operand), true) = (operands.get(place), alone.is_some() || by_all) else { continue };
            let text = self.written(*operand);
            let reason = match alone.and_then(|other| operands.get(*other)) {
                Some(other) => format!("`{}` says it already", self.written(*other)),
                None => "the rest says it already".to_owned(),
            };
            let hint = format!("leave out `{text}`, or change it");
            is_said |= self.warn(*operand, "redundant-condition", &format!("`{text}` changes nothing: {reason}"), hint);
            kept.retain(|other| *other != place);
        }
        is_said
    }

    /// Whether an operand of an `and` is true where the others are, and false only where they are.
    fn changes_nothing(&mut self, truths: &[Truth], place: usize, others: &[usize]) -> Option<bool> {
        let own = truths.get(place)?;
        let space = self.reader.rested();
        let (mut yes, mut no) = (Region::all(), Region::default());
        for other in others {
            let other = truths.get(*other)?;
            yes = yes.and(&other.yes, space)?;
            no = no.or(&other.no)?;
        }
        Some(!others.is_empty() && own.yes.covers(&yes, space)? && no.covers(&own.no, space)?)
    }

    /// Whether a part looks at a fact.
    fn reads(&self, node: usize) -> bool {
        let index = |node: &u32| usize::try_from(*node).unwrap_or(usize::MAX);
        match self.program().nodes().get(node) {
            None | Some(Op::Bool(_) | Op::Num(_) | Op::Text(_)) => false,
            Some(Op::Fact(_) | Op::Matches(_)) => true,
            Some(Op::Not(operand) | Op::IsKnown(operand)) => self.reads(index(operand)),
            Some(Op::And(operands) | Op::Or(operands)) => operands.iter().any(|operand| self.reads(index(operand))),
            Some(Op::Compare(_, one, other) | Op::Coalesce(one, other)) => {
                self.reads(index(one)) || self.reads(index(other))
            }
            Some(Op::OneOf(item, options)) => {
                self.reads(index(item)) || options.iter().any(|option| self.reads(index(option)))
            }
            Some(Op::InRange { item, low, high, .. }) => {
                [item, low, high].iter().any(|operand| self.reads(index(operand)))
            }
        }
    }
}
