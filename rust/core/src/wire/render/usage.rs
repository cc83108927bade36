//! Usage in the words of each dialect, out of classes that do not overlap.

use crate::json::ObjectWriter;
use crate::usage::Usage;
use crate::wire::Dialect;

fn written(usage: &Usage) -> u64 {
    usage.cache_write_5m.saturating_add(usage.cache_write_1h).saturating_add(usage.cache_write_other)
}

/// The usage object of a dialect.
pub(in crate::wire) fn json(usage: &Usage, dialect: Dialect) -> String {
    let (input, output) = (usage.input_total(), usage.output_total());
    let written = written(usage);
    let mut out = String::new();
    let mut object = ObjectWriter::new(&mut out);
    let (input_key, output_key, input_details, output_details) = match dialect {
        Dialect::AnthropicMessages => {
            let beside = usage.cache_read.saturating_add(written);
            object
                .raw("input_tokens", input.saturating_sub(beside))
                .raw("cache_creation_input_tokens", written)
                .raw("cache_read_input_tokens", usage.cache_read)
                .raw("output_tokens", output);
            if usage.cache_write_5m > 0 || usage.cache_write_1h > 0 {
                object.object("cache_creation", |split| {
                    split
                        .raw("ephemeral_5m_input_tokens", usage.cache_write_5m)
                        .raw("ephemeral_1h_input_tokens", usage.cache_write_1h);
                });
            }
            if usage.reasoning > 0 {
                object.object("output_tokens_details", |details| {
                    details.raw("thinking_tokens", usage.reasoning);
                });
            }
            object.end();
            return out;
        }
        Dialect::OpenAiChat => {
            ("prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details")
        }
        Dialect::OpenAiResponses => ("input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details"),
    };
    object.raw(input_key, input).raw(output_key, output).raw("total_tokens", input.saturating_add(output));
    object.object(input_details, |details| {
        details.raw("cached_tokens", usage.cache_read);
        if written > 0 {
            details.raw("cache_write_tokens", written);
        }
    });
    object.object(output_details, |details| {
        details.raw("reasoning_tokens", usage.reasoning);
    });
    object.end();
    out
}
