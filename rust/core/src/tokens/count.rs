//! A count of tokens with its bounds.

/// How a count was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// Counted with the vocabulary: `low == tokens == high`.
    Exact,
    /// Estimated; the truth is in `low..=high` for at least 99% of texts of the kinds that the fit saw.
    Estimated,
    /// The family is not known; the bounds are those of all known families together.
    Unknown,
}

impl Method {
    /// The name in records and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Estimated => "estimated",
            Self::Unknown => "unknown",
        }
    }
}

/// Tokens, with `low <= tokens <= high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenCount {
    /// The likely count.
    pub tokens: u64,
    /// At least this many.
    pub low: u64,
    /// At most this many.
    pub high: u64,
    /// How it was counted.
    pub method: Method,
}

impl TokenCount {
    /// A count that is certain.
    pub const fn exact(tokens: u64) -> Self {
        Self { tokens, low: tokens, high: tokens, method: Method::Exact }
    }

    /// The count with what was learned of the model's overhead: shifted by the median, its bounds still holding what they held.
    #[must_use]
    pub fn corrected(self, by: i64) -> Self {
        let tokens = self.tokens.saturating_add_signed(by);
        Self { tokens, low: self.low.min(tokens), high: self.high.max(tokens), method: self.method }
    }

    /// The sum of two counts; the weaker method of the two.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            low: self.low.saturating_add(other.low),
            high: self.high.saturating_add(other.high),
            method: self.method.max(other.method),
        }
    }
}
