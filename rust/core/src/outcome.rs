//! (outcomes of an attempt)
