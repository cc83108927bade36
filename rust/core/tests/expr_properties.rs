//! Expressions against a naive evaluation of their trees, and texts that are none.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use turnout_core::policy::expr::{
    CmpOp, Environment, Expr, ExprKind, Literal, MAX_DEPTH, Names, Program, Tri, Value, check, fixed, parse,
};
use turnout_core::policy::facts::{FACTS, FactId, Scope, fact};

/// Facts that a run knows; the others are unknown.
#[derive(Debug, Clone, Default)]
struct World(BTreeMap<FactId, Owned>);

#[derive(Debug, Clone, PartialEq)]
enum Owned {
    Unknown,
    Bool(bool),
    Num(i64, i64),
    Text(String),
}

impl Owned {
    fn borrow(&self) -> Value<'_> {
        match self {
            Self::Unknown => Value::Unknown,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Num(low, high) => Value::Num(*low, *high),
            Self::Text(text) => Value::Text(text),
        }
    }
}

impl Environment for World {
    fn fact(&self, fact: FactId) -> Value<'_> {
        self.0.get(&fact).map_or(Value::Unknown, Owned::borrow)
    }
}

const META: [&str; 2] = ["a", "b"];

fn id(name: &str) -> FactId {
    match name.strip_prefix("meta.") {
        Some(key) => FactId::Meta(u16::try_from(META.iter().position(|known| *known == key).unwrap()).unwrap()),
        None => fact(name).unwrap().id,
    }
}

fn names() -> Names {
    Names { meta: META.iter().map(|key| (*key).to_owned()).collect(), ..Names::default() }
}

fn compile(text: &str) -> Result<Program, String> {
    let tree = parse(text).map_err(|error| error.message)?;
    check(&tree, text, Scope::Decision, None, &mut names())
        .map(|(program, _)| program)
        .map_err(|all| all[0].message.clone())
}

/// The value of a tree, straight from what the language says.
fn naive(expr: &Expr, world: &World) -> Owned {
    let truth = |expr: &Expr| match naive(expr, world) {
        Owned::Bool(flag) => Some(flag),
        _ => None,
    };
    let of = |truth: Option<bool>| truth.map_or(Owned::Unknown, Owned::Bool);
    match &expr.kind {
        ExprKind::Literal(literal) => match literal {
            Literal::Bool(flag) => Owned::Bool(*flag),
            Literal::Text(text) => Owned::Text(text.clone()),
            Literal::Number(value)
            | Literal::Duration(value)
            | Literal::Money(value)
            | Literal::Time(value)
            | Literal::Date(value) => Owned::Num(*value, *value),
        },
        ExprKind::Name(name) => world.0.get(&id(name)).cloned().unwrap_or(Owned::Unknown),
        ExprKind::Not(inner) => of(truth(inner).map(|flag| !flag)),
        ExprKind::And(all) => {
            let all: Vec<Option<bool>> = all.iter().map(truth).collect();
            of(if all.contains(&Some(false)) {
                Some(false)
            } else if all.contains(&None) {
                None
            } else {
                Some(true)
            })
        }
        ExprKind::Or(all) => {
            let all: Vec<Option<bool>> = all.iter().map(truth).collect();
            of(if all.contains(&Some(true)) {
                Some(true)
            } else if all.contains(&None) {
                None
            } else {
                Some(false)
            })
        }
        ExprKind::Compare(op, left, right) => of(related(*op, &naive(left, world), &naive(right, world))),
        ExprKind::In(item, set, is_negated) => {
            let item = naive(item, world);
            let inside = match &set.kind {
                ExprKind::List(options) => {
                    let all: Vec<Option<bool>> =
                        options.iter().map(|option| related(CmpOp::Eq, &item, &naive(option, world))).collect();
                    if all.contains(&Some(true)) {
                        Some(true)
                    } else if all.contains(&None) {
                        None
                    } else {
                        Some(false)
                    }
                }
                ExprKind::Range(low, high, _) => {
                    let (low, high) = (naive(low, world), naive(high, world));
                    let (from, below) = (related(CmpOp::Ge, &item, &low), related(CmpOp::Lt, &item, &high));
                    let wraps = matches!((&low, &high), (Owned::Num(low, _), Owned::Num(high, _)) if low > high)
                        && matches!(&set.kind, ExprKind::Range(low, _, _)
                            if matches!(low.kind, ExprKind::Literal(Literal::Time(_))));
                    match (wraps, from, below) {
                        (true, Some(true), _) | (true, _, Some(true)) | (false, Some(true), Some(true)) => Some(true),
                        (true, Some(false), Some(false)) | (false, Some(false), _) | (false, _, Some(false)) => {
                            Some(false)
                        }
                        _ => None,
                    }
                }
                other => panic!("{other:?} is no set"),
            };
            of(inside.map(|inside| inside != *is_negated))
        }
        ExprKind::IsKnown(inner, is_negated) => Owned::Bool((naive(inner, world) != Owned::Unknown) != *is_negated),
        ExprKind::Coalesce(first, second) => match naive(first, world) {
            Owned::Unknown => naive(second, world),
            known => known,
        },
        other => panic!("{other:?} has no value"),
    }
}

