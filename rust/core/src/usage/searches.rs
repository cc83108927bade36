//! Counts the searches that a body shows beside its usage, in one pass that builds nothing.

use super::extractor::SearchesAt;
use super::spots;
use crate::json::{JsonError, Kind, Reader};

impl SearchesAt {
    /// The members of the body that are looked at: the list, and what names the model.
    pub(super) fn paths(&self) -> [&'static str; 2] {
        match *self {
            Self::Items { at, .. } => [at, ""],
            Self::Queries { at, model, .. } => [at, model],
        }
    }

    /// How many searches of these are paid, given the bytes of both members.
    pub(super) fn count(&self, list: &[u8], model: Option<&[u8]>) -> u64 {
        let mut searches = 0_u64;
        let counted = match *self {
            Self::Items { kind, search, action, paid, .. } => each_item(list, |item| {
                let found = spots::find(item, &[kind, action])?;
                let [kind, action] = [0, 1].map(|place| found.get(place).copied().flatten());
                let is_paid = kind.is_some_and(|kind| word(kind).as_deref() == Some(search))
                    && action.is_none_or(|action| word(action).as_deref() == Some(paid));
                searches = searches.saturating_add(u64::from(is_paid));
                Ok(())
            }),
            Self::Queries { queries, .. } => each_item(list, |candidate| {
                let found = spots::find(candidate, &[queries])?;
                found.into_iter().flatten().try_for_each(|queries| {
                    each_item(queries, |query| {
                        let is_paid = word(query).is_some_and(|query| !query.is_empty());
                        searches = searches.saturating_add(u64::from(is_paid));
                        Ok(())
                    })
                })
            }),
        };
        // The body was read as a whole before, so what fails here is only of another shape than the list that is meant.
        if counted.is_err() {
            return 0;
        }
        match *self {
            Self::Queries { once, .. } if model.and_then(word).is_some_and(|model| is_one_of(&model, once)) => {
                searches.min(1)
            }
            _ => searches,
        }
    }
}

/// Whether the last part of a model's path begins with one of these.
fn is_one_of(model: &str, beginnings: &[&str]) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    beginnings.iter().any(|beginning| name.starts_with(beginning))
}

fn each_item(list: &[u8], mut visit: impl FnMut(&[u8]) -> Result<(), JsonError>) -> Result<(), JsonError> {
    let mut reader = Reader::new(list);
    if reader.peek()? != Kind::Array {
        return Ok(());
    }
    reader.array(|reader| {
        let span = reader.skip()?;
        visit(reader.slice(span))
    })
}

fn word(raw: &[u8]) -> Option<String> {
    let mut reader = Reader::new(raw);
    (reader.peek() == Ok(Kind::String)).then(|| reader.string().ok().map(std::borrow::Cow::into_owned)).flatten()
}
