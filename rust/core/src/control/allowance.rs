//! What a provider says is left of its own rate limits, less what has begun since.
//!
//! Promises: the smaller figure wins, the provider's last word or ours, which takes off what was sent after it. A bucket fills
//! evenly between the word and the reset that came with it (providers name the time at which it is full); after the reset
//! nothing is known, and nothing speaks against the deployment.
//!
//! A test breaks it with an allowance that grows by what is sent, or that outlives its reset.

/// One bucket of a provider's rate limit, as the headers of an answer state it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketLeft {
    /// What is left of it: requests or tokens.
    pub left: u64,
    /// What it holds when it is full, where that is said.
    pub limit: Option<u64>,
    /// In how many milliseconds it is full again.
    pub reset_ms: i64,
}

/// What the headers of one answer say of the limits of its deployment; none of a bucket that they do not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimitsLeft {
    /// Requests.
    pub requests: Option<BucketLeft>,
    /// Input tokens, or tokens of any kind where the provider counts them together.
    pub tokens: Option<BucketLeft>,
    /// Output tokens, where the provider counts them apart.
    pub output_tokens: Option<BucketLeft>,
}

impl LimitsLeft {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A bucket as it stood when it was last spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Bucket {
    /// Below zero when more was begun than was left.
    left: i64,
    limit: Option<i64>,
    at_ms: i64,
    /// 0 while nothing is known.
    full_at_ms: i64,
}

impl Bucket {
    fn told(said: BucketLeft, now_ms: i64) -> Self {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            left: whole(said.left),
            limit: said.limit.map(whole),
            at_ms: now_ms,
            full_at_ms: now_ms.saturating_add(said.reset_ms),
        }
    }

    /// When it holds `need` again; none when it does now, or nothing is known.
    fn ready_at_ms(&self, need: i64, now_ms: i64) -> Option<i64> {
        if now_ms >= self.full_at_ms || self.left >= need {
            return None;
        }
        // A bucket that is never large enough, or of unknown size, is waited for until it is full.
        let missing = i128::from(need) - i128::from(self.left);
        let fills = self.limit.map_or(0, |limit| i128::from(limit) - i128::from(self.left));
        let whole_ms = i128::from(self.full_at_ms) - i128::from(self.at_ms);
        let ready_at_ms = if missing > fills {
            self.full_at_ms
        } else {
            let share_ms = (missing * whole_ms).checked_div(fills).unwrap_or(whole_ms);
            self.at_ms.saturating_add(i64::try_from(share_ms).unwrap_or(i64::MAX))
        };
        (ready_at_ms > now_ms).then_some(ready_at_ms)
    }
}

/// What is left of the limits of one deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Allowance {
    requests: Bucket,
    tokens: Bucket,
    output_tokens: Bucket,
}

impl Allowance {
    /// Takes the provider's word; of a bucket that it does not name, the last word holds.
    pub fn told(&mut self, said: &LimitsLeft, now_ms: i64) {
        let buckets = [
            (&mut self.requests, said.requests),
            (&mut self.tokens, said.tokens),
            (&mut self.output_tokens, said.output_tokens),
        ];
        for (bucket, said) in buckets {
            if let Some(said) = said {
                *bucket = Bucket::told(said, now_ms);
            }
        }
    }

    /// An attempt begins.
    pub fn take(&mut self, input_tokens: u64) {
        self.requests.left = self.requests.left.saturating_sub(1);
        self.tokens.left = self.tokens.left.saturating_sub(i64::try_from(input_tokens).unwrap_or(i64::MAX));
    }

    /// When an attempt of so many input tokens fits again; none when it fits now, as far as anything is known.
    pub fn ready_at_ms(&self, input_tokens: u64, now_ms: i64) -> Option<i64> {
        let input_tokens = i64::try_from(input_tokens).unwrap_or(i64::MAX);
        [(&self.requests, 1), (&self.tokens, input_tokens), (&self.output_tokens, 1)]
            .into_iter()
            .filter_map(|(bucket, need)| bucket.ready_at_ms(need, now_ms))
            .max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(left: u64, limit: Option<u64>, reset_ms: i64) -> BucketLeft {
        BucketLeft { left, limit, reset_ms }
    }

    #[test]
    fn nothing_speaks_against_what_is_not_known() {
        assert_eq!(Allowance::default().ready_at_ms(u64::MAX, 0), None);
        let mut unknown = Allowance::default();
        unknown.take(1_000);
        assert_eq!(unknown.ready_at_ms(1_000, 0), None);
    }

    #[test]
    fn the_last_word_less_what_has_begun_since() {
        let mut allowance = Allowance::default();
        allowance.told(&LimitsLeft { requests: Some(bucket(2, None, 60_000)), ..LimitsLeft::default() }, 1_000);
        for _ in 0..2 {
            assert_eq!(allowance.ready_at_ms(10, 1_000), None);
            allowance.take(10);
        }
        assert_eq!(allowance.ready_at_ms(10, 1_000), Some(61_000));
        assert_eq!(allowance.ready_at_ms(10, 61_000), None, "its reset is over");
        allowance.told(&LimitsLeft { tokens: Some(bucket(500, None, 5_000)), ..LimitsLeft::default() }, 2_000);
        assert_eq!(allowance.ready_at_ms(501, 2_000), Some(61_000), "the longest wait counts");
        allowance.told(&LimitsLeft { requests: Some(bucket(9, None, 60_000)), ..LimitsLeft::default() }, 3_000);
        assert_eq!((allowance.ready_at_ms(501, 3_000), allowance.ready_at_ms(500, 3_000)), (Some(7_000), None));
        allowance.take(500);
        assert_eq!(allowance.ready_at_ms(1, 3_000), Some(7_000));
        allowance.told(&LimitsLeft { output_tokens: Some(bucket(0, None, 9_000)), ..LimitsLeft::default() }, 3_000);
        assert_eq!(allowance.ready_at_ms(0, 3_000), Some(12_000));
    }

    #[test]
    fn a_bucket_fills_evenly_until_its_reset() {
        let mut allowance = Allowance::default();
        allowance.told(&LimitsLeft { tokens: Some(bucket(0, Some(1_000), 10_000)), ..LimitsLeft::default() }, 0);
        assert_eq!(allowance.ready_at_ms(100, 0), Some(1_000));
        assert_eq!((allowance.ready_at_ms(100, 999), allowance.ready_at_ms(100, 1_000)), (Some(1_000), None));
        allowance.take(100);
        assert_eq!(allowance.ready_at_ms(100, 1_000), Some(1_818), "200 of 1,100 that the bucket lacks");
        assert_eq!(allowance.ready_at_ms(2_000, 1_000), Some(10_000), "more than it ever holds");
    }
}
