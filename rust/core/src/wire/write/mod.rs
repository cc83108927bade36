//! From the normal form to upstream bytes: spliced in the same dialect, translated to the other.

pub(super) mod body;
pub(super) mod extras;
pub(super) mod shape;
pub(super) mod splice;
pub(super) mod thinking;
pub(super) mod thinking_fields;
pub(super) mod translate_to_anthropic;
pub(super) mod translate_to_openai;
pub(super) mod translate_to_responses;
pub(super) mod translate_turns;
pub(super) mod unsigned;
