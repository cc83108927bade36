//! A text that many hold and none changes: a policy's names, which every decision of it repeats.
//!
//! Promises: a clone allocates nothing, and equals, prints and hashes as its text does. Refuses: to be changed. A test
//! breaks it with a clone whose text lies elsewhere.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A shared text. Cloned in constant time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharedStr(Arc<str>);

impl SharedStr {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for SharedStr {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for SharedStr {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Default for SharedStr {
    fn default() -> Self {
        Self::from("")
    }
}

impl From<&str> for SharedStr {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for SharedStr {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl PartialEq<str> for SharedStr {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for SharedStr {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl PartialEq<String> for SharedStr {
    fn eq(&self, other: &String) -> bool {
        *self.0 == **other
    }
}

impl fmt::Debug for SharedStr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl fmt::Display for SharedStr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_is_the_same_text_at_the_same_place() {
        let text = "sonnet/eu".to_owned();
        let one = SharedStr::from(text.clone());
        let other = one.clone();
        assert!(std::ptr::eq(one.as_str(), other.as_str()));
        assert!(one == other && one == "sonnet/eu" && one == *"sonnet/eu" && one == text);
        assert!(one != SharedStr::default() && SharedStr::default().is_empty());
        assert_eq!((format!("{one}"), format!("{one:?}")), ("sonnet/eu".to_owned(), "\"sonnet/eu\"".to_owned()));
    }
}
