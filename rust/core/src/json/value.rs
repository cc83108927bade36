//! A small tree, for texts that are not on the hot path (catalogue rows, records, test cases).

use std::borrow::Cow;

use super::{ArrayWriter, JsonError, Kind, Number, ObjectWriter, Reader, write_string};

/// Up to so many keys of an object are compared with each other one by one.
const FEW_KEYS: usize = 64;

/// A JSON value that borrows from its text where it can.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as written.
    Number(Number<'a>),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object, in the order of the text; keys are unique.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// Parses one whole JSON text.
    ///
    /// # Errors
    /// When the text is not JSON, or an object repeats a key.
    pub fn parse(text: &'a [u8]) -> Result<Self, JsonError> {
        let mut reader = Reader::new(text);
        let value = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }

    /// Reads one value from a reader.
    ///
    /// # Errors
    /// As [`Value::parse`].
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        Ok(match reader.peek()? {
            Kind::Null => {
                reader.null()?;
                Self::Null
            }
            Kind::Bool => Self::Bool(reader.bool()?),
            Kind::Number => Self::Number(reader.number()?),
            Kind::String => Self::String(reader.string()?),
            Kind::Array => {
                let mut items = Vec::new();
                reader.array(|reader| {
                    items.push(Self::read(reader)?);
                    Ok::<(), JsonError>(())
                })?;
                Self::Array(items)
            }
            Kind::Object => {
                let mut members: Vec<(Cow<'a, str>, Self)> = Vec::new();
                reader.object(|reader, key| {
                    // Few keys are compared one by one; many would take quadratic time, and are sorted below.
                    if members.len() < FEW_KEYS && members.iter().any(|(known, _)| *known == key) {
                        return Err(reader.error(format!("key `{key}` stands twice in one object")));
                    }
                    members.push((key, Self::read(reader)?));
                    Ok(())
                })?;
                if members.len() > FEW_KEYS {
                    let mut keys: Vec<&str> = members.iter().map(|(key, _)| key.as_ref()).collect();
                    keys.sort_unstable();
                    if let Some((key, _)) = keys.iter().zip(keys.iter().skip(1)).find(|(one, next)| one == next) {
                        return Err(reader.error(format!("key `{key}` stands twice in one object")));
                    }
                }
                Self::Object(members)
            }
        })
    }

    /// Appends the value as JSON without white space, its keys in their order and its numbers as they were written.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Number(number) => out.push_str(number.0),
            Self::String(text) => write_string(out, text),
            Self::Array(items) => {
                let mut array = ArrayWriter::new(out);
                for item in items {
                    item.write(array.element());
                }
                array.end();
            }
            Self::Object(members) => {
                let mut object = ObjectWriter::new(out);
                for (key, value) in members {
                    value.write(object.key(key));
                }
                object.end();
            }
        }
    }

    /// The member of an object, if this is an object that has it and it is not null.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => {
                members.iter().find(|(name, value)| name == key && *value != Self::Null).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The string, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The number, if this is one.
    pub fn as_number(&self) -> Option<Number<'a>> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The unsigned integer, if this is one.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number().and_then(Number::as_u64)
    }

    /// The elements, if this is an array; else none.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// The members, if this is an object; else none.
    pub fn members(&self) -> &[(Cow<'a, str>, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }
}
