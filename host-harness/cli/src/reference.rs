//! Every key of the policy document: its name, its type, its default and what it means, once.
//!
//! ```text
//!  SECTIONS ─┬─▶ schema   `linkgate schema`, for editors
//!            ├─▶ tables   the tables of docs/configuration.md
//!            └─▶ places   where a key belongs that is elsewhere
//! ```
//!
//! The core reads documents without it. `tests/reference.rs` holds both together: a key that the core looks for
//! and not described, one that is described and not looked for, and a range that is not the core's are
//! failures.

mod issuers;
mod metadata;
mod policy;
pub mod schema;
pub mod tables;

/// An object of the document.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The way to it: empty for the document itself, `issuers[]` for an entry of a list.
    pub path: &'static str,
    /// Its keys, as the documentation has them.
    pub keys: &'static [Key],
}

/// A key of a section.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What may stand there.
    pub shape: Shape,
    /// What holds where it does not stand there.
    pub unless: Unless,
    /// What it means, as Markdown.
    pub meaning: &'static str,
}

/// What may stand at a key.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// The number 1.
    One,
    /// A string that is not empty.
    Text,
    /// The name of a secret, never the secret.
    SecretName,
    /// True or false.
    Flag,
    /// True.
    True,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A duration between these two, in milliseconds.
    Duration(u64, u64),
    /// The same, or a word.
    DurationOr(u64, u64, &'static str),
    /// A date, or a date and a time, in UTC (RFC 3339).
    Moment,
    /// A whole number between these two.
    Whole(u64, u64),
    /// Strings; the number is how many there are at least.
    Texts(usize),
    /// Strings, at least one, or a word for all there are.
    TextsOr(&'static str),
    /// Words, at least one, each once.
    Words(&'static [&'static str]),
    /// The same, each alone or with the place that it is for: `name at issuers[0]`.
    WordsAt(&'static [&'static str]),
    /// The section of that path.
    Object,
    /// The same, or a word.
    ObjectOr(&'static str),
    /// At least one section of that path.
    Objects,
    /// A JSON Web Key Set (RFC 7517).
    KeySet,
}

/// What holds where a key does not stand.
#[derive(Clone, Copy, Debug)]
pub enum Unless {
    /// It has to stand there.
    Required,
    /// This value, as YAML.
    Is(&'static str),
    /// In words.
    Says(&'static str),
}

/// All sections, in the order of the documentation.
pub const SECTIONS: [Section; 12] = [
    policy::TOP,
    policy::SHADOW,
    policy::LOG,
    issuers::ISSUER,
    issuers::STEP_UP,
    issuers::KEYS,
    issuers::SECONDARY,
    policy::CORS,
    policy::CLIENT_ADDRESS,
    policy::REQUEST_ID,
    metadata::METADATA,
    metadata::SERVICE,
];

impl Section {
    /// The section of that path.
    #[must_use]
    pub fn find(path: &str) -> Option<Self> {
        SECTIONS.into_iter().find(|section| section.path == path)
    }

    /// The way to one of its keys: `issuers[].keys`.
    #[must_use]
    pub fn key_path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

/// The sections that have a key of that name.
#[must_use]
pub fn places(name: &str) -> Vec<Section> {
    let has = |section: &Section| section.keys.iter().any(|key| key.name == name);
    SECTIONS.into_iter().filter(has).collect()
}

/// A key that has to stand there.
const fn required(name: &'static str, shape: Shape, meaning: &'static str) -> Key {
    Key { name, shape, unless: Unless::Required, meaning }
}

/// A key with a default.
const fn usually(
    name: &'static str,
    shape: Shape,
    default: &'static str,
    meaning: &'static str,
) -> Key {
    Key { name, shape, unless: Unless::Is(default), meaning }
}

/// A key without which something else holds.
const fn otherwise(
    name: &'static str,
    shape: Shape,
    what: &'static str,
    meaning: &'static str,
) -> Key {
    Key { name, shape, unless: Unless::Says(what), meaning }
}

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
/// As the core has it: 8760 hours.
const YEAR: u64 = 8760 * HOUR;
