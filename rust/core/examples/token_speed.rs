//! Reads a text from standard input and prints the speed of the scan (and of the counters) over it.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement prints and reads the clock")]

use std::io::Read as _;
use std::time::Instant;

use turnout_core::text;
use turnout_core::tokens::{Family, count_exact, estimate, warm};

fn measure(name: &str, bytes: usize, mut work: impl FnMut() -> u64) {
    let mut best = f64::MAX;
    let mut result = 0;
    for _ in 0..7 {
        let start = Instant::now();
        result = work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{name}: {:.1} MB/s ({result})", bytes as f64 / best / 1e6);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text)?;
    measure("scan", text.len(), || text::scan(&text).words.iter().sum());
    let scan = text::scan(&text);
    measure("estimate (of 1 MB)", 1_000_000, || estimate(&scan, Family::Claude47On).tokens);
    for family in [Family::O200k, Family::Cl100k] {
        let start = Instant::now();
        warm(family);
        println!("{} loads in {:.1} ms", family.name(), start.elapsed().as_secs_f64() * 1e3);
        measure(family.name(), text.len(), || count_exact(family, &text).unwrap_or(0));
    }
    Ok(())
}
