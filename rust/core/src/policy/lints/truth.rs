//! Where a condition is true, where it is false, and (everywhere else) where it is unknown.
//!
//! Promises: exact for everything that compares facts with constants, whatever `and`, `or`, `not`, `??` and `is known` make of
//! it. A fact that may be an estimate has two ends of its own. What cannot be looked into (patterns, facts compared with
//! facts) is a question with any answer, the same wherever it is asked, so that the regions hold at least every request
//! that there is.
//!
//! Refuses: more boxes than [`super::region::MAX_BOXES`], or more work than a program is allowed; the meaning is then none.
//!
//! A test breaks it with an assignment of values for which the program's value is not what the regions say.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::region::{Axis, Cube, Region, Space};
use super::universe::{can_be_estimate, unit, universe};
use super::values::{Nums, Texts, Values};
use crate::policy::NamedFact;
use crate::policy::expr::{CmpOp, Op, Program, Tri};
use crate::policy::facts::{FACTS, FactId, Scope, Type};

/// How many boxes the analysis of one condition may make: a fraction of a millisecond.
const WORK: usize = 4096;

/// Where a condition is true and where it is false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Truth {
    pub yes: Region,
    pub no: Region,
}

impl Truth {
    fn constant(value: Tri) -> Self {
        let pick = |wanted: Tri| if value == wanted { Region::all() } else { Region::default() };
        Self { yes: pick(Tri::True), no: pick(Tri::False) }
    }

    fn negated(&self) -> Self {
        Self { yes: self.no.clone(), no: self.yes.clone() }
    }

    /// Where it is not false.
    pub fn open(&self, space: &mut Space) -> Option<Region> {
        Region::all().minus(&self.no, space)
    }
}

/// A constant, with texts by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Constant {
    Unknown,
    Bool(bool),
    Num(i64),
    Text(String),
}

/// What a value is: a constant, or whatever a fact is.
#[derive(Debug, Clone)]
pub(super) enum Term {
    Constant(Constant),
    Fact(FactId),
}

/// A value, by cases that exclude each other.
pub(super) type Cases = Vec<(Region, Term)>;

/// What a node of a program means.
#[derive(Debug, Clone)]
pub(super) enum Meaning {
    Truth(Rc<Truth>),
    Value(Rc<Cases>),
    /// Too much to say.
    Unclear,
}

impl Meaning {
    pub fn truth(&self) -> Option<&Rc<Truth>> {
        match self {
            Self::Truth(truth) => Some(truth),
            _ => None,
        }
    }
}

/// Reads programs.
pub(super) struct Reader<'p> {
    facts: &'p [NamedFact],
    /// Facts that are constants in the case at hand: those of a candidate, or of a decision.
    fixed: Rc<BTreeMap<FactId, Constant>>,
    /// What each fact can be at most.
    space: Space,
    texts: BTreeMap<String, u32>,
    questions: BTreeMap<(FactId, String), u32>,
    named: BTreeMap<u16, Meaning>,
    limits: BTreeMap<FactId, Vec<String>>,
}

impl<'p> Reader<'p> {
    /// `limits`: the texts that some facts can have in this policy.
    pub fn new(facts: &'p [NamedFact], limits: BTreeMap<FactId, Vec<String>>) -> Self {
        Self {
            facts,
            fixed: Rc::default(),
            space: Space { universe: BTreeMap::new(), work: WORK },
            texts: BTreeMap::new(),
            questions: BTreeMap::new(),
            named: BTreeMap::new(),
            limits,
        }
    }

    /// Allows the work of another question.
    pub fn rested(&mut self) -> &mut Space {
        self.space.work = WORK;
        &mut self.space
    }

    /// What each node of a program means, in the order of its nodes.
    pub fn nodes(&mut self, program: &Program) -> Vec<Meaning> {
        self.rested();
        self.read(program)
    }

    /// Where a program is true and false.
    pub fn truth(&mut self, program: &Program) -> Option<Rc<Truth>> {
        match self.nodes(program).pop()? {
            Meaning::Truth(truth) => Some(truth),
            Meaning::Value(cases) => self.as_truth(&cases).map(Rc::new),
            Meaning::Unclear => None,
        }
    }

    fn read(&mut self, program: &Program) -> Vec<Meaning> {
        let mut meanings: Vec<Meaning> = Vec::with_capacity(program.nodes().len());
        for op in program.nodes() {
            let meaning = self.op(op, &meanings).unwrap_or(Meaning::Unclear);
            meanings.push(meaning);
        }
        meanings
    }

