//! What a picture costs, by its size: the rule of each model as data.

use super::frame::{Span, span};
use super::image::Dimensions;

/// How a model prices pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageRule {
    /// Patches of so many pixels that cover the picture, shrunk until there are at most so many, times thousandths, and so many more.
    Patches {
        /// Pixels along a patch.
        pixels: u64,
        /// Patches at most.
        most: u64,
        /// Tokens for a patch, in thousandths.
        permille: u64,
        /// Tokens for a picture, beyond its patches.
        more: u64,
    },
    /// OpenAI: fit into 2048 x 2048, then the shorter side to 768, then tiles of 512 pixels; `base` alone for low detail.
    Tiles {
        /// For a picture.
        base: u64,
        /// For each tile.
        tile: u64,
    },
    /// The same for every picture within bounds, whatever its size.
    Flat {
        /// At least.
        low: u64,
        /// Likely.
        likely: u64,
        /// At most.
        high: u64,
    },
    /// Nobody has said: patches of 28 pixels within wide bounds.
    Unknown,
}

/// A picture, as far as its price needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageFacts {
    /// Its size, when its header says it (never of a URL).
    pub dimensions: Option<Dimensions>,
    /// Whether the client asked for OpenAI's low detail.
    pub is_low_detail: bool,
}

/// Tokens of one picture.
pub(super) fn image_tokens(rule: ImageRule, image: &ImageFacts) -> Span {
    let whole = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    // Recorded pictures differ from the rules by a few tokens, and a provider may shrink before it counts.
    let near = |tokens: u64| span(whole(tokens * 9 / 10).saturating_sub(4), whole(tokens), whole(tokens * 11 / 10 + 8));
    match (rule, image.dimensions) {
        (ImageRule::Patches { pixels, most, permille, more }, Some(size)) => {
            near(patches(size, pixels, most).saturating_mul(permille) / 1000 + more)
        }
        (ImageRule::Patches { most, permille, more, .. }, None) => {
            let high = most.saturating_mul(permille) / 1000 + more;
            span(1, whole(high.min(1000)), whole(high * 11 / 10 + 8))
        }
        (ImageRule::Tiles { base, .. }, _) if image.is_low_detail => near(base),
        (ImageRule::Tiles { base, tile }, Some(size)) => near(base + tile * tiles(size)),
        // 768 x 768 is a common size of what a URL leads to, 2048 x 768 the largest.
        (ImageRule::Tiles { base, tile }, None) => span(whole(base), whole(base + tile * 4), whole(base + tile * 8)),
        (ImageRule::Flat { low, likely, high }, _) => span(whole(low), whole(likely), whole(high)),
        (ImageRule::Unknown, Some(size)) => {
            let tokens = patches(size, 28, 4096);
            span(3, whole(tokens + 3), whole((tokens * 2).max(4099)))
        }
        (ImageRule::Unknown, None) => span(3, 1000, 8192),
    }
}

/// Patches of `pixels` that cover a picture; if those are more than `most`, the whole patches of the picture shrunk to an area of
/// `most` (1800 x 1200 gives 48 x 32 of 1568, as recorded on Claude).
fn patches(size: Dimensions, pixels: u64, most: u64) -> u64 {
    let (width, height) = (u64::from(size.width), u64::from(size.height));
    let all = width.div_ceil(pixels).saturating_mul(height.div_ceil(pixels));
    if all <= most {
        return all;
    }
    // Shrunk by the factor s = sqrt(most / area), each side counts floor(side * s / patch) = floor(sqrt(most * side / other)).
    let along = |side: u64, other: u64| (most.saturating_mul(side) / other.max(1)).isqrt().clamp(1, most);
    along(width, height).saturating_mul(along(height, width)).min(most)
}

/// Tiles of 512 pixels of a picture that was fitted into 2048 x 2048 and then to 768 along its shorter side.
fn tiles(size: Dimensions) -> u64 {
    let (mut width, mut height) = (u64::from(size.width), u64::from(size.height));
    let longest = width.max(height);
    if longest > 2048 {
        (width, height) = ((width * 2048 / longest).max(1), (height * 2048 / longest).max(1));
    }
    let shortest = width.min(height);
    if shortest > 768 {
        (width, height) = (width * 768 / shortest, height * 768 / shortest);
    }
    width.div_ceil(512) * height.div_ceil(512)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{Family, frame};

    fn sized(width: u32, height: u32) -> ImageFacts {
        ImageFacts { dimensions: Some(Dimensions { width, height }), is_low_detail: false }
    }

    #[test]
    fn pictures_cost_what_was_recorded() {
        let cost = |family, model, (width, height)| {
            image_tokens(frame(family, model, false).image, &sized(width, height)).likely
        };
        // Recorded: 1540 with the 1 of a system text; 2799 likewise on Opus 4.7; 60 x 30 costs 9.
        assert_eq!(cost(Family::Claude3To46, "claude-sonnet-4-6", (1800, 1200)), 1539);
        assert_eq!(cost(Family::Claude47On, "claude-opus-4-7", (1800, 1200)), 65 * 43 + 3);
        assert_eq!(cost(Family::Claude3To46, "claude-sonnet-4-5", (60, 30)), 9);
        let openai = [(100, 100), (640, 480), (3008, 2000)].map(|size| cost(Family::O200k, "gpt-4o", size));
        assert_eq!(openai, [255, 425, 1105]);
        assert_eq!(cost(Family::O200k, "gpt-4o-mini", (100, 100)), 8500);
        assert_eq!(cost(Family::Gemini, "gemini-2.5-flash", (640, 480)), 258);
    }

    #[test]
    fn no_picture_breaks_the_order_of_its_bounds() {
        let none = ImageFacts { dimensions: None, is_low_detail: false };
        let sizes = [1, 27, 28, 29, 767, 2049, 65_535, u32::MAX];
        let all = sizes.iter().flat_map(|width| sizes.iter().map(|height| sized(*width, *height))).chain([none]);
        for image in all {
            for family in Family::ALL {
                let Span { low, likely, high } = image_tokens(frame(family, "", false).image, &image);
                assert!(low <= likely && likely <= high, "{family:?} {image:?}: {low} {likely} {high}");
            }
        }
    }
}
