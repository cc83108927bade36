//! The writer: members in the order given, no white space, so the same values always give the same bytes.

/// Appends a JSON string with its quotes.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    // Most text holds nothing to escape but line ends and quotes, which memchr finds in big steps.
    let is_rare = |byte: &u8| *byte < 0x20 && *byte != b'\n';
    if text.as_bytes().chunks(64).all(|chunk| chunk.iter().fold(0, |rare, byte| rare | u8::from(is_rare(byte))) == 0) {
        let mut rest = text;
        while let Some(at) = memchr::memchr3(b'"', b'\\', b'\n', rest.as_bytes()) {
            let (plain, escaped) = rest.split_at_checked(at).unwrap_or((rest, ""));
            out.push_str(plain);
            out.push_str(match escaped.as_bytes().first() {
                Some(b'"') => "\\\"",
                Some(b'\\') => "\\\\",
                _ => "\\n",
            });
            rest = escaped.get(1..).unwrap_or_default();
        }
        out.push_str(rest);
        out.push('"');
        return;
    }
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(text.get(start..at).unwrap_or_default());
        start = at + 1;
        if escape.is_empty() {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.push_str("\\u00");
            out.push(char::from(*HEX.get(usize::from(byte >> 4)).unwrap_or(&b'0')));
            out.push(char::from(*HEX.get(usize::from(byte & 15)).unwrap_or(&b'0')));
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(text.get(start..).unwrap_or_default());
    out.push('"');
}

/// Writes one object; closes it when dropped out of [`ObjectWriter::end`].
#[derive(Debug)]
pub struct ObjectWriter<'o> {
    out: &'o mut String,
    is_first: bool,
}

impl<'o> ObjectWriter<'o> {
    /// Opens an object at the end of `out`.
    pub fn new(out: &'o mut String) -> Self {
        out.push('{');
        Self { out, is_first: true }
    }

    /// Writes a key and hands back the text, for the value to be appended.
    pub fn key(&mut self, key: &str) -> &mut String {
        if !self.is_first {
            self.out.push(',');
        }
        self.is_first = false;
        write_string(self.out, key);
        self.out.push(':');
        self.out
    }

    /// A string member.
    pub fn string(&mut self, key: &str, value: &str) -> &mut Self {
        write_string(self.key(key), value);
        self
    }

    /// A string member, or null.
    pub fn string_or_null(&mut self, key: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.string(key, value),
            None => self.raw(key, "null"),
        }
    }

    /// A member that shows itself as JSON already: an integer, `true`, `null`, or a finished text.
    pub fn raw(&mut self, key: &str, value: impl std::fmt::Display) -> &mut Self {
        use std::fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = write!(self.key(key), "{value}");
        self
    }

    /// An array member.
    pub fn array(&mut self, key: &str, write: impl FnOnce(&mut ArrayWriter<'_>)) -> &mut Self {
        let mut array = ArrayWriter::new(self.key(key));
        write(&mut array);
        array.end();
        self
    }

    /// An object member.
    pub fn object(&mut self, key: &str, write: impl FnOnce(&mut ObjectWriter<'_>)) -> &mut Self {
        let mut object = ObjectWriter::new(self.key(key));
        write(&mut object);
        object.end();
        self
    }

    /// Closes the object.
    pub fn end(self) {
        self.out.push('}');
    }
}

/// Writes one array.
#[derive(Debug)]
pub struct ArrayWriter<'o> {
    out: &'o mut String,
    is_first: bool,
}

impl<'o> ArrayWriter<'o> {
    /// Opens an array at the end of `out`.
    pub fn new(out: &'o mut String) -> Self {
        out.push('[');
        Self { out, is_first: true }
    }

    /// Starts an element and hands back the text, for the value to be appended.
    pub fn element(&mut self) -> &mut String {
        if !self.is_first {
            self.out.push(',');
        }
        self.is_first = false;
        self.out
    }

    /// A string element.
    pub fn string(&mut self, value: &str) -> &mut Self {
        write_string(self.element(), value);
        self
    }

    /// An object element.
    pub fn object(&mut self, write: impl FnOnce(&mut ObjectWriter<'_>)) -> &mut Self {
        let mut object = ObjectWriter::new(self.element());
        write(&mut object);
        object.end();
        self
    }

    /// Closes the array.
    pub fn end(self) {
        self.out.push(']');
    }
}
