//! Reading the fields of a row strictly: every key is known, every value has its type, every error names row and field.

use std::borrow::Cow;

use super::error::CatalogError;
use crate::json::Value;
use crate::money::{MoneyError, NanosPerMtok};

/// An enum whose variants have names in the rows.
macro_rules! named {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in rows and in messages.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The value with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(super) use named;

/// One object of a row, and the row's name for messages.
pub(super) struct Fields<'r> {
    row: &'r str,
    value: &'r Value<'r>,
}

impl<'r> Fields<'r> {
    /// The object, once every key is known to be one of `keys`.
    pub(super) fn new(row: &'r str, value: &'r Value<'r>, keys: &[&str]) -> Result<Self, CatalogError> {
        Self::with(row, value, &[keys])
    }

    /// The object, once every key is known to be of one of these lists.
    pub(super) fn with(row: &'r str, value: &'r Value<'r>, keys: &[&[&str]]) -> Result<Self, CatalogError> {
        let Value::Object(members) = value else {
            return Err(CatalogError::bad_row(row, "expected an object"));
        };
        match members.iter().find(|(key, _)| !keys.iter().any(|keys| keys.contains(&key.as_ref()))) {
            Some((key, _)) => Err(CatalogError::bad_row(row, format_args!("unknown key `{key}`")).at(key)),
            None => Ok(Self { row, value }),
        }
    }

    fn wrong(&self, key: &str, expected: &str) -> CatalogError {
        CatalogError::bad_row(self.row, format_args!("`{key}` is not {expected}")).at(key)
    }

    /// The value at a key, as it is.
    pub(super) fn value(&self, key: &str) -> Option<&'r Value<'r>> {
        self.value.get(key)
    }

    fn read<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&'r Value<'r>) -> Option<T>,
    ) -> Result<Option<T>, CatalogError> {
        self.value(key).map(|value| read(value).ok_or_else(|| self.wrong(key, expected))).transpose()
    }

    /// A string.
    pub(super) fn string(&self, key: &str) -> Result<Option<String>, CatalogError> {
        self.read(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    /// A string that must be there and not be empty.
    pub(super) fn required(&self, key: &str) -> Result<String, CatalogError> {
        let text = self.string(key)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| CatalogError::bad_row(self.row, format_args!("`{key}` is missing")))
    }

    /// A whole number.
    pub(super) fn u64(&self, key: &str) -> Result<Option<u64>, CatalogError> {
        self.read(key, "a whole number", Value::as_u64)
    }

    /// A boolean.
    pub(super) fn bool(&self, key: &str) -> Result<Option<bool>, CatalogError> {
        self.read(key, "true or false", Value::as_bool)
    }

    /// An array of strings.
    pub(super) fn strings(&self, key: &str) -> Result<Vec<String>, CatalogError> {
        self.list(key, "an array of strings", |text| Some(text.to_owned()))
    }

    /// An array of strings, each with a meaning.
    pub(super) fn list<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, CatalogError> {
        let all = |value: &'r Value<'r>| match value {
            Value::Array(items) => items.iter().map(|item| item.as_str().and_then(&read)).collect(),
            _ => None,
        };
        Ok(self.read(key, expected, all)?.unwrap_or_default())
    }

    /// An array of objects.
    pub(super) fn objects(&self, key: &str) -> Result<&'r [Value<'r>], CatalogError> {
        let all = |value: &'r Value<'r>| matches!(value, Value::Array(_)).then(|| value.items());
        Ok(self.read(key, "an array of objects", all)?.unwrap_or_default())
    }

    /// The members of an object.
    pub(super) fn members(&self, key: &str) -> Result<&'r [(Cow<'r, str>, Value<'r>)], CatalogError> {
        let all = |value: &'r Value<'r>| matches!(value, Value::Object(_)).then(|| value.members());
        Ok(self.read(key, "an object", all)?.unwrap_or_default())
    }

    /// A string with a meaning.
    pub(super) fn word<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, CatalogError> {
        self.read(key, expected, |value| value.as_str().and_then(read))
    }

    /// A number of USD, exact.
    pub(super) fn usd<T>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, MoneyError>,
    ) -> Result<Option<T>, CatalogError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number = value.as_number().ok_or_else(|| self.wrong(key, "a number"))?;
        let wrong = |error| CatalogError::bad_row(self.row, format_args!("`{key}`: {error}")).at(key);
        parse(number.0).map(Some).map_err(wrong)
    }

    /// A price in USD per million tokens.
    pub(super) fn price(&self, key: &str) -> Result<Option<NanosPerMtok>, CatalogError> {
        self.usd(key, NanosPerMtok::parse)
    }
}