    fn op(&mut self, op: &Op, known: &[Meaning]) -> Option<Meaning> {
        let get = |node: &u32| known.get(usize::try_from(*node).ok()?).cloned();
        let constant = |constant| Some(Meaning::Value(Rc::new(vec![(Region::all(), Term::Constant(constant))])));
        let truth = match op {
            Op::Bool(value) => return constant(Constant::Bool(*value)),
            Op::Num(value) => return constant(Constant::Num(*value)),
            Op::Text(text) => return constant(Constant::Text(text.to_string())),
            Op::Fact(fact) => return self.fact(*fact),
            Op::Coalesce(first, second) => {
                let (first, second) = (self.as_cases(&get(first)?)?, self.as_cases(&get(second)?)?);
                return Some(Meaning::Value(Rc::new(self.coalesce(&first, &second)?)));
            }
            Op::Not(operand) => self.condition(&get(operand)?)?.negated(),
            Op::And(operands) => {
                let operands = operands.iter().map(|node| self.condition(&get(node)?)).collect::<Option<Vec<_>>>()?;
                self.all(&operands)?
            }
            Op::Or(operands) => {
                let operands = operands
                    .iter()
                    .map(|node| Some(self.condition(&get(node)?)?.negated()))
                    .collect::<Option<Vec<_>>>()?;
                self.all(&operands)?.negated()
            }
            Op::Compare(op, left, right) => {
                let (left, right) = (self.as_cases(&get(left)?)?, self.as_cases(&get(right)?)?);
                self.compare(*op, &left, &right)?
            }
            Op::OneOf(item, options) => {
                let item = self.as_cases(&get(item)?)?;
                let mut none = Truth::constant(Tri::True);
                for option in options {
                    let option = self.as_cases(&get(option)?)?;
                    let other = self.compare(CmpOp::Ne, &item, &option)?;
                    none = self.all(&[none, other])?;
                }
                none.negated()
            }
            Op::InRange { item, low, high, wraps } => {
                let (item, low, high) =
                    (self.as_cases(&get(item)?)?, self.as_cases(&get(low)?)?, self.as_cases(&get(high)?)?);
                let from = self.compare(CmpOp::Ge, &item, &low)?;
                let below = self.compare(CmpOp::Lt, &item, &high)?;
                if *wraps { self.all(&[from.negated(), below.negated()])?.negated() } else { self.all(&[from, below])? }
            }
            Op::IsKnown(operand) => {
                let mut found = Truth::constant(Tri::Unknown);
                for (region, term) in self.as_cases(&get(operand)?)?.iter() {
                    let (known, unknown) = match term {
                        Term::Constant(Constant::Unknown) => (Region::default(), Region::all()),
                        Term::Constant(_) => (Region::all(), Region::default()),
                        Term::Fact(fact) => (self.known(*fact, true), self.known(*fact, false)),
                    };
                    found.yes = found.yes.or(&region.and(&known, &mut self.space)?)?;
                    found.no = found.no.or(&region.and(&unknown, &mut self.space)?)?;
                }
                found
            }
            Op::Matches(test) => match self.fixed.get(&test.fact) {
                Some(Constant::Text(text)) => Truth::constant(test.pattern.is_match(text).into()),
                Some(_) => Truth::constant(Tri::Unknown),
                None => self.question(test.fact, test.pattern.as_str().to_owned()),
            },
        };
        Some(Meaning::Truth(Rc::new(truth)))
    }

    /// A fact of the language is itself; one that the policy defines is what its program means.
    fn fact(&mut self, fact: FactId) -> Option<Meaning> {
        if let Some(constant) = self.fixed.get(&fact) {
            return Some(Meaning::Value(Rc::new(vec![(Region::all(), Term::Constant(constant.clone()))])));
        }
        let FactId::Named(index) = fact else {
            return Some(Meaning::Value(Rc::new(vec![(Region::all(), Term::Fact(fact))])));
        };
        if let Some(known) = self.named.get(&index) {
            return Some(known.clone());
        }
        let program = &self.facts.get(usize::from(index))?.program;
        let meaning = self.read(program).pop()?;
        self.named.insert(index, meaning.clone());
        Some(meaning)
    }

    fn as_cases(&mut self, meaning: &Meaning) -> Option<Rc<Cases>> {
        match meaning {
            Meaning::Value(cases) => Some(Rc::clone(cases)),
            Meaning::Truth(truth) => {
                let open = truth.open(&mut self.space)?.minus(&truth.yes, &mut self.space)?;
                let bool = |value| Term::Constant(Constant::Bool(value));
                Some(Rc::new(vec![
                    (truth.yes.clone(), bool(true)),
                    (truth.no.clone(), bool(false)),
                    (open, Term::Constant(Constant::Unknown)),
                ]))
            }
            Meaning::Unclear => None,
        }
    }

    /// What a node means where a condition stands.
    pub fn condition(&mut self, meaning: &Meaning) -> Option<Truth> {
        match meaning {
            Meaning::Truth(truth) => Some((**truth).clone()),
            Meaning::Value(cases) => self.as_truth(cases),
            Meaning::Unclear => None,
        }
    }

