//! Reads one JSON string per line and prints one JSON object per line: the scan of that text (for `scripts/fit_tokens.py`).
#![allow(clippy::print_stdout, reason = "its purpose is to print")]

use std::io::BufRead as _;

use turnout_core::json::{ObjectWriter, Value};
use turnout_core::text;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let value = Value::parse(line.as_bytes()).map_err(|error| format!("{error:?}"))?;
        let mut out = String::new();
        let mut object = ObjectWriter::new(&mut out);
        let scan = text::scan(value.as_str().unwrap_or_default());
        for (name, count) in text::field_names().iter().zip(scan.values()) {
            object.raw(name, count);
        }
        object.end();
        println!("{out}");
    }
    Ok(())
}
