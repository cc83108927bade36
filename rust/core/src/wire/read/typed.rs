//! What both request parsers share: typed fields, pieces of turns, data URLs.

use std::borrow::Cow;

use crate::json::{Kind, Reader, Span};
use crate::wire::{
    Billing, CacheTtl, Dialect, Image, ImageSource, Part, Request, ResponseFormat, Role, Thinking, ToolChoice, Turn,
    WireError,
};

/// What a step of a parser gives.
pub(in crate::wire) type Read<T> = Result<T, WireError>;

/// A request with nothing said yet.
pub(in crate::wire) fn blank(dialect: Dialect, body: &[u8]) -> Request<'_> {
    Request {
        dialect,
        body,
        model: None,
        system: Vec::new(),
        turns: Vec::new(),
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        max_tokens: None,
        stream: false,
        response_format: ResponseFormat::Text,
        thinking: Thinking::Unsaid,
        choices: 1,
        sampling: Vec::new(),
        has_special_fields: false,
        is_stateful: false,
        end_user: None,
        wants_usage: false,
        billing: Billing::default(),
    }
}

/// Whether a top-level field is one whose translation may be refused.
pub(in crate::wire) fn is_special(key: &str) -> bool {
    const KEYS: [&str; 8] = [
        "stop",
        "stop_sequences",
        "web_search_options",
        "modalities",
        "audio",
        "mcp_servers",
        "container",
        "inference_geo",
    ];
    KEYS.contains(&key)
}

/// Checks the kind of the next value; `null` gives `false`, as if the field were absent.
pub(in crate::wire) fn present(reader: &mut Reader<'_>, field: &str, kind: Kind) -> Read<bool> {
    let found = reader.peek()?;
    if found == kind {
        Ok(true)
    } else if found == Kind::Null {
        reader.null()?;
        Ok(false)
    } else {
        Err(WireError::wrong_type(field, kind.name(), found, reader.offset()))
    }
}

/// A string, or nothing when it is null.
pub(in crate::wire) fn string<'a>(reader: &mut Reader<'a>, field: &str) -> Read<Option<Cow<'a, str>>> {
    if present(reader, field, Kind::String)? { Ok(Some(reader.string()?)) } else { Ok(None) }
}

/// A word; nothing when it is anything else, which is the provider's to refuse.
pub(in crate::wire) fn word<'a>(reader: &mut Reader<'a>) -> Read<Option<Cow<'a, str>>> {
    if reader.peek()? == Kind::String {
        return Ok(Some(reader.string()?));
    }
    reader.skip()?;
    Ok(None)
}

/// A `cache_control`; nothing when it is null or anything else that marks nothing.
pub(in crate::wire) fn cache_control(reader: &mut Reader<'_>) -> Read<Option<CacheTtl>> {
    if reader.peek()? != Kind::Object {
        reader.skip()?;
        return Ok(None);
    }
    let mut ttl = CacheTtl::FiveMinutes;
    object(reader, "cache_control", |reader, key| {
        if key == "ttl" {
            if word(reader)?.as_deref() == Some("1h") {
                ttl = CacheTtl::OneHour;
            }
        } else {
            reader.skip()?;
        }
        Ok(())
    })?;
    Ok(Some(ttl))
}

/// A boolean, or nothing when it is null.
pub(in crate::wire) fn boolean(reader: &mut Reader<'_>, field: &str) -> Read<Option<bool>> {
    if present(reader, field, Kind::Bool)? { Ok(Some(reader.bool()?)) } else { Ok(None) }
}

/// A whole number, or nothing when it is null.
pub(in crate::wire) fn whole(reader: &mut Reader<'_>, field: &str) -> Read<Option<u64>> {
    if !present(reader, field, Kind::Number)? {
        return Ok(None);
    }
    let offset = reader.offset();
    reader.number()?.as_u64().map(Some).ok_or_else(|| {
        WireError::new("wrong_type", format!("`{field}` must be a whole number that is not negative"), offset)
    })
}

/// The members of an object, or nothing at all when it is null.
pub(in crate::wire) fn object<'a>(
    reader: &mut Reader<'a>,
    field: &str,
    visit: impl FnMut(&mut Reader<'a>, Cow<'a, str>) -> Read<()>,
) -> Read<()> {
    if present(reader, field, Kind::Object)? { reader.object(visit) } else { Ok(()) }
}

/// The elements of an array, or nothing at all when it is null.
pub(in crate::wire) fn array<'a>(
    reader: &mut Reader<'a>,
    field: &str,
    visit: impl FnMut(&mut Reader<'a>) -> Read<()>,
) -> Read<()> {
    if present(reader, field, Kind::Array)? { reader.array(visit) } else { Ok(()) }
}

