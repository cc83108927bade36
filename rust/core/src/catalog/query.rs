//! Which models fit: a filter over every row. What is not known does not fit a bound.

use super::fields::named;
use super::model::{Modality, Model, Status};
use super::rows::Row;
use super::table::Catalog;
use crate::calendar::Day;
use crate::money::NanosPerMtok;

named! {
    /// Something that a model can do.
    pub enum Ability {
        /// Calls tools.
        Tools = "tools",
        /// Sees images.
        Vision = "vision",
        /// Reads PDF documents.
        Pdf = "pdf",
        /// Hears audio.
        Audio = "audio",
        /// Answers in a given JSON schema.
        Structured = "structured",
        /// Can think before it answers.
        Reasoning = "reasoning",
        /// Has a prompt cache.
        PromptCache = "prompt_cache",
    }
}

impl Ability {
    /// Whether the model is known to be able to do it.
    pub fn is_of(self, model: &Model) -> bool {
        let takes = |modality| model.inputs.contains(&modality);
        match self {
            Self::Tools => model.caps.tools == Some(true),
            Self::Vision => model.caps.vision == Some(true) || takes(Modality::Image),
            Self::Pdf => model.caps.pdf == Some(true) || takes(Modality::Pdf),
            Self::Audio => model.caps.audio_in == Some(true) || takes(Modality::Audio),
            Self::Structured => model.caps.structured == Some(true),
            Self::Reasoning => model.caps.reasoning == Some(true),
            Self::PromptCache => model.caps.prompt_cache == Some(true),
        }
    }
}

/// What a model must be; the default fits every model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Sold by this provider, by its id or another of its names.
    pub provider: Option<String>,
    /// Trained by this lab.
    pub lab: Option<String>,
    /// Every one of these words stands in `provider/id`, an alias or the name; ASCII case does not matter.
    pub text: Option<String>,
    /// Able to do all of these.
    pub abilities: Vec<Ability>,
    /// A window of at least this many tokens.
    pub min_context_tokens: Option<u64>,
    /// The day whose prices count; `None` is the newest that are known to have begun.
    pub today: Option<Day>,
    /// At most this price of input, in nano-USD per million tokens, under standard terms.
    pub max_input_price: Option<NanosPerMtok>,
    /// At most this price of output.
    pub max_output_price: Option<NanosPerMtok>,
    /// Where it is in its life.
    pub status: Option<Status>,
}

impl Catalog {
    /// Every row that fits, by provider and id. Reads the wide part; O(rows).
    pub fn search(&self, query: &Query) -> Vec<&Row> {
        let provider = query.provider.as_deref().map(|name| self.provider(name).map_or(name, |known| &known.id));
        let words: Vec<String> =
            query.text.iter().flat_map(|text| text.split_whitespace()).map(str::to_ascii_lowercase).collect();
        let mut rows = self.rows();
        rows.retain(|row| {
            let model = row.model();
            provider.is_none_or(|provider| model.provider == provider) && fits(query, model) && has_words(model, &words)
        });
        rows
    }
}

fn fits(query: &Query, model: &Model) -> bool {
    let price = model.period_on(query.today).ok().map(|period| &period.price);
    let paid = |rate: Option<NanosPerMtok>| match price?.price_factor {
        Some(factor) => rate?.scaled(factor).ok(),
        None => rate,
    };
    let rates = price.map(|price| &price.base.rates);
    let is_within = |limit: Option<NanosPerMtok>, rate: Option<NanosPerMtok>| {
        limit.is_none_or(|limit| paid(rate).is_some_and(|rate| rate <= limit))
    };
    query.lab.as_deref().is_none_or(|lab| model.lab.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(lab)))
        && query.status.is_none_or(|status| model.status == status)
        && query.abilities.iter().all(|ability| ability.is_of(model))
        && query.min_context_tokens.is_none_or(|least| model.context.is_some_and(|context| context >= least))
        && is_within(query.max_input_price, rates.and_then(|rates| rates.input))
        && is_within(query.max_output_price, rates.and_then(|rates| rates.output))
}

fn has_words(model: &Model, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let names = model.aliases.iter().chain(&model.name).map(String::as_str);
    let mut all = model.full_name();
    for name in names {
        all.push('\n');
        all.push_str(name);
    }
    all.make_ascii_lowercase();
    words.iter().all(|word| all.contains(word.as_str()))
}
