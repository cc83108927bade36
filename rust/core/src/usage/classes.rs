//! The classes of a usage.

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

    /// The sum of two usages, class by class; a reported cost only where both have one.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let costs = self.reported_cost_usd_picos.zip(other.reported_cost_usd_picos);
        Self {
            input_uncached: self.input_uncached.saturating_add(other.input_uncached),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write_5m: self.cache_write_5m.saturating_add(other.cache_write_5m),
            cache_write_1h: self.cache_write_1h.saturating_add(other.cache_write_1h),
            cache_write_other: self.cache_write_other.saturating_add(other.cache_write_other),
            output_text: self.output_text.saturating_add(other.output_text),
            reasoning: self.reasoning.saturating_add(other.reasoning),
            audio_in: self.audio_in.saturating_add(other.audio_in),
            audio_out: self.audio_out.saturating_add(other.audio_out),
            image_in: self.image_in.saturating_add(other.image_in),
            web_searches: self.web_searches.saturating_add(other.web_searches),
            reported_cost_usd_picos: costs.and_then(|(one, two)| one.checked_add(two)),
        }
    }
}