/// Any value's bytes, or nothing when it is null.
pub(in crate::wire) fn raw<'a>(reader: &mut Reader<'a>) -> Read<Option<&'a [u8]>> {
    let is_null = reader.peek()? == Kind::Null;
    let span = reader.skip()?;
    Ok((!is_null).then(|| reader.slice(span)))
}

/// Where the next value begins.
pub(in crate::wire) fn start(reader: &mut Reader<'_>) -> Read<usize> {
    reader.peek()?;
    Ok(reader.offset())
}

/// The bytes from `start` up to the reader.
pub(in crate::wire) fn since<'a>(reader: &Reader<'a>, start: usize) -> &'a [u8] {
    reader.slice(Span { start, end: reader.offset() })
}

/// Fills a slot that may be filled once.
pub(in crate::wire) fn once<T>(slot: &mut Option<T>, value: Option<T>, key: &str, reader: &Reader<'_>) -> Read<()> {
    if slot.is_some() {
        return Err(WireError::duplicate(key, reader.offset()));
    }
    *slot = value;
    Ok(())
}

/// JSON bytes as text. Bytes come from a checked value, so only invalid UTF-8 inside its strings is repaired.
pub(in crate::wire) fn text(json: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(json)
}

/// Adds a piece to the conversation; neighbours of one role are one turn, as Anthropic's API has it too.
pub(in crate::wire) fn say<'a>(turns: &mut Vec<Turn<'a>>, role: Role, part: Part<'a>) {
    if matches!(&part, Part::Text(text) if text.is_empty()) {
        return;
    }
    match turns.last_mut() {
        Some(turn) if turn.role == role => turn.parts.push(part),
        _ => turns.push(Turn { role, parts: vec![part] }),
    }
}

/// Texts as one, a line each; one alone is not copied.
pub(in crate::wire) fn join(mut texts: Vec<Cow<'_, str>>) -> Cow<'_, str> {
    if texts.len() > 1 {
        return Cow::Owned(texts.join("\n"));
    }
    texts.pop().unwrap_or_default()
}

/// Cuts a text, borrowing where it was borrowed.
fn tail(text: Cow<'_, str>, from: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(from..).unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.get(from..).unwrap_or_default().to_owned()),
    }
}

/// The media type and the base64 text of a data URL; any other URL comes back.
pub(in crate::wire) fn data_url(url: Cow<'_, str>) -> Result<(Cow<'_, str>, Cow<'_, str>), Cow<'_, str>> {
    let Some((head, _)) = url.strip_prefix("data:").and_then(|rest| rest.split_once(',')) else {
        return Err(url);
    };
    let Some(described) = head.strip_suffix(";base64") else {
        return Err(url);
    };
    // Parameters such as `;charset=utf-8` say nothing that a provider reads.
    let media = described.split(';').next().unwrap_or_default().len();
    let from = "data:".len() + head.len() + 1;
    let media_type = match &url {
        Cow::Borrowed(url) => Cow::Borrowed(url.get(5..5 + media).unwrap_or_default()),
        Cow::Owned(url) => Cow::Owned(url.get(5..5 + media).unwrap_or_default().to_owned()),
    };
    Ok((media_type, tail(url, from)))
}

/// A picture behind a URL or inside a data URL.
pub(in crate::wire) fn image<'a>(url: Cow<'a, str>, detail: Option<Cow<'a, str>>) -> Image<'a> {
    let source = match data_url(url) {
        Ok((media_type, data)) => ImageSource::Base64 { media_type, data },
        Err(url) => ImageSource::Url(url),
    };
    Image { source, detail }
}

/// The sampling parameters that the normal form names.
pub(in crate::wire) fn sampling_name(key: &str) -> Option<&'static str> {
    const NAMES: [&str; 8] = [
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "frequency_penalty",
        "presence_penalty",
        "repetition_penalty",
        "logit_bias",
    ];
    NAMES.into_iter().find(|name| *name == key)
}

/// Bytes of base64 text, or nothing when it is none. White space is passed over, padding may be missing.
pub(in crate::wire) fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text.trim_end_matches(['=', '\n', '\r', ' ']).bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'\n' | b'\r' => continue,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xFF).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls_are_taken_apart_without_copying() {
        let Ok((Cow::Borrowed("image/png"), Cow::Borrowed("QUJD"))) = data_url("data:image/png;base64,QUJD".into())
        else {
            panic!("not borrowed");
        };
        assert_eq!(data_url("data:text/plain;charset=utf-8;base64,QUJD".into()).unwrap().0, "text/plain");
        assert!(data_url("data:text/plain,hello".into()).is_err());
        assert!(data_url("https://example.com/a.png".into()).is_err());
    }

    #[test]
    fn base64_is_read() {
        assert_eq!(base64("aGVsbG8=").unwrap(), b"hello");
        assert_eq!(base64("aGVsbG8").unwrap(), b"hello");
        assert_eq!(base64("a b"), None);
    }
}
