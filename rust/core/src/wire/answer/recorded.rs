//! The usage of an answer that is there as a whole, a plain body or the text of a stream, of any provider.

use super::sse::{SseItem, SseParser};
use crate::json::{Kind, Reader};
use crate::usage::{Extractor, UsageReader, UsageReport};

/// Reads the usage of a body, or of a stream as it was received: server-sent events, or JSON lines. Linear in its bytes.
pub fn read_usage(extractor: &'static Extractor, answer: &[u8]) -> UsageReport {
    let mut usage = UsageReader::new(extractor);
    let text = answer.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(answer).trim_ascii();
    let is_object = matches!(Reader::new(text).peek(), Ok(Kind::Object));
    if is_object && has_more_than_one(text) {
        for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
            usage.body(line);
        }
    } else if is_object || text.starts_with(b"[") || !is_stream(text) {
        usage.body(text);
    } else {
        let mut take = |item: SseItem<'_>| {
            // `[DONE]` is no JSON and no object either.
            if let SseItem::Event { data, .. } = item
                && matches!(Reader::new(data).peek(), Ok(Kind::Object))
            {
                usage.body(data);
            }
        };
        let mut parser = SseParser::new();
        parser.feed(text, &mut take);
        parser.finish(&mut take);
    }
    usage.report()
}

/// Whether something follows the first value: JSON lines.
fn has_more_than_one(text: &[u8]) -> bool {
    let mut reader = Reader::new(text);
    reader.skip().is_ok() && reader.finish().is_err()
}

fn is_stream(text: &[u8]) -> bool {
    [&b"data:"[..], b"event:", b"id:", b"retry:", b":"].iter().any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::UsageProblem;

    fn read(name: &str, answer: &str) -> UsageReport {
        read_usage(Extractor::find(name).unwrap(), answer.as_bytes())
    }

    #[test]
    fn every_framing_says_the_same() {
        let body = r#"{"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}"#;
        for answer in [
            body.to_owned(),
            format!("\u{feff} {body}\n"),
            format!("{{\"choices\":[]}}\n{body}\n\n"),
            format!("data: {{\"choices\":[]}}\n\ndata: {body}\n\ndata: [DONE]\n\n"),
            format!(": comment\r\n\r\nevent: x\r\ndata: {body}"),
        ] {
            let report = read("openai-chat", &answer);
            let usage = report.usage.unwrap();
            assert_eq!((usage.input_total(), usage.output_total(), report.finding), (5, 7, None), "{answer}");
        }
    }

    #[test]
    fn what_is_no_answer_is_a_finding_and_what_says_nothing_is_none() {
        for (answer, problem) in [
            ("", Some(UsageProblem::Unreadable)),
            ("<html>", Some(UsageProblem::Unreadable)),
            (r#"{"usage":{"prompt_tokens":5"#, Some(UsageProblem::Unreadable)),
            (r#"{"choices":[]}"#, None),
            ("data: [DONE]\n\n", None),
        ] {
            let report = read("openai-chat", answer);
            assert_eq!((report.usage, report.finding.map(|finding| finding.problem)), (None, problem), "{answer}");
        }
    }
}
