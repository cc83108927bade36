//! Server-sent events from bytes, in whatever pieces they arrive.
//!
//! Promises: the rules of the WHATWG event stream (CRLF, CR and LF, a byte order mark at the start, several `data` lines,
//! comments, one space after the colon), the same items for every split of the same bytes, and bounded memory.
//! Two differences from a browser, both on purpose: what the end of input leaves pending is handed out (marked), since some
//! providers leave out the last blank line; lines that are no field are kept (bounded), since some providers end a stream with
//! a bare JSON error or send an HTML page.
//!
//! Refuses: an event above [`MAX_EVENT_BYTES`] (nothing more comes out after that).
//!
//! A test breaks it with two splits of one text that give different items.

/// The largest event, in bytes of one line or of all its data.
pub const MAX_EVENT_BYTES: usize = 8 << 20;

/// How much of the lines that are no field is kept.
const MAX_STRAY_BYTES: usize = 64 << 10;

/// The longest `event` name that is kept; all real ones are short.
const MAX_NAME_BYTES: usize = 256;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What the parser hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SseItem<'a> {
    /// An event with data.
    Event {
        /// The `event` field, empty when absent.
        name: &'a [u8],
        /// The `data` lines, joined by line feeds.
        data: &'a [u8],
        /// Whether its blank line came; `false` only for what the end of input left pending.
        is_terminated: bool,
    },
    /// A comment line: a sign of life without content.
    Comment,
    /// An event is larger than [`MAX_EVENT_BYTES`]; nothing follows.
    TooLarge,
}

/// The incremental parser.
#[derive(Debug, Clone, Default)]
pub struct SseParser {
    /// The line that is not finished yet.
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    stray: Vec<u8>,
    has_data: bool,
    /// The last byte was a CR, whose LF may still come.
    skips_line_feed: bool,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// No line was seen; a byte order mark may still come.
    #[default]
    Start,
    Running,
    /// Ended or given up: nothing comes out any more.
    Dead,
}

