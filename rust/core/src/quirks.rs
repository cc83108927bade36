//! What one server of `OpenAI`'s dialects takes differently from another: a row of the catalogue, read where bodies are
//! written.
//!
//! Promises: everything that the writing of a body decides by provider is a field here, so that another provider is another
//! row and no branch. Refuses: to know a provider by name. A test breaks it with a field that changes no body.

/// One row. `Default` is a server that takes what the dialect has had from the beginning, and no more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is one independent fact about the server")]
pub struct Quirks {
    /// Whether it takes `OpenAI`'s own fields (`store`, `metadata`, `prompt_cache_key`, ...), which others refuse.
    pub takes_store: bool,
    /// Whether it knows the role `developer`, which is written as `system` where it does not.
    pub takes_developer: bool,
    /// Whether its streams tell their usage unasked: then `stream_options` is not sent, which some refuse.
    pub tells_usage: bool,
    /// Whether texts may be lists of parts (bodies written by translation); else they are joined.
    pub takes_text_lists: bool,
    /// Members that it refuses.
    pub refuses: Vec<String>,
    /// Members that it knows by another name: the dialect's, its own.
    pub renames: Vec<(String, String)>,
    /// A JSON object of members that go into every body unless the request says them, where its own default is one that
    /// hides a failure; empty when there are none.
    pub extra_body: String,
}

/// `OpenAI`'s own fields: in both of its dialects under one name.
pub const OWN_FIELDS: [&str; 5] =
    ["store", "metadata", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"];

/// A server that takes everything.
pub static PLAIN: Quirks = Quirks {
    takes_store: true,
    takes_developer: true,
    tells_usage: false,
    takes_text_lists: true,
    refuses: Vec::new(),
    renames: Vec::new(),
    extra_body: String::new(),
};

impl Quirks {
    /// Whether a member of a body is refused.
    pub fn refuses(&self, key: &str) -> bool {
        (!self.takes_store && OWN_FIELDS.contains(&key)) || self.refuses.iter().any(|refused| refused == key)
    }

    /// The name of a member of a body.
    pub fn name_of<'n>(&'n self, key: &'n str) -> &'n str {
        self.renames.iter().find(|(from, _)| from == key).map_or(key, |(_, to)| to)
    }
}
