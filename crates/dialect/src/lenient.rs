//! Small values that vendors write in more than one way, read without a detour through a JSON tree.
//!
//! It does not know where they stand.

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// A key or a word, borrowed where it holds no escapes; null is empty, a number its digits.
#[derive(Debug, Default)]
pub(crate) struct Word<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Word<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Word<'de>, E> {
                Ok(Word(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Word<'de>, E> {
                Ok(Word(Cow::Owned(text.to_owned())))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Word<'de>, E> {
                Ok(Word(Cow::Owned(number.to_string())))
            }
            fn visit_unit<E: Error>(self) -> Result<Word<'de>, E> {
                Ok(Word::default())
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl std::ops::Deref for Word<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

/// A number of tokens or an index: anything but a number is none, what does not fit is the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) Option<u32>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Count;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Count, E> {
                Ok(Count(Some(u32::try_from(number).unwrap_or(u32::MAX))))
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<Count, E> {
                Ok(Count(None))
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Count, E> {
                // The cast saturates.
                Ok(Count((number >= 0.0).then_some(number as u32)))
            }
            fn visit_unit<E: Error>(self) -> Result<Count, E> {
                Ok(Count(None))
            }
            fn visit_bool<E: Error>(self, _: bool) -> Result<Count, E> {
                Ok(Count(None))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Count, E> {
                Ok(Count(text.parse().ok()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Count, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Count(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Count, A::Error> {
                while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Count(None))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// A text, nothing, or something else that is kept whole.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum TextOr {
    /// Null, or absent.
    #[default]
    Nothing,
    /// A text.
    Text(String),
    /// Anything else.
    Other(Value),
}

impl<'de> Deserialize<'de> for TextOr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = TextOr;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<TextOr, E> {
                Ok(TextOr::Text(text.to_owned()))
            }
            fn visit_string<E: Error>(self, text: String) -> Result<TextOr, E> {
                Ok(TextOr::Text(text))
            }
            fn visit_unit<E: Error>(self) -> Result<TextOr, E> {
                Ok(TextOr::Nothing)
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<TextOr, E> {
                Ok(TextOr::Other(Value::Bool(value)))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<TextOr, E> {
                Ok(TextOr::Other(value.into()))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<TextOr, E> {
                Ok(TextOr::Other(value.into()))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<TextOr, E> {
                Ok(TextOr::Other(value.into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<TextOr, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(TextOr::Other(Value::Array(values)))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<TextOr, A::Error> {
                let mut object = serde_json::Map::new();
                while let Some((key, value)) = fields.next_entry()? {
                    object.insert(key, value);
                }
                Ok(TextOr::Other(Value::Object(object)))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
