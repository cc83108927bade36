//! How a provider reports usage, as data.

use super::table::EXTRACTORS;

/// Where a figure may stand, best first: members joined by dots from the usage object on. `list[key=word].count` adds up
/// the elements of a list whose `key` is `word`, in any case of letters.
pub type Paths = &'static [&'static str];

/// How a figure relates to the input or output that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is part of it: OpenAI's cached tokens are part of the prompt.
    Inside,
    /// It stands beside it and the total counts it: Gemini's thoughts.
    Beside,
    /// It stands beside it, and the total leaves it out.
    Uncounted,
}

/// A figure and its place.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Where it stands.
    pub at: Paths,
    /// What it is part of.
    pub place: Place,
}

impl Part {
    /// A part of the input or output.
    pub const fn inside(at: Paths) -> Self {
        Self { at, place: Place::Inside }
    }

    /// A figure beside the input or output.
    pub const fn beside(at: Paths) -> Self {
        Self { at, place: Place::Beside }
    }

    /// A figure beside the input or output that the total does not count.
    pub const fn uncounted(at: Paths) -> Self {
        Self { at, place: Place::Uncounted }
    }
}

/// How the usage objects of a stream's frames become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frames {
    /// The last object with figures counts as a whole.
    LastObject,
    /// Field by field the later figure counts.
    LaterField,
}

/// The unit of a reported cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostUnit {
    /// US dollars, as a decimal number.
    Usd,
    /// Ticks of 1e-10 USD, as an integer.
    Ticks,
}

/// Where a provider says what the call cost.
#[derive(Debug, Clone, Copy)]
pub struct CostAt {
    /// Where it stands.
    pub at: &'static str,
    /// In which unit.
    pub unit: CostUnit,
}

/// A gateway's cost that is only its own fee when the call was made with the caller's key.
#[derive(Debug, Clone, Copy)]
pub struct OwnKey {
    /// The flag that says so.
    pub flag: &'static str,
    /// What the provider behind it takes on top.
    pub upstream: &'static str,
}

/// Rounds that one call consisted of.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    /// The list of them.
    pub at: &'static str,
    /// The member that names a round's kind.
    pub kind: &'static str,
    /// Rounds of this kind are billed at the model's own price, but the figures around them leave them out.
    pub added: &'static str,
    /// Rounds of this kind are another model's.
    pub other_model: &'static str,
}

/// Where a body shows the searches that the provider ran, when its usage does not count them.
#[derive(Debug, Clone, Copy)]
pub enum SearchesAt {
    /// One for each item of a list that is a search.
    Items {
        /// The list.
        at: &'static str,
        /// The member of an item that names its kind.
        kind: &'static str,
        /// The kind of a search.
        search: &'static str,
        /// The member that names what was done, where items of this kind do other things too.
        action: &'static str,
        /// What is paid of those; an item that does not say it is paid too.
        paid: &'static str,
    },
    /// One for each query that is not empty.
    Queries {
        /// The list of candidates.
        at: &'static str,
        /// A candidate's list of queries.
        queries: &'static str,
        /// The member of the body that names the model.
        model: &'static str,
        /// Models whose names begin so are paid for once a request, however many queries it took.
        once: Paths,
    },
}

/// How one provider, or one dialect, reports usage.
#[derive(Debug, Clone, Copy)]
pub struct Extractor {
    /// The name: a provider or a dialect.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: Paths,
    /// Where the usage object stands in a body or frame, best first; `""` is the body itself.
    pub usage_at: Paths,
    /// How frames combine.
    pub frames: Frames,
    /// Input tokens.
    pub input: Paths,
    /// Output tokens.
    pub output: Paths,
    /// All tokens: a check, never a class.
    pub total: Paths,
    /// Read from the prompt cache.
    pub cache_read: Part,
    /// Written to the prompt cache, for whatever time.
    pub cache_write: Part,
    /// Of the written, for five minutes.
    pub cache_write_5m: Paths,
    /// Of the written, for one hour.
    pub cache_write_1h: Paths,
    /// Input beside the input, at the same price: what the provider's own tools brought.
    pub more_input: Part,
    /// Audio in.
    pub audio_in: Part,
    /// Of the audio in, what the cache served; it is counted as read from the cache.
    pub cached_audio: Paths,
    /// Images in, which are part of the input.
    pub image_in: Paths,
    /// Of the images in, what the cache served; it is counted as read from the cache.
    pub cached_image: Paths,
    /// Reasoning.
    pub reasoning: Part,
    /// Audio out.
    pub audio_out: Part,
    /// Web searches.
    pub web_searches: Paths,
    /// Web searches that the body around the usage shows; they count where the usage counts none.
    pub body_searches: &'static [SearchesAt],
    /// The provider's own cost, in the usage object.
    pub costs: &'static [CostAt],
    /// The provider's own cost, in the body around it.
    pub body_costs: &'static [CostAt],
    /// When that cost is only a fee.
    pub own_key: Option<OwnKey>,
    /// Rounds inside one call.
    pub rounds: Option<Rounds>,
    /// The tier that served the call, in the usage object.
    pub service_tier: Paths,
    /// The tier that served the call, in the body around it.
    pub body_service_tier: Paths,
    /// The speed that served it, in the usage object.
    pub speed: Paths,
    /// The region that served it, in the usage object.
    pub region: Paths,
}

impl Extractor {
    /// The extractor of a provider or dialect, by its name or another name for it. There is no guess for an unknown one.
    pub fn find(name: &str) -> Option<&'static Self> {
        EXTRACTORS.iter().find(|extractor| extractor.name == name || extractor.aliases.contains(&name))
    }
}
