//! The regions against the evaluator that decides: every assignment of small worlds, one by one.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::region::{Axis, Cube, Region};
use super::truth::{Reader, Truth};
use super::universe::{can_be_estimate, unit};
use super::values::{Nums, Texts, Values};
use crate::policy::NamedFact;
use crate::policy::expr::{Environment, Names, Program, Tri, Value, check, parse};
use crate::policy::facts::{FactId, Scope};

const M: i64 = 1_000_000;
const KEYS: [&str; 1] = ["x"];

/// An assignment of values to facts.
#[derive(Clone, Default)]
struct World<'v> {
    values: BTreeMap<FactId, Value<'v>>,
    facts: &'v [NamedFact],
}

impl Environment for World<'_> {
    fn fact(&self, fact: FactId) -> Value<'_> {
        match fact {
            FactId::Named(index) => self.facts[usize::from(index)].program.value(self),
            fact => self.values.get(&fact).copied().unwrap_or(Value::Unknown),
        }
    }
}

/// What the facts of the worlds can be: every constant of the generated conditions, its neighbours, and one more text.
fn domain(fact: FactId) -> Vec<Value<'static>> {
    let counts = |most: i64| (0..=most).map(|count| Value::Num(count * M, count * M));
    match fact {
        FactId::Tools => counts(4).collect(),
        FactId::MaxTokens => counts(4).chain([Value::Unknown]).collect(),
        FactId::Tokens => (0..5).flat_map(|low| (low..5).map(move |high| Value::Num(low * M, high * M))).collect(),
        FactId::Stream => vec![Value::Bool(true), Value::Bool(false)],
        FactId::Difficulty => [0, 299_999, 300_000, 300_001, 500_000, 700_000, M].map(|at| Value::Num(at, at)).to_vec(),
        FactId::Task => ["code", "math", "chat"].map(Value::Text).into_iter().chain([Value::Unknown]).collect(),
        FactId::Meta(_) => {
            [Value::Text("a"), Value::Text("b"), Value::Text("else"), Value::Bool(true), Value::Bool(false)]
                .into_iter()
                .chain([0, 1, M, M + 1, 2 * M].map(|at| Value::Num(at, at)))
                .chain([Value::Unknown])
                .collect()
        }
        other => panic!("{other:?} has no small domain"),
    }
}

/// A condition on one fact, as a person would write it.
fn atom() -> impl Strategy<Value = String> {
    let op = || prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!="]);
    let same = || prop::sample::select(vec!["==", "!="]);
    let count = || 0..4_i64;
    let numeric = || prop::sample::select(vec!["tools", "tokens", "max_tokens", "(max_tokens ?? 2)", "fill"]);
    let share = prop::sample::select(vec!["0.3", "0.5", "70%"]);
    let task = || prop::sample::select(vec!["code", "math"]);
    prop_oneof![
        4 => (numeric(), op(), count()).prop_map(|(fact, op, count)| format!("{fact} {op} {count}")),
        1 => (count(), op(), numeric()).prop_map(|(count, op, fact)| format!("{count} {op} {fact}")),
        1 => (numeric(), count(), 1..4_i64).prop_map(|(fact, low, more)| format!("{fact} in {low}..{}", low + more)),
        1 => (numeric(), count(), count()).prop_map(|(fact, one, two)| format!("{fact} not in [{one}, {two}]")),
        2 => (op(), share).prop_map(|(op, share)| format!("difficulty {op} {share}")),
        2 => (same(), task()).prop_map(|(op, task)| format!("task {op} \"{task}\"")),
        1 => Just("task in [\"code\", \"chat\"]".to_owned()),
        1 => prop::sample::select(vec!["stream", "not stream", "stream == true", "busy", "(busy ?? stream)"])
            .prop_map(str::to_owned),
        2 => prop::sample::select(vec![
            "meta.x", "meta.x == \"a\"", "meta.x != \"b\"", "meta.x in [\"a\", \"b\"]", "meta.x >= 1", "meta.x == true",
            "meta.x is known", "(meta.x ?? false)", "(meta.x ?? \"a\") == \"a\"", "(meta.x ?? 1) < 2"
        ]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["task is unknown", "max_tokens is known", "(tokens > 1) is known", "((tools > 1) ?? true)",
            "((tokens > 2) ?? stream)", "true", "tools <= max_tokens", "contains(task, \"o\")"]).prop_map(str::to_owned),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    atom().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" and "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" or "))),
            inner.prop_map(|one| format!("not ({one})")),
        ]
    })
}

