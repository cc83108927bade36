//! (money)
