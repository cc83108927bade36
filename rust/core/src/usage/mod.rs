//! What a call used, in classes that never overlap: each token is in exactly one class.

mod classes;

pub use classes::Usage;