fn compile(text: &str, names: &mut Names, wanted: Option<crate::policy::facts::Type>) -> Program {
    check(&parse(text).unwrap(), text, Scope::Request, wanted, names).unwrap_or_else(|all| panic!("{text}: {all:?}")).0
}

/// The policy's own facts of the tests.
fn own() -> (Names, Vec<NamedFact>) {
    let mut names = Names { meta: KEYS.map(str::to_owned).to_vec(), ..Names::default() };
    let mut facts = Vec::new();
    for (name, text) in [("busy", "tools > 2 or tokens >= 3"), ("fill", "max_tokens ?? tokens")] {
        let (program, ty) = check(&parse(text).unwrap(), text, Scope::Request, None, &mut names).unwrap();
        names.facts.push((name.to_owned(), ty));
        facts.push(NamedFact { name: name.to_owned(), ty, program, reads_tokens: false });
    }
    (names, facts)
}

fn reads(program: &Program, facts: &[NamedFact], found: &mut BTreeSet<FactId>) {
    for fact in program.reads() {
        match fact {
            FactId::Named(index) => reads(&facts[usize::from(*index)].program, facts, found),
            fact => {
                found.insert(*fact);
            }
        }
    }
}

/// Every world of the facts that the programs read; none when there are too many.
fn worlds<'v>(programs: &[&Program], facts: &'v [NamedFact]) -> Option<Vec<World<'v>>> {
    let mut read = BTreeSet::new();
    for program in programs {
        reads(program, facts, &mut read);
    }
    let mut all = vec![World { values: BTreeMap::new(), facts }];
    for fact in read {
        let values = domain(fact);
        if all.len() * values.len() > 30_000 {
            return None;
        }
        all = all
            .iter()
            .flat_map(|world| {
                values.iter().map(move |value| {
                    let mut world = world.clone();
                    world.values.insert(fact, *value);
                    world
                })
            })
            .collect();
    }
    Some(all)
}

/// The world as a box of one point. Questions stay open.
fn point(reader: &mut Reader<'_>, world: &World<'_>) -> Cube {
    let mut cube = Cube::default();
    for (fact, value) in &world.values {
        let number = |at: i64| Values::nums(Nums::between(at / unit(*fact), at / unit(*fact)));
        let sides = match value {
            Value::Num(low, high) if can_be_estimate(*fact) => {
                vec![(Axis::Low(*fact), number(*low)), (Axis::High(*fact), number(*high))]
            }
            Value::Num(at, _) => vec![(Axis::Fact(*fact), number(*at))],
            Value::Bool(flag) => vec![(Axis::Fact(*fact), Values::flag(*flag))],
            Value::Text(text) => {
                let text = reader.text(text);
                vec![(Axis::Fact(*fact), Values::texts(Texts::of(vec![text])))]
            }
            Value::Unknown => vec![(Axis::Fact(*fact), Values::unknown())],
        };
        for (axis, values) in sides {
            cube = cube.intersection(&Cube::side(axis, values)).unwrap();
        }
    }
    cube
}

fn holds(region: &Region, point: &Cube) -> bool {
    region.cubes().iter().any(|cube| cube.intersection(point).is_some())
}

fn asks(truth: &Truth) -> bool {
    let cubes = truth.yes.cubes().iter().chain(truth.no.cubes());
    cubes.flat_map(Cube::sides).any(|(axis, _)| matches!(axis, Axis::Question(_)))
}

fn count(counter: &Cell<usize>, happened: bool) {
    counter.set(counter.get() + usize::from(happened));
}