/// Over all exact values that two intervals may stand for: what always holds, never holds, or is open.
fn related(op: CmpOp, left: &Owned, right: &Owned) -> Option<bool> {
    let exact = |ordering: std::cmp::Ordering| match op {
        CmpOp::Eq => ordering.is_eq(),
        CmpOp::Ne => ordering.is_ne(),
        CmpOp::Lt => ordering.is_lt(),
        CmpOp::Le => ordering.is_le(),
        CmpOp::Gt => ordering.is_gt(),
        CmpOp::Ge => ordering.is_ge(),
    };
    match (left, right) {
        (Owned::Num(a, b), Owned::Num(c, d)) => {
            // Orderings that occur between [a, b] and [c, d].
            let mut seen = Vec::new();
            if a < d {
                seen.push(exact(std::cmp::Ordering::Less));
            }
            if b > c {
                seen.push(exact(std::cmp::Ordering::Greater));
            }
            if a <= d && c <= b {
                seen.push(exact(std::cmp::Ordering::Equal));
            }
            seen.iter().all(|holds| *holds == seen[0]).then(|| seen[0])
        }
        (Owned::Text(a), Owned::Text(b)) if matches!(op, CmpOp::Eq | CmpOp::Ne) => Some(exact(a.cmp(b))),
        (Owned::Bool(a), Owned::Bool(b)) if matches!(op, CmpOp::Eq | CmpOp::Ne) => Some(exact(a.cmp(b))),
        _ => None,
    }
}

fn number() -> BoxedStrategy<String> {
    prop_oneof![
        (0..6_u32).prop_map(|value| value.to_string()),
        (0..4_u32).prop_map(|value| format!("0.{value}")),
        prop::sample::select(vec!["tokens", "max_tokens", "turns", "tools"]).prop_map(str::to_owned),
        (0..3_u32).prop_map(|value| format!("(max_tokens ?? {value})")),
    ]
    .boxed()
}

