//! From a provider's figures to classes that never overlap.

use super::classes::Usage;
use super::extractor::{Extractor, Paths, Place};
use super::figures::Figures;
use super::problem::{Findings, UsageProblem};

/// Takes `wanted` out of what is left of a whole.
fn take(left: &mut u64, wanted: u64) -> u64 {
    let taken = wanted.min(*left);
    *left -= taken;
    taken
}

fn field(paths: Paths) -> &'static str {
    paths.first().copied().unwrap_or_default()
}

/// The classes. Their sum is the provider's total where it gives one, or there is a finding.
pub(super) fn classes(extractor: &Extractor, figures: &Figures, findings: &mut Findings) -> Usage {
    let figure = |figure: Option<u64>| figure.unwrap_or(0);
    let (input, output) = (figure(figures.input), figure(figures.output));
    let by_time = figure(figures.cache_write_5m).saturating_add(figure(figures.cache_write_1h));
    let read = figure(figures.cache_read);
    // What is written for a known time is written, whatever the total says.
    let written = figure(figures.cache_write).max(by_time);
    let (reasoning, audio_in) = (figure(figures.reasoning), figure(figures.audio_in));

    let parts = [
        (extractor.cache_read.place, read),
        (extractor.cache_write.place, written),
        (extractor.more_input.place, figure(figures.more_input)),
        (extractor.audio_in.place, audio_in),
        (extractor.reasoning.place, reasoning),
        (extractor.audio_out.place, figure(figures.audio_out)),
    ];
    let sum_of = |place: Place| {
        parts.iter().filter(|(its, _)| *its == place).fold(0_u64, |sum, (_, part)| sum.saturating_add(*part))
    };
    let counted = input.saturating_add(output).saturating_add(sum_of(Place::Beside));
    // A total that is larger by just one figure shows that this one is not inside, whatever is usual: reasoning on xAI's
    // chat endpoint, audio on Mistral's.
    let gap = figures.total.and_then(|total| total.checked_sub(counted)).filter(|gap| *gap > 0);
    let is_shown = |place: Place, part: u64| place == Place::Inside && gap == Some(part);
    let reasoning_is_beside =
        extractor.reasoning.place != Place::Inside || is_shown(extractor.reasoning.place, reasoning);
    let audio_is_beside = extractor.audio_in.place != Place::Inside
        || (gap != Some(reasoning) && is_shown(extractor.audio_in.place, audio_in));

    let mut input_left = input;
    let cache_read = match extractor.cache_read.place {
        Place::Inside if read > input_left => {
            // Grok on Azure leaves the cache out of the prompt (recorded: 7 in, 161 cached), which shows only when it is larger.
            findings.note(UsageProblem::Inconsistent, field(extractor.cache_read.at));
            read
        }
        Place::Inside => take(&mut input_left, read),
        Place::Beside | Place::Uncounted => read,
    };
    let mut written_left = match extractor.cache_write.place {
        Place::Inside => take(&mut input_left, written),
        Place::Beside | Place::Uncounted => written,
    };
    if written_left < written || figures.cache_write.is_some_and(|total| total < by_time) {
        findings.note(UsageProblem::Inconsistent, field(extractor.cache_write.at));
    }
    let cache_write_1h = take(&mut written_left, figure(figures.cache_write_1h));
    let cache_write_5m = take(&mut written_left, figure(figures.cache_write_5m));
    let audio_in = audio_in.saturating_sub(figure(figures.cached_audio));
    // Cached audio and images are counted in both parts where no figure tells them apart, so the rest may be smaller.
    let audio_in = if audio_is_beside { audio_in } else { take(&mut input_left, audio_in) };
    let image_in = take(&mut input_left, figure(figures.image_in).saturating_sub(figure(figures.cached_image)));
    input_left = input_left.saturating_add(figure(figures.more_input));

    let mut output_left = output;
    let reasoning = if reasoning_is_beside {
        reasoning
    } else if reasoning > output && reasoning / 2 >= output {
        // A gateway that leaves reasoning out of both figures, though its cost includes it (recorded with Vercel's: 2.5 to
        // 15 times the completion). Servers that merely count it badly (doubleword, OpenRouter) were at most 1.3 times off.
        findings.note(UsageProblem::Inconsistent, field(extractor.reasoning.at));
        reasoning
    } else {
        if reasoning > output {
            findings.note(UsageProblem::Inconsistent, field(extractor.reasoning.at));
        }
        take(&mut output_left, reasoning)
    };
    let audio_out = figure(figures.audio_out);
    if audio_out > output_left {
        findings.note(UsageProblem::Inconsistent, field(extractor.audio_out.at));
    }
    let audio_out = take(&mut output_left, audio_out);
    let mut usage = Usage {
        input_uncached: input_left,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        cache_write_other: written_left,
        output_text: output_left,
        reasoning,
        audio_in,
        audio_out,
        image_in,
        web_searches: figure(figures.web_searches),
        ..Usage::default()
    };
    check_total(extractor, figures, &mut usage, sum_of(Place::Uncounted), findings);
    usage
}

/// Holds the classes to the provider's total; without one a missing figure is a finding.
///
/// What a total has beyond all other figures is taken as reasoning: Gemini's OpenAI endpoint counts thoughts nowhere else.
fn check_total(extractor: &Extractor, figures: &Figures, usage: &mut Usage, uncounted: u64, findings: &mut Findings) {
    let sum = usage.input_total().saturating_add(usage.output_total()).saturating_sub(uncounted);
    if figures.total == Some(sum) {
        return;
    }
    if figures.input.is_none() {
        findings.note(UsageProblem::Partial, field(extractor.input));
    } else if figures.output.is_none() {
        findings.note(UsageProblem::Partial, field(extractor.output));
    }
    if let Some(total) = figures.total {
        if findings.worst.is_none_or(|worst| worst.problem < UsageProblem::Inconsistent) {
            usage.reasoning = usage.reasoning.saturating_add(total.saturating_sub(sum));
        }
        findings.note(UsageProblem::Inconsistent, field(extractor.total));
    }
}