    /// A value where a condition stands: what is neither true nor false is unknown.
    fn as_truth(&mut self, cases: &Cases) -> Option<Truth> {
        let mut found = Truth::constant(Tri::Unknown);
        for (region, term) in cases {
            let truth = match term {
                Term::Constant(Constant::Bool(value)) => Truth::constant((*value).into()),
                Term::Constant(_) => continue,
                Term::Fact(fact) => Truth {
                    yes: self.side(Axis::Fact(*fact), Values::flag(true)),
                    no: self.side(Axis::Fact(*fact), Values::flag(false)),
                },
            };
            found.yes = found.yes.or(&region.and(&truth.yes, &mut self.space)?)?;
            found.no = found.no.or(&region.and(&truth.no, &mut self.space)?)?;
        }
        Some(found)
    }

    fn coalesce(&mut self, first: &Cases, second: &Cases) -> Option<Cases> {
        let mut cases = Cases::new();
        for (region, term) in first {
            let open = match term {
                Term::Constant(Constant::Unknown) => region.clone(),
                Term::Constant(_) => {
                    cases.push((region.clone(), term.clone()));
                    continue;
                }
                Term::Fact(fact) => {
                    let known = self.known(*fact, true);
                    cases.push((region.and(&known, &mut self.space)?, term.clone()));
                    let unknown = self.known(*fact, false);
                    region.and(&unknown, &mut self.space)?
                }
            };
            for (other, term) in second {
                cases.push((open.and(other, &mut self.space)?, term.clone()));
            }
        }
        cases.retain(|(region, _)| !region.is_empty());
        Some(cases)
    }

    /// Kleene's `and`.
    fn all(&mut self, operands: &[Truth]) -> Option<Truth> {
        let mut found = Truth::constant(Tri::True);
        for operand in operands {
            found.yes = found.yes.and(&operand.yes, &mut self.space)?;
            found.no = found.no.or(&operand.no)?;
        }
        Some(found)
    }

    fn compare(&mut self, op: CmpOp, left: &Cases, right: &Cases) -> Option<Truth> {
        let mut found = Truth::constant(Tri::Unknown);
        for (one, left) in left {
            for (two, right) in right {
                let both = one.and(two, &mut self.space)?;
                if both.is_empty() {
                    continue;
                }
                let truth = match (left, right) {
                    (Term::Fact(fact), Term::Constant(constant)) => self.threshold(*fact, op, constant)?,
                    (Term::Constant(constant), Term::Fact(fact)) => self.threshold(*fact, op.flipped(), constant)?,
                    (Term::Constant(left), Term::Constant(right)) => Truth::constant(compare(op, left, right)),
                    (Term::Fact(left), Term::Fact(right)) => self.question(*left, format!("{} {right:?}", op.text())),
                };
                found.yes = found.yes.or(&both.and(&truth.yes, &mut self.space)?)?;
                found.no = found.no.or(&both.and(&truth.no, &mut self.space)?)?;
            }
        }
        Some(found)
    }