fn condition() -> BoxedStrategy<String> {
    let ops = || prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        prop::sample::select(vec!["stream", "schema", "tool_loop", "true", "false", "meta.a", "meta.b ?? false"])
            .prop_map(str::to_owned),
        (number(), ops(), number()).prop_map(|(left, op, right)| format!("{left} {op} {right}")),
        (number(), number(), number()).prop_map(|(item, low, high)| format!("{item} in [{low}, {high}]")),
        (prop::sample::select(vec!["tokens", "tools"]), 0..3_u32, 1..4_u32)
            .prop_map(|(item, low, more)| format!("{item} not in {low}..{}", low + more)),
        (0..24_u32, 0..24_u32)
            .prop_filter("empty", |(low, high)| low != high)
            .prop_map(|(low, high)| format!("time in {low:02}:00..{high:02}:00 UTC")),
        prop::sample::select(vec![
            "task == \"code\"",
            "requested == \"x\"",
            "task in [\"math\", \"code\"]",
            "meta.a == \"x\"",
            "meta.b != 2",
            "meta.a in [1, 2]",
            "requested is known",
            "meta.a is unknown",
            "weekday != \"sat\"",
            "$1 < $2",
            "1s >= 500ms"
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("not ({one})")),
            inner.clone().prop_map(|one| format!("({one}) is known")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one}) == ({other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one}) ?? ({other})")),
            (prop::collection::vec(inner.clone(), 2..4)).prop_map(|all| format!("({})", all.join(" and "))),
            (prop::collection::vec(inner.clone(), 2..4)).prop_map(|all| format!("({})", all.join(" or "))),
            // Without parentheses, so that precedence is at work.
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("{a} or not {b} and {c}")),
        ]
    })
    .boxed()
}

fn world() -> impl Strategy<Value = World> {
    let interval = || {
        prop_oneof![
            2 => (0..6_i64).prop_map(|value| Owned::Num(value * 1_000_000, value * 1_000_000)),
            2 => (0..6_i64, 0..3_i64).prop_map(|(low, more)| Owned::Num(low * 1_000_000, (low + more) * 1_000_000)),
            1 => Just(Owned::Unknown),
        ]
    };
    let flag = || prop_oneof![Just(Owned::Bool(true)), Just(Owned::Bool(false)), Just(Owned::Unknown)];
    let text = |words: &'static [&'static str]| prop_oneof![3 => prop::sample::select(words).prop_map(|word| Owned::Text(word.to_owned())), 1 => Just(Owned::Unknown)];
    let meta = || prop_oneof![flag(), text(&["x", "y"]), interval()];
    (
        (interval(), interval(), interval(), interval()),
        (flag(), flag(), flag()),
        (text(&["code", "math"]), text(&["x", "y"]), text(&["mon", "sat"])),
        (meta(), meta()),
        0..1440_i64,
    )
        .prop_map(|(counts, flags, texts, meta, time)| {
            World(BTreeMap::from([
                (FactId::Tokens, counts.0),
                (FactId::MaxTokens, counts.1),
                (FactId::Turns, counts.2),
                (FactId::Tools, counts.3),
                (FactId::Stream, flags.0),
                (FactId::Schema, flags.1),
                (FactId::ToolLoop, flags.2),
                (FactId::Task, texts.0),
                (FactId::Requested, texts.1),
                (FactId::Weekday, texts.2),
                (FactId::Meta(0), meta.0),
                (FactId::Meta(1), meta.1),
                (FactId::Time, Owned::Num(time, time)),
            ]))
        })
}

/// Pieces that an expression may be made of, in any order.
fn token() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "and",
            "or",
            "not",
            "in",
            "is",
            "known",
            "unknown",
            "(",
            ")",
            "[",
            "]",
            ",",
            "..",
            "??",
            "==",
            "<",
            ">=",
            "=",
            "&&",
            "tokens",
            "task",
            "meta.x",
            "prompt",
            "\"code\"",
            "'a",
            "\\",
            "$0.05",
            "$",
            "95%",
            "8k",
            "22:00",
            "UTC",
            "2026-01-05",
            "1.5s",
            "matches",
            "any_word",
            "contains",
            "true",
            "é",
            "#",
            "9999999999999999999",
            "-",
            ".",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,3}",
    ]
}