#[test]
fn regions_are_what_the_evaluator_says() {
    let [compared, unclear, too_many, questions] = [const { Cell::new(0_usize) }; 4];
    let mut runner = TestRunner::new(Config { cases: 600, failure_persistence: None, ..Config::default() });
    runner
        .run(&condition(), |text| {
            let (mut names, facts) = own();
            let program = compile(&text, &mut names, Some(crate::policy::facts::Type::Bool));
            let mut reader = Reader::new(&facts, BTreeMap::new());
            let Some(truth) = reader.truth(&program) else {
                count(&unclear, true);
                return Ok(());
            };
            let Some(worlds) = worlds(&[&program], &facts) else {
                count(&too_many, true);
                return Ok(());
            };
            let is_exact = !asks(&truth);
            count(&questions, !is_exact);
            count(&compared, true);
            for world in &worlds {
                let point = point(&mut reader, world);
                let seen = (holds(&truth.yes, &point), holds(&truth.no, &point));
                let said = program.holds(world);
                let wanted = (said == Tri::True, said == Tri::False);
                // A question may be answered in any way: the regions then hold the truth and more.
                let fits = if is_exact { seen == wanted } else { seen.0 >= wanted.0 && seen.1 >= wanted.1 };
                prop_assert!(fits, "{}: {:?} is {:?}, the regions say {:?}", text, world.values, said, seen);
            }
            Ok(())
        })
        .unwrap();
    let [compared, unclear, too_many, questions] = [compared, unclear, too_many, questions].map(Cell::into_inner);
    println!(
        "{compared} conditions compared, {questions} with questions, {unclear} unclear, {too_many} too large to enumerate"
    );
    assert!(compared > 400 && questions > 5 && unclear < 60, "{compared} {questions} {unclear} {too_many}");
}

#[test]
fn implication_and_emptiness_are_never_claimed_wrongly() {
    let [never, missed_never, implied, missed_implied, compared] = [const { Cell::new(0_usize) }; 5];
    let mut runner = TestRunner::new(Config { cases: 1500, failure_persistence: None, ..Config::default() });
    runner
        .run(&(condition(), condition(), condition()), |(one, two, three)| {
            let (mut names, facts) = own();
            let programs =
                [&one, &two, &three].map(|text| compile(text, &mut names, Some(crate::policy::facts::Type::Bool)));
            let Some(worlds) = worlds(&programs.each_ref(), &facts) else { return Ok(()) };
            count(&compared, true);
            let mut reader = Reader::new(&facts, BTreeMap::new());
            let truths = programs.each_ref().map(|program| reader.truth(program));
            let is_never = worlds.iter().all(|world| programs[0].holds(world) != Tri::True);
            let says_never = truths[0].as_ref().is_some_and(|truth| truth.yes.is_empty());
            prop_assert!(is_never || !says_never, "{} is called never true", one);
            count(&never, says_never);
            count(&missed_never, is_never && !says_never);

            let is_taken = |world: &World<'_>| programs[1..].iter().any(|program| program.holds(world) == Tri::True);
            let is_implied = worlds.iter().all(|world| programs[0].holds(world) != Tri::True || is_taken(world));
            let mut claim = || {
                let [Some(first), Some(second), Some(third)] = &truths else { return None };
                // A question is one answer in each world: what two regions say of it may be joined, not taken apart.
                let above = second.yes.or(&third.yes)?;
                above.covers(&first.yes, reader.rested())
            };
            let says_implied = claim() == Some(true);
            prop_assert!(is_implied || !says_implied, "{} is said to be within {} and {}", one, two, three);
            count(&implied, says_implied && !is_never);
            count(&missed_implied, is_implied && !says_implied);
            Ok(())
        })
        .unwrap();
    let [never, missed_never, implied, missed_implied, compared] =
        [never, missed_never, implied, missed_implied, compared].map(Cell::into_inner);
    println!(
        "{compared} triples: never true {never} (missed {missed_never}), implied {implied} (missed {missed_implied}), none wrongly"
    );
    assert!(never > 20 && implied > 50, "{never} {implied}");
    assert!(
        missed_never * 10 < never && missed_implied * 5 < implied,
        "{missed_never} of {never}, {missed_implied} of {implied}"
    );
}
