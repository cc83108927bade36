//! What each fact can be at all, before any condition.

use super::values::{Nums, Texts, Values};
use crate::classify::Language;
use crate::policy::facts::{FACTS, FactId, Type};

/// A count in the units of the language.
const MILLION: i64 = 1_000_000;

/// Whether the value may be an interval: then its two ends are looked at apart.
pub(super) fn can_be_estimate(fact: FactId) -> bool {
    matches!(
        fact,
        FactId::Tokens | FactId::Quality | FactId::CostP50 | FactId::CostP90 | FactId::TtftP50 | FactId::TtftP95
    )
}

/// The steps in which a fact counts: whole pictures are millionths a million at a time.
pub(super) fn unit(fact: FactId) -> i64 {
    match fact {
        FactId::Tokens
        | FactId::MaxTokens
        | FactId::Turns
        | FactId::Tools
        | FactId::Images
        | FactId::Documents
        | FactId::ModelContext
        | FactId::ModelMaxOutput
        | FactId::ModelRank => MILLION,
        _ => 1,
    }
}

/// Whether every request (or candidate) has the fact.
fn is_always_known(fact: FactId) -> bool {
    matches!(
        fact,
        FactId::Tokens
            | FactId::Turns
            | FactId::Tools
            | FactId::Images
            | FactId::Documents
            | FactId::Stream
            | FactId::Schema
            | FactId::ToolLoop
            | FactId::Difficulty
            | FactId::Code
            | FactId::Time
            | FactId::Weekday
            | FactId::Date
            | FactId::Quality
            | FactId::Warm
            | FactId::Rule
            | FactId::Refused
    )
}

/// Every value of a fact. `ty` is the type of a fact that the policy defines; `limits` the texts that this policy allows.
pub(super) fn universe(fact: FactId, ty: Type, limits: Option<&[String]>, mut text: impl FnMut(&str) -> u32) -> Values {
    let row = FACTS.iter().find(|row| row.id == fact);
    let ty = row.map_or(ty, |row| row.ty);
    let range = row.and_then(|row| row.range);
    let values = match ty {
        Type::Bool => Values::bools(),
        Type::Time => Values::nums(Nums::between(0, 1439)),
        Type::Number | Type::Duration | Type::Money => {
            let (low, high) = range.unwrap_or((0, i64::MAX));
            let low = match fact {
                FactId::ModelRank => 1,
                // A debt is less than nothing.
                FactId::BudgetLeft(_) => i64::MIN,
                _ => low,
            };
            Values::nums(Nums::between(low, high / unit(fact)))
        }
        Type::Date => Values::nums(Nums::all()),
        Type::Enum(words) => Values::texts(Texts::of(words.iter().map(|word| text(word)).collect())),
        Type::Text | Type::Prompt => match limits {
            Some(limits) => Values::texts(Texts::of(limits.iter().map(|limit| text(limit)).collect())),
            None if fact == FactId::Language => {
                Values::texts(Texts::of(Language::all().map(|language| text(language.code())).collect()))
            }
            None => Values::texts(Texts::all()),
        },
        Type::Meta => Values::known(),
    };
    if is_always_known(fact) { values } else { values.or_unknown() }
}