proptest! {
    #[test]
    fn nothing_panics_and_spans_lie_in_the_text(text in prop_oneof!["\\PC{0,60}", prop::collection::vec(token(), 0..14).prop_map(|all| all.join(" ")), prop::collection::vec(token(), 0..14).prop_map(|all| all.concat())]) {
        match parse(&text) {
            Err(error) => prop_assert!(text.get(error.span.start..error.span.end).is_some(), "{:?} of {text:?}", error.span),
            Ok(tree) => {
                prop_assert!(text.get(tree.span.start..tree.span.end).is_some());
                for error in check(&tree, &text, Scope::Candidate, None, &mut Names::default()).err().into_iter().flatten() {
                    prop_assert!(text.get(error.span.start..error.span.end).is_some());
                }
            }
        }
    }

    #[test]
    fn programs_equal_a_naive_evaluation(text in condition(), world in world()) {
        let tree = parse(&text).unwrap();
        let checked = check(&tree, &text, Scope::Decision, None, &mut names());
        // Most must check: too many that do not fail the test.
        prop_assume!(checked.is_ok());
        let (program, _) = checked.unwrap();
        let expected = naive(&tree, &world);
        prop_assert_eq!(program.value(&world), expected.borrow(), "{}", text);
    }

    #[test]
    fn knowing_more_never_turns_an_answer_around(text in condition(), world in world(), unknown in 0..13_usize) {
        // Kleene: a value that is decided while a fact is open stays so when it is known; `is known` asks for the opposite.
        let Ok(program) = compile(&text) else { return Ok(()) };
        if text.contains(" is ") || text.contains("??") {
            return Ok(());
        }
        let full = program.holds(&world);
        let mut less = world.clone();
        let fact = *less.0.keys().nth(unknown).unwrap();
        less.0.insert(fact, Owned::Unknown);
        let part = program.holds(&less);
        prop_assert!(part == Tri::Unknown || part == full, "{text}: {part:?} with {fact:?} open, {full:?} without");
    }

    #[test]
    fn decimals_are_exact(whole in 0..9_000_000_u64, fraction in 0..1_000_000_u32, zeros in 0..40_usize) {
        let text = format!("{whole}.{fraction:06}{}", "0".repeat(zeros));
        let expected = i64::try_from(whole * 1_000_000).unwrap() + i64::from(fraction);
        prop_assert_eq!(fixed(&text, 6), Some(expected));
        prop_assert_eq!(fixed(&format!("{text}1"), 6), None);
        let picos = fixed(&text, 12);
        prop_assert_eq!(picos, expected.checked_mul(1_000_000));
    }

    #[test]
    fn no_text_is_a_number_beyond_its_bounds(text in "[0-9]{1,25}(\\.[0-9]{0,25})?") {
        for decimals in [0, 3, 4, 6, 12] {
            if let Some(value) = fixed(&text, decimals) {
                prop_assert!(value >= 0);
            }
        }
    }
}

#[test]
fn the_tables_of_three_valued_logic() {
    let values = [("true", Tri::True), ("false", Tri::False), ("stream", Tri::Unknown)];
    let world = World::default();
    let holds = |text: &str| compile(text).unwrap().holds(&world);
    for (a, left) in values {
        assert_eq!(holds(&format!("not {a}")), !left);
        for (b, right) in values {
            let and = match (left, right) {
                (Tri::False, _) | (_, Tri::False) => Tri::False,
                (Tri::True, Tri::True) => Tri::True,
                _ => Tri::Unknown,
            };
            assert_eq!(holds(&format!("{a} and {b}")), and);
            assert_eq!(holds(&format!("not (not {a} or not {b})")), and);
            let equal =
                if left == Tri::Unknown || right == Tri::Unknown { Tri::Unknown } else { (left == right).into() };
            assert_eq!(holds(&format!("{a} == {b}")), equal);
            assert_eq!(holds(&format!("{a} != {b}")), !equal);
            assert_eq!(holds(&format!("({a}) ?? ({b})")), if left == Tri::Unknown { right } else { left });
        }
    }
}

