//! What a call used, in classes that never overlap: each token is in exactly one class.

/// Tokens of one call by price class. Sums of classes never count a token twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Input tokens that no cache served.
    pub input_uncached: u64,
    /// Input tokens read from the provider's prompt cache.
    pub cache_read: u64,
    /// Input tokens written to the cache for five minutes.
    pub cache_write_5m: u64,
    /// Input tokens written to the cache for one hour.
    pub cache_write_1h: u64,
    /// Input tokens written to the cache for another or an unsaid time.
    pub cache_write_other: u64,
    /// Output tokens that are not reasoning.
    pub output_text: u64,
    /// Output tokens of reasoning.
    pub reasoning: u64,
    /// Audio tokens in.
    pub audio_in: u64,
    /// Audio tokens out.
    pub audio_out: u64,
    /// Image tokens in, where the provider counts them apart from other input.
    pub image_in: u64,
    /// Web searches that the provider ran.
    pub web_searches: u64,
    /// What the provider itself says the call cost, in pico-USD.
    pub reported_cost_usd_picos: Option<i64>,
}

impl Usage {
    /// All input tokens, cached or not: what a price tier looks at.
    pub fn input_total(&self) -> u64 {
        [
            self.cache_read,
            self.cache_write_5m,
            self.cache_write_1h,
            self.cache_write_other,
            self.audio_in,
            self.image_in,
        ]
        .iter()
        .fold(self.input_uncached, |sum, class| sum.saturating_add(*class))
    }

    /// All output tokens.
    pub fn output_total(&self) -> u64 {
        self.output_text.saturating_add(self.reasoning).saturating_add(self.audio_out)
    }
}
