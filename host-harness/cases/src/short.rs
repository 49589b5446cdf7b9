//! Short forms: where a case may write one word instead of a mapping.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What can be written as one word (or one number) as well as in full.
pub trait Shorthand: Sized {
    /// What may stand there, for the message when something else does.
    const EXPECTED: &'static str;

    /// The value that a word means.
    ///
    /// # Errors
    /// It means none; the text says what was expected.
    fn from_word(word: &str) -> Result<Self, String>;
}

/// Reads a word by [`Shorthand::from_word`] and a mapping by `T`'s own rules, so that an unknown
/// key is reported as such and not as "no variant fits".
pub(crate) fn short_or_full<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Shorthand + Deserialize<'de>,
{
    deserializer.deserialize_any(Either(PhantomData))
}

/// The same for a mapping of names to such values.
pub(crate) fn each_short_or_full<'de, D, T>(
    deserializer: D,
) -> Result<std::collections::BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Shorthand + Deserialize<'de>,
{
    let wrapped = std::collections::BTreeMap::<String, Wrapped<T>>::deserialize(deserializer)?;
    Ok(wrapped.into_iter().map(|(name, Wrapped(value))| (name, value)).collect())
}

/// The same for a list of such values.
pub(crate) fn list_short_or_full<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Shorthand + Deserialize<'de>,
{
    let wrapped = Vec::<Wrapped<T>>::deserialize(deserializer)?;
    Ok(wrapped.into_iter().map(|Wrapped(value)| value).collect())
}

/// The same for a list of such values, where there is one.
pub(crate) fn some_list_short_or_full<'de, D, T>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Shorthand + Deserialize<'de>,
{
    list_short_or_full(deserializer).map(Some)
}

/// A value in either form.
pub struct Wrapped<T>(pub T);

impl<'de, T: Shorthand + Deserialize<'de>> Deserialize<'de> for Wrapped<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        short_or_full(deserializer).map(Self)
    }
}

struct Either<T>(PhantomData<T>);

impl<'de, T: Shorthand + Deserialize<'de>> Visitor<'de> for Either<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
        T::from_word(word).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(seq))
    }
}