#[test]
fn precedence_from_loose_to_tight() {
    for (text, meant) in [
        ("stream or schema and tool_loop", "stream or (schema and tool_loop)"),
        ("not stream and schema", "(not stream) and schema"),
        ("not tokens > 5", "not (tokens > 5)"),
        ("max_tokens ?? 5 > 3", "(max_tokens ?? 5) > 3"),
        ("max_tokens ?? turns ?? 5 == 5", "(max_tokens ?? (turns ?? 5)) == 5"),
        ("tokens in 1..max_tokens ?? 5", "tokens in 1..(max_tokens ?? 5)"),
        ("not stream is known", "not (stream is known)"),
        ("stream is not known", "not (stream is known)"),
        ("stream is not unknown", "stream is known"),
        ("tokens not in [1, 2]", "not (tokens in [1, 2])"),
    ] {
        let shape = |text: &str| {
            let mut shape = format!("{:?}", parse(text).unwrap());
            // Places differ by the parentheses.
            while let Some(start) = shape.find("span: Span {") {
                let end = start + shape.get(start..).unwrap().find('}').unwrap();
                shape.replace_range(start..=end, "");
            }
            shape.replace("IsKnown(Expr { , kind: Name(\"stream\") }, true)", "?")
        };
        if text.contains("not known") || text.contains("not unknown") || text.contains("not in") {
            let world = World(BTreeMap::from([(FactId::Tokens, Owned::Num(1_000_000, 1_000_000))]));
            assert_eq!(compile(text).unwrap().holds(&world), compile(meant).unwrap().holds(&world), "{text}");
        } else {
            assert_eq!(shape(text), shape(meant), "{text}");
        }
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let depth = usize::try_from(MAX_DEPTH).unwrap();
    let nested = |count: usize| format!("{}stream{}", "(".repeat(count), ")".repeat(count));
    assert!(parse(&nested(depth)).is_ok());
    assert_eq!(parse(&nested(depth + 1)).unwrap_err().code, "too-large");
    assert_eq!(parse(&"not ".repeat(10_000)).unwrap_err().code, "too-large");
    assert_eq!(parse(&"(".repeat(9_000)).unwrap_err().code, "too-large");
    assert_eq!(parse(&"not ".repeat(900)).unwrap_err().code, "too-large");
    assert_eq!(parse(&"meta.a ?? ".repeat(200)).unwrap_err().code, "too-large");
}

#[test]
fn every_fact_can_be_asked_whether_it_is_known() {
    for row in FACTS {
        let text = format!("{} is known", row.name);
        assert_eq!(compile(&text).is_ok(), row.name != "prompt", "{text}");
    }
}

#[test]
fn text_functions() {
    let world = |text: &str| World(BTreeMap::from([(FactId::Requested, Owned::Text(text.to_owned()))]));
    for (text, expression, expected) in [
        ("a refund, please", "any_word(requested, [\"refund\"])", true),
        ("refunds", "any_word(requested, [\"refund\"])", false),
        ("REFUND", "any_word(requested, \"refund\")", true),
        ("退款请求", "any_word(requested, [\"退款\"])", true),
        ("I like c++", "any_word(requested, [\"c++\"])", true),
        ("a.b", "contains(requested, \"A.B\")", true),
        ("axb", "contains(requested, \"a.b\")", false),
        ("hello", "starts_with(requested, \"HE\")", true),
        ("ahello", "starts_with(requested, \"he\")", false),
        ("hello", "ends_with(requested, \"LO\")", true),
        ("hello\n", "ends_with(requested, \"lo\")", false),
        ("Hello", "matches(requested, \"^h\")", false),
        ("Hello", "matches(requested, \"(?i)^h\")", true),
        ("a1", "matches(requested, \"\\d\")", true),
    ] {
        assert_eq!(compile(expression).unwrap().holds(&world(text)), expected.into(), "{expression} on {text}");
    }
    assert_eq!(compile("contains(requested, \"x\")").unwrap().holds(&World::default()), Tri::Unknown);
}
