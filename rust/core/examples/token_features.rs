//! Scans texts for `scripts/fit_tokens.py`: a JSON string a line in, the fields of its scan as a JSON object out.

use std::io::{self, BufRead as _, Write as _};

use turnout_core::json::Value;
use turnout_core::text::{field_names, scan};

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        let Ok(Value::String(text)) = Value::parse(line.as_bytes()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is not a JSON string"));
        };
        let found = scan(&text);
        let fields: Vec<String> =
            field_names().iter().zip(found.values()).map(|(name, count)| format!("\"{name}\": {count}")).collect();
        writeln!(out, "{{{}}}", fields.join(", "))?;
    }
    out.flush()
}
