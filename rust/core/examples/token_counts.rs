//! Reads one JSON string per line and prints one JSON object per line: the exact counts and the estimates of that text
//! (to compare with other counters).
#![allow(clippy::print_stdout, reason = "its purpose is to print")]

use std::io::BufRead as _;

use turnout_core::json::{ObjectWriter, Value};
use turnout_core::text;
use turnout_core::tokens::{Family, count_exact, estimate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let value = Value::parse(line.as_bytes()).map_err(|error| format!("{error:?}"))?;
        let text = value.as_str().unwrap_or_default();
        let scan = text::scan(text);
        let mut out = String::new();
        let mut object = ObjectWriter::new(&mut out);
        for family in Family::ALL {
            let count = estimate(&scan, family);
            object.object(family.name(), |object| {
                object.raw("tokens", count.tokens).raw("low", count.low).raw("high", count.high);
                if let Some(tokens) = count_exact(family, text) {
                    object.raw("exact", tokens);
                }
            });
        }
        object.end();
        println!("{out}");
    }
    Ok(())
}
