#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]
mod brute_force;
mod region;
mod truth;
mod universe;
mod values;
