//! Who sells a model, and how to call them.

use super::fields::named;
use super::model::{Dialect, Effort};
use crate::quirks::Quirks;
use crate::thinking_format::ThinkingFormat;

named! {
    /// How a key goes into a request.
    pub enum Auth {
        /// `Authorization: Bearer KEY`.
        Bearer = "bearer",
        /// `x-api-key: KEY`.
        XApiKey = "x-api-key",
        /// `api-key: KEY`.
        ApiKeyHeader = "api-key",
        /// A signature over the request; no plain key.
        SigV4 = "sigv4",
        /// No key is needed; one that the user gives anyway goes as `Authorization: Bearer`.
        None = "none",
    }
}

named! {
    /// When a stream carries the usage.
    pub enum StreamUsage {
        /// Unasked, in every stream.
        Always = "always",
        /// When the request asks for it (`stream_options.include_usage`), or it is not known to come unasked.
        OnRequest = "on_request",
    }
}

/// How a provider takes a thinking setting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThinkingRoute {
    /// The form, unless a model's row says otherwise; `None` is unknown, or not at all.
    pub format: Option<ThinkingFormat>,
    /// The efforts that it documents for its models, ascending; they count for a model whose row lists none.
    pub efforts: Vec<Effort>,
    /// Whether it wants back the reasoning that came with tool calls.
    pub echoes_reasoning: bool,
}

/// Who sells a model, and how to call them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// The id in this catalogue.
    pub id: String,
    /// Other names of the same provider.
    pub aliases: Vec<String>,
    /// What a call's path is appended to, without a slash at its end; `None` is for the user to give. It may hold
    /// placeholders such as `{resource}` (see [`Provider::has_placeholders`]).
    pub base_url: Option<String>,
    /// The dialect that the base URL speaks.
    pub dialect: Dialect,
    /// How the key goes into the request.
    pub auth: Auth,
    /// Environment variables that may hold the key, the first one set wins.
    pub env: Vec<String>,
    /// Environment variables with other settings (region, account, host).
    pub settings_env: Vec<String>,
    /// The request's field for the output limit.
    pub max_tokens_field: String,
    /// When a stream carries the usage.
    pub stream_usage: StreamUsage,
    /// How it takes a thinking setting.
    pub thinking: ThinkingRoute,
    /// What else its bodies are written by.
    pub quirks: Quirks,
    /// Whether it runs on the user's own machine.
    pub is_local: bool,
    /// What else a caller should know.
    pub notes: Option<String>,
}

impl Provider {
    /// Whether the base URL holds a placeholder that the user must fill.
    pub fn has_placeholders(&self) -> bool {
        self.base_url.as_deref().is_some_and(|url| url.contains('{'))
    }
}