impl SseParser {
    /// A parser at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes. Linear in their number.
    pub fn feed(&mut self, mut bytes: &[u8], emit: &mut impl FnMut(SseItem<'_>)) {
        if self.skips_line_feed && !bytes.is_empty() {
            self.skips_line_feed = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while self.phase != Phase::Dead {
            let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) else {
                self.keep(bytes, emit);
                return;
            };
            let (head, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
            bytes = match rest {
                [b'\r', b'\n', rest @ ..] => rest,
                [b'\r'] => {
                    self.skips_line_feed = true;
                    &[]
                }
                _ => rest.get(1..).unwrap_or_default(),
            };
            if self.line.is_empty() {
                self.take_line(head, emit);
            } else {
                self.keep(head, emit);
                let line = std::mem::take(&mut self.line);
                self.take_line(&line, emit);
                self.line = line;
                self.line.clear();
            }
        }
    }

    /// The end of input: hands out what is pending.
    pub fn finish(&mut self, emit: &mut impl FnMut(SseItem<'_>)) {
        if self.phase == Phase::Dead {
            return;
        }
        if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            self.take_line(&line, emit);
        }
        self.dispatch(false, emit);
        self.phase = Phase::Dead;
    }

    /// The lines so far that were no field of an event, joined by line feeds (the first 64 KiB of them).
    pub fn stray(&self) -> &[u8] {
        &self.stray
    }

    fn keep(&mut self, bytes: &[u8], emit: &mut impl FnMut(SseItem<'_>)) {
        if self.line.len().saturating_add(bytes.len()) > MAX_EVENT_BYTES {
            self.die(emit);
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn die(&mut self, emit: &mut impl FnMut(SseItem<'_>)) {
        if self.phase != Phase::Dead {
            *self = Self { phase: Phase::Dead, stray: std::mem::take(&mut self.stray), ..Self::default() };
            emit(SseItem::TooLarge);
        }
    }

    fn take_line(&mut self, line: &[u8], emit: &mut impl FnMut(SseItem<'_>)) {
        if self.phase == Phase::Dead {
            return;
        }
        // The same bound as for a line that came in pieces.
        if line.len() > MAX_EVENT_BYTES {
            return self.die(emit);
        }
        let mut line = line;
        if self.phase == Phase::Start {
            self.phase = Phase::Running;
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch(true, emit);
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(0) => return emit(SseItem::Comment),
            Some(colon) => {
                let (field, rest) = line.split_at_checked(colon).unwrap_or((line, &[]));
                let value = rest.get(1..).unwrap_or_default();
                (field, value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &[][..]),
        };
        match field {
            b"data" => {
                if self.data.len().saturating_add(value.len()) >= MAX_EVENT_BYTES {
                    return self.die(emit);
                }
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value.get(..MAX_NAME_BYTES).unwrap_or(value));
            }
            b"id" | b"retry" => {}
            _ => {
                let room = MAX_STRAY_BYTES.saturating_sub(self.stray.len());
                if !self.stray.is_empty() && room > 0 {
                    self.stray.push(b'\n');
                }
                let room = MAX_STRAY_BYTES.saturating_sub(self.stray.len());
                self.stray.extend_from_slice(line.get(..room).unwrap_or(line));
            }
        }
    }

    fn dispatch(&mut self, is_terminated: bool, emit: &mut impl FnMut(SseItem<'_>)) {
        if self.has_data {
            emit(SseItem::Event { name: &self.name, data: &self.data, is_terminated });
        }
        self.name.clear();
        self.data.clear();
        self.has_data = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(pieces: &[&[u8]]) -> Vec<String> {
        let mut parser = SseParser::new();
        let mut seen = Vec::new();
        let mut emit = |item: SseItem<'_>| {
            seen.push(match item {
                SseItem::Event { name, data, is_terminated } => {
                    format!("{}|{}|{is_terminated}", String::from_utf8_lossy(name), String::from_utf8_lossy(data))
                }
                SseItem::Comment => "comment".to_owned(),
                SseItem::TooLarge => "too large".to_owned(),
            });
        };
        for piece in pieces {
            parser.feed(piece, &mut emit);
        }
        parser.finish(&mut emit);
        if !parser.stray().is_empty() {
            seen.push(format!("stray {}", String::from_utf8_lossy(parser.stray())));
        }
        seen
    }

    #[test]
    fn line_ends_are_cr_lf_or_both() {
        for end in ["\n", "\r", "\r\n"] {
            let text = ["event: a", "data: 1", "data:2", "", "id: 7", "retry: 3", ": hi", "data", "", ""].join(end);
            assert_eq!(items(&[text.as_bytes()]), ["a|1\n2|true", "comment", "||true"], "{end:?}");
        }
    }

    #[test]
    fn a_carriage_return_at_a_border_is_one_line_end() {
        assert_eq!(items(&[b"data: 1\r", b"\ndata: 2\r", b"", b"\n\r", b"\n"]), ["|1\n2|true"]);
        assert_eq!(items(&[b"data: 1\r", b"\r", b"data: 2\r\r"]), ["|1|true", "|2|true"]);
    }

    #[test]
    fn a_byte_order_mark_counts_only_at_the_start() {
        assert_eq!(items(&[b"\xEF", b"\xBB", b"\xBFdata: 1\n\n"]), ["|1|true"]);
        assert_eq!(items(&[b"\n\xEF\xBB\xBFdata: 1\n\n"]), ["stray \u{feff}data: 1"]);
    }

    #[test]
    fn an_event_without_data_is_none_and_its_name_does_not_stick() {
        assert_eq!(items(&[b"event: a\n\ndata: 1\n\n"]), ["|1|true"]);
    }

    #[test]
    fn what_the_end_leaves_pending_is_marked() {
        assert_eq!(items(&[b"data: 1\n"]), ["|1|false"]);
        assert_eq!(items(&[b"data: 1"]), ["|1|false"]);
    }

    #[test]
    fn bare_json_and_html_are_kept_apart() {
        assert_eq!(items(&[b"data: 1\n\n{\"error\": {}}"]), ["|1|true", "stray {\"error\": {}}"]);
        assert_eq!(items(&[b"<html>\n<b>x</b>"]), ["stray <html>\n<b>x</b>"]);
    }

    #[test]
    fn a_huge_event_ends_everything() {
        let line = vec![b'a'; 1 << 20];
        let mut pieces: Vec<&[u8]> = vec![b"data: "];
        pieces.extend(std::iter::repeat_n(&line[..], 9));
        pieces.push(b"\n\ndata: 2\n\n");
        assert_eq!(items(&pieces), ["too large"]);
        let lines: Vec<&[u8]> = std::iter::repeat_n([&b"data: "[..], &line[..], b"\n"], 9).flatten().collect();
        assert_eq!(items(&lines), ["too large"]);
    }
}