    /// A fact compared with a constant.
    fn threshold(&mut self, fact: FactId, op: CmpOp, constant: &Constant) -> Option<Truth> {
        let axis = Axis::Fact(fact);
        let is_equal = matches!(op, CmpOp::Eq);
        let (same, kind) = match constant {
            Constant::Unknown => return Some(Truth::constant(Tri::Unknown)),
            Constant::Bool(value) => (Values::flag(*value), Values::bools()),
            Constant::Text(text) => {
                let text = self.text(text);
                (Values::texts(Texts::of(vec![text])), Values::texts(Texts::all()))
            }
            Constant::Num(value) => return self.number(fact, op, *value),
        };
        if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
            return Some(Truth::constant(Tri::Unknown));
        }
        let other = kind.minus(&same);
        let (same, other) = (self.side(axis, same), self.side(axis, other));
        Some(if is_equal { Truth { yes: same, no: other } } else { Truth { yes: other, no: same } })
    }

    fn number(&mut self, fact: FactId, op: CmpOp, value: i64) -> Option<Truth> {
        let unit = unit(fact);
        // In units of the fact: the first that is not below the value, and the last that is not above it.
        let not_below = value.div_euclid(unit).checked_add(i64::from(value.rem_euclid(unit) != 0))?;
        let not_above = value.div_euclid(unit);
        let below = Nums::between(i64::MIN, not_below.checked_sub(1)?);
        let above = Nums::between(not_above.checked_add(1)?, i64::MAX);
        let (at_least, at_most) = (Nums::between(not_below, i64::MAX), Nums::between(i64::MIN, not_above));
        let (low, high) = if can_be_estimate(fact) {
            (Axis::Low(fact), Axis::High(fact))
        } else {
            (Axis::Fact(fact), Axis::Fact(fact))
        };
        let mut side = |axis, nums: &Nums| self.side(axis, Values::nums(nums.clone()));
        Some(match op {
            CmpOp::Lt => Truth { yes: side(high, &below), no: side(low, &at_least) },
            CmpOp::Ge => Truth { yes: side(low, &at_least), no: side(high, &below) },
            CmpOp::Gt => Truth { yes: side(low, &above), no: side(high, &at_most) },
            CmpOp::Le => Truth { yes: side(high, &at_most), no: side(low, &above) },
            CmpOp::Eq | CmpOp::Ne => {
                let (from, to) = (side(low, &at_least), side(high, &at_most));
                let other = side(high, &below).or(&side(low, &above))?;
                let same = from.and(&to, &mut self.space)?;
                let truth = Truth { yes: same, no: other };
                if op == CmpOp::Eq { truth } else { truth.negated() }
            }
        })
    }

    /// Where a fact is one of these values.
    #[allow(clippy::needless_pass_by_value, reason = "values are made where they are asked for")]
    pub fn side(&mut self, axis: Axis, values: Values) -> Region {
        let side = self.universe(axis).intersection(&values);
        Region::of(Cube::side(axis, side))
    }

    /// Whether some request does not have a fact.
    pub fn can_be_unknown(&mut self, fact: FactId) -> bool {
        matches!(fact, FactId::Named(_)) || !self.known(fact, false).is_empty()
    }

    /// Looks from now on at the case in which these facts are constants.
    pub fn fix(&mut self, fixed: Rc<BTreeMap<FactId, Constant>>) {
        // The policy's own facts look at the request alone: a candidate changes none of them.
        if [&self.fixed, &fixed].iter().any(|fixed| fixed.keys().any(|fact| is_of_request(*fact))) {
            self.named.clear();
        }
        self.fixed = fixed;
    }

    /// What an axis can be within a box.
    pub fn side_of(&mut self, cube: &Cube, axis: Axis) -> Values {
        cube.get(axis).cloned().unwrap_or_else(|| self.universe(axis))
    }

    fn known(&mut self, fact: FactId, is_known: bool) -> Region {
        let axis = if can_be_estimate(fact) { Axis::Low(fact) } else { Axis::Fact(fact) };
        self.side(axis, if is_known { Values::known() } else { Values::unknown() })
    }

    fn question(&mut self, fact: FactId, asked: String) -> Truth {
        let next = u32::try_from(self.questions.len()).unwrap_or(u32::MAX);
        let axis = Axis::Question(*self.questions.entry((fact, asked)).or_insert(next));
        Truth { yes: self.side(axis, Values::flag(true)), no: self.side(axis, Values::flag(false)) }
    }

    pub fn text(&mut self, text: &str) -> u32 {
        if let Some(known) = self.texts.get(text) {
            return *known;
        }
        let next = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.insert(text.to_owned(), next);
        next
    }

    fn universe(&mut self, axis: Axis) -> Values {
        if let Some(known) = self.space.universe.get(&axis) {
            return known.clone();
        }
        let values = match axis {
            Axis::Question(_) => Values::bools().or_unknown(),
            Axis::Fact(fact) | Axis::Low(fact) | Axis::High(fact) => {
                let ty = match fact {
                    FactId::Named(index) => self.facts.get(usize::from(index)).map_or(Type::Meta, |fact| fact.ty),
                    FactId::BudgetUsed(_) => Type::Number,
                    FactId::BudgetLeft(_) => Type::Money,
                    _ => Type::Meta,
                };
                let limits = self.limits.get(&fact).cloned();
                universe(fact, ty, limits.as_deref(), |text| self.text(text))
            }
        };
        // Both ends of an estimate have their universe: one is cut where only the other was asked for.
        if let Axis::Low(fact) | Axis::High(fact) = axis {
            self.space.universe.insert(Axis::Low(fact), values.clone());
            self.space.universe.insert(Axis::High(fact), values.clone());
        }
        self.space.universe.insert(axis, values.clone());
        values
    }
}

/// Whether a fact is there before any candidate is.
fn is_of_request(fact: FactId) -> bool {
    matches!(fact, FactId::Meta(_) | FactId::BudgetUsed(_) | FactId::BudgetLeft(_))
        || FACTS.iter().any(|row| row.id == fact && row.scope == Scope::Request)
}

fn compare(op: CmpOp, left: &Constant, right: &Constant) -> Tri {
    use crate::policy::expr::{Value, compare};
    fn value(constant: &Constant) -> Value<'_> {
        match constant {
            Constant::Unknown => Value::Unknown,
            Constant::Bool(value) => Value::Bool(*value),
            Constant::Num(value) => Value::Num(*value, *value),
            Constant::Text(text) => Value::Text(text),
        }
    }
    compare(op, value(left), value(right))
}
