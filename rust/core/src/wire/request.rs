//! The normal form of a request: what routing needs to know of it, borrowed from its bytes wherever possible.

use std::borrow::Cow;

use super::billing::Billing;

/// The language a request or an answer is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// `POST /v1/chat/completions`
    OpenAiChat,
    /// `POST /v1/messages`
    AnthropicMessages,
    /// `POST /v1/responses`
    OpenAiResponses,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 3] = [Self::OpenAiChat, Self::AnthropicMessages, Self::OpenAiResponses];

    /// The name used in policies, the catalogue and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai-chat",
            Self::AnthropicMessages => "anthropic-messages",
            Self::OpenAiResponses => "openai-responses",
        }
    }

    /// The dialect of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }
}

/// Who speaks in a turn. System and developer text is in [`Request::system`], tool results are parts of a user turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The user, or a tool's result.
    User,
    /// The model.
    Assistant,
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn<'a> {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part<'a>>,
}

/// One piece of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Part<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A picture.
    Image(Image<'a>),
    /// A file (PDF or text).
    Document(Document<'a>),
    /// The model asks for a tool.
    ToolCall {
        /// The call's id.
        id: Cow<'a, str>,
        /// The tool's name.
        name: Cow<'a, str>,
        /// The arguments, as JSON text.
        arguments: Cow<'a, str>,
    },
    /// A tool's answer.
    ToolResult {
        /// The id of the call that this answers.
        id: Cow<'a, str>,
        /// Its text (other content is counted in `Request` facts, not here).
        text: Cow<'a, str>,
        /// Whether the client marked it as failed.
        is_error: bool,
        /// Pictures inside the result.
        images: Vec<Image<'a>>,
    },
    /// Reasoning that the model gave before; `raw` is its JSON, signature included, kept byte for byte.
    Thinking {
        /// The text, empty when redacted.
        text: Cow<'a, str>,
        /// The whole block as it was written.
        raw: &'a [u8],
    },
    /// A kind of block that this version does not know; kept byte for byte for an upstream of the same dialect.
    Other {
        /// The block's `type`.
        kind: Cow<'a, str>,
        /// The whole block as it was written.
        raw: &'a [u8],
    },
}

/// A picture, not decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Image<'a> {
    /// Where its bytes are.
    pub source: ImageSource<'a>,
    /// OpenAI's `detail`, when given.
    pub detail: Option<Cow<'a, str>>,
}

/// Where a picture's bytes are.
#[derive(Debug, Clone, PartialEq)]
pub enum ImageSource<'a> {
    /// Inline, base64 (of a data URL: what stands behind the comma).
    Base64 {
        /// For example `image/png`.
        media_type: Cow<'a, str>,
        /// Base64 text.
        data: Cow<'a, str>,
    },
    /// At a URL, never fetched.
    Url(Cow<'a, str>),
}

/// A file.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<'a> {
    /// For example `application/pdf`.
    pub media_type: Cow<'a, str>,
    /// Base64 text, plain text (of a `text/*` document), a URL or a file id.
    pub data: Cow<'a, str>,
    /// The whole block as it was written.
    pub raw: &'a [u8],
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its description, empty when absent.
    pub description: Cow<'a, str>,
    /// The JSON Schema of its arguments as it was written; empty when absent.
    pub schema: &'a [u8],
    /// The whole entry as it was written.
    pub raw: &'a [u8],
    /// Whether this is a function of the client's (`false`: a tool that the provider runs, such as web search).
    pub is_function: bool,
    /// `strict`, when given: whether arguments are held to the schema.
    pub strict: Option<bool>,
}

/// What the model may do with tools.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ToolChoice<'a> {
    /// It may choose (also when nothing is said).
    #[default]
    Auto,
    /// It must not call any.
    None,
    /// It must call one.
    Any,
    /// It must call this one.
    Named(Cow<'a, str>),
}

/// The form that the answer must take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResponseFormat<'a> {
    /// Text.
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON of this schema; the bytes of the schema itself.
    JsonSchema {
        /// The schema as it was written.
        schema: &'a [u8],
    },
}

/// What the request itself says about thinking.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Thinking<'a> {
    /// Nothing is said.
    #[default]
    Unsaid,
    /// Off.
    Off,
    /// On with an effort (`low`, `medium`, ...).
    Effort(Cow<'a, str>),
    /// On with a budget of tokens.
    Budget(u64),
    /// On, as much as the model sees fit.
    Adaptive,
}

/// A request in normal form.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a member of a request")]
pub struct Request<'a> {
    /// The dialect it came in.
    pub dialect: Dialect,
    /// The bytes it came in.
    pub body: &'a [u8],
    /// The model that the client asked for.
    pub model: Option<Cow<'a, str>>,
    /// System and developer texts, in order.
    pub system: Vec<Cow<'a, str>>,
    /// The conversation.
    pub turns: Vec<Turn<'a>>,
    /// Tools on offer.
    pub tools: Vec<Tool<'a>>,
    /// What may be done with them.
    pub tool_choice: ToolChoice<'a>,
    /// The client's bound on the answer, in tokens.
    pub max_tokens: Option<u64>,
    /// Whether the client wants a stream.
    pub stream: bool,
    /// The form that the answer must take.
    pub response_format: ResponseFormat<'a>,
    /// What the client says about thinking.
    pub thinking: Thinking<'a>,
    /// How many answers are asked for (`n`), 1 when unsaid.
    pub choices: u64,
    /// Names of the sampling parameters present (`temperature`, `top_p`, ...), in the order of the text.
    pub sampling: Vec<&'static str>,
    /// Whether a field is there that the other dialect may be unable to say (stop sequences, hosted tools, audio, a
    /// region): only then is a translation tried before a candidate counts as eligible.
    pub has_special_fields: bool,
    /// Whether it leans on what its provider keeps (`previous_response_id`, `conversation`, a stored prompt, a reference to
    /// an item, an answer in the background): it can go only to where that is kept, and to no other dialect.
    pub is_stateful: bool,
    /// `metadata.user_id` or `user`.
    pub end_user: Option<Cow<'a, str>>,
    /// Whether a streamed answer is to end with its usage (`stream_options.include_usage`).
    pub wants_usage: bool,
    /// How it is to be processed and billed.
    pub billing: Billing<'a>,
}

impl Request<'_> {
    /// Whether the last turn is the beginning of the answer, which the model is to go on from.
    pub(super) fn is_prefill(&self) -> bool {
        let last = self.turns.last();
        last.is_some_and(|turn| turn.role == Role::Assistant && matches!(turn.parts.last(), Some(Part::Text(_))))
    }
}
