//! Reading a document key by key, and collecting what is wrong with it.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::notes::{Notes, UNKNOWN_KEY};
use super::spelling;
use crate::text::json::{Json, Object};
use crate::time::duration;

/// A year: longer than that, `off` says it better.
pub(super) const MAX_AGE_MS: u64 = 8760 * 3_600_000;

/// Room for the keys of a section: no list of them grows while it is read.
const KEYS: usize = 32;

/// A value and its place in the document.
pub(super) struct Entry<'a> {
    pointer: String,
    value: &'a Json,
    notes: &'a Notes,
}

impl<'a> Entry<'a> {
    pub(super) fn whole(value: &'a Json, notes: &'a Notes) -> Self {
        Self { pointer: String::new(), value, notes }
    }

    pub(super) fn value(&self) -> &'a Json {
        self.value
    }

    /// Notes a mistake here: nothing was read.
    pub(super) fn wrong<T>(&self, expected: &str, found: &str) -> Option<T> {
        self.mistaken(format!("expected {expected}, found {found}"), None)
    }

    /// Like [`Self::wrong`], with the whole message, and what to do about it.
    pub(super) fn mistaken<T>(&self, message: String, help: Option<String>) -> Option<T> {
        let variable = self.value.as_text().filter(|_| !self.is_of_a_secret());
        let variable = variable.and_then(spelling::variable);
        let help = help.or_else(|| variable.map(spelling::not_expanded));
        self.notes.mistake(&self.pointer, message, help);
        None
    }

    /// Notes that this value is legal but unwise, and what would be better.
    pub(super) fn unwise(&self, name: &'static str, message: &str, help: &str) {
        self.notes.warning(name, &self.pointer, message, help);
    }

    /// Whether someone reads what is unwise here.
    pub(super) fn is_reviewed(&self) -> bool {
        self.notes.is_review()
    }

    pub(super) fn section(&self) -> Option<Section<'a>> {
        let Json::Object(members) = self.value else {
            return self.wrong("an object", self.value.kind());
        };
        Some(Section {
            pointer: self.pointer.clone(),
            members,
            known: Vec::with_capacity(KEYS),
            notes: self.notes,
        })
    }

    /// A string that is not empty.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.value.as_text() {
            Some("") => self.wrong("a string", "an empty one"),
            Some(text) => match spelling::variable(text) {
                Some(variable) if !self.is_of_a_secret() => {
                    self.wrong("a value", &format!("the variable `{variable}`"))
                }
                Some(_) | None => Some(text),
            },
            None => self.wrong("a string", self.value.kind()),
        }
    }

    /// Whether a secret may be written here, in the place of its name or beside it.
    fn is_of_a_secret(&self) -> bool {
        self.pointer.starts_with("/metadata/service")
            || ["secret", "token", "password"].iter().any(|end| self.pointer.ends_with(end))
    }

    pub(super) fn flag(&self) -> Option<bool> {
        if let Json::Bool(flag) = self.value {
            Some(*flag)
        } else {
            let help = "without quotes; `yes`, `no`, `on` and `off` are words in YAML 1.2";
            self.mistaken(
                format!("expected `true` or `false`, found {}", self.shown()),
                self.value.as_text().map(|_| help.to_owned()),
            )
        }
    }

    /// The number 1: the only version of the document there is.
    pub(super) fn exactly_one(&self) {
        let is_one = matches!(self.value, Json::Number(number) if number.as_u64() == Some(1));
        if is_one {
            return;
        }
        if self.value.as_text() == Some("1") {
            let help = Some("write `version: 1`, without quotes".to_owned());
            self.mistaken::<()>("expected the number 1, found the text `1`".to_owned(), help);
        } else {
            self.wrong::<()>("1", &self.shown());
        }
    }

    /// One of some words.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.value.as_text();
        let found = words.iter().find(|(word, _)| text == Some(*word)).map(|(_, value)| *value);
        if found.is_some() {
            return found;
        }
        let expected: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let near =
            text.and_then(|text| spelling::nearest(text, words.iter().map(|(word, _)| *word)));
        self.mistaken(
            format!("expected {}, found {}", alternatives(&expected), self.shown()),
            near.map(spelling::question),
        )
    }

    /// A duration: a whole number and `ms`, `s`, `m` or `h`.
    pub(super) fn duration_ms(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let parsed = self.value.as_text().and_then(duration::parse_ms);
        match parsed {
            Some(ms) if range.contains(&ms) => Some(ms),
            Some(_) => self.wrong(
                &format!(
                    "a duration from {} to {}",
                    duration::show_ms(*range.start()),
                    duration::show_ms(*range.end())
                ),
                &self.shown(),
            ),
            None => self.mistaken(
                format!("expected a duration such as `30s`, `10m` or `1h`, found {}", self.shown()),
                Some(match self.value {
                    Json::Number(number) => {
                        format!("it needs a unit: `{number}s` is {number} seconds")
                    }
                    Json::Null
                    | Json::Bool(_)
                    | Json::Text(_)
                    | Json::List(_)
                    | Json::Object(_) => {
                        "a whole number and one of `ms`, `s`, `m` and `h`; a day is `24h`"
                            .to_owned()
                    }
                }),
            ),
        }
    }

    /// A whole number within a range.
    pub(super) fn whole_number(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let number = if let Json::Number(number) = self.value { number.as_u64() } else { None };
        number.filter(|number| range.contains(number)).or_else(|| {
            let expected = format!("a whole number from {} to {}", range.start(), range.end());
            self.wrong(&expected, &self.shown())
        })
    }

    /// A list; what is wrong with its items is noted at each.
    pub(super) fn list<T>(&self, mut item: impl FnMut(&Entry<'a>) -> Option<T>) -> Vec<T> {
        let Json::List(items) = self.value else {
            let help = "write `[` and `]` around a single entry".to_owned();
            let is_single = self.value.as_text().is_some();
            self.mistaken::<()>(
                format!("expected a list, found {}", self.shown()),
                is_single.then_some(help),
            );
            return Vec::new();
        };
        let entry = |(index, value)| Entry {
            pointer: format!("{}/{index}", self.pointer),
            value,
            notes: self.notes,
        };
        items.iter().enumerate().map(entry).filter_map(|entry| item(&entry)).collect()
    }

    /// A list of at least one item.
    pub(super) fn filled_list<T>(&self, item: impl FnMut(&Entry<'a>) -> Option<T>) -> Vec<T> {
        if matches!(self.value, Json::List(items) if items.is_empty()) {
            self.wrong::<()>("at least one entry", "an empty list");
        }
        self.list(item)
    }

    /// What is written here: words and numbers as they are, anything else by its kind.
    pub(super) fn shown(&self) -> String {
        match self.value {
            Json::Text(text) => format!("`{text}`"),
            Json::Number(number) => number.to_string(),
            Json::Bool(flag) => format!("`{flag}`"),
            Json::Null | Json::List(_) | Json::Object(_) => self.value.kind().to_owned(),
        }
    }
}

/// An object that is read key by key; what is left over was misspelt.
pub(super) struct Section<'a> {
    pointer: String,
    members: &'a Object,
    /// The keys that were asked for, some of them twice.
    known: Vec<&'static str>,
    notes: &'a Notes,
}

impl<'a> Section<'a> {
    pub(super) fn optional(&mut self, key: &'static str) -> Option<Entry<'a>> {
        self.known.push(key);
        self.notes.asked(&self.pointer, key);
        let value = self.members.get(key)?;
        let pointer = [self.pointer.as_str(), "/", key].concat();
        Some(Entry { pointer, value, notes: self.notes })
    }

    pub(super) fn required(&mut self, key: &'static str) -> Option<Entry<'a>> {
        let entry = self.optional(key);
        if entry.is_none() {
            self.wrong(&format!("the key `{key}`"), "none");
        }
        entry
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.members.contains_key(key)
    }

    /// Notes a mistake of the section as a whole.
    pub(super) fn wrong(&self, expected: &str, found: &str) {
        self.mistaken(format!("expected {expected}, found {found}"), None);
    }

    /// Like [`Self::wrong`], with the whole message, and what to do about it.
    pub(super) fn mistaken(&self, message: String, help: Option<String>) {
        self.notes.mistake(&self.pointer, message, help);
    }

    /// A mistake of one of its keys, whether it was read already or not; of the section where it is not there.
    pub(super) fn mistaken_at(&self, key: &str, message: String, help: Option<String>) {
        let here = if self.has(key) { format!("/{key}") } else { String::new() };
        self.notes.mistake(&format!("{}{here}", self.pointer), message, help);
    }

    /// A key that was looked for once: what to do about it where it is there. It is not among the keys
    /// that are known.
    pub(super) fn former(&mut self, name: &'static str, help: &str) {
        if self.members.contains_key(name)
            && let Some(entry) = self.optional(name)
        {
            let found = format!("expected no `{name}`, found one");
            entry.mistaken::<()>(found, Some(help.to_owned()));
        }
    }

    /// Ends the section: every key that was not asked for is a mistake.
    pub(super) fn end(self) {
        for key in self.members.keys().filter(|key| !self.known.contains(&key.as_str())) {
            let known: BTreeSet<&str> = self.known.iter().copied().collect();
            let known: Vec<&str> = known.into_iter().collect();
            let free = known.iter().copied().filter(|known| !self.members.contains_key(*known));
            let help = spelling::nearest(key, free).map_or_else(
                || format!("the keys here are: {}", known.join(", ")),
                spelling::question,
            );
            let pointer = format!("{}/{}", self.pointer, key.replace('~', "~0").replace('/', "~1"));
            self.notes.mistake(&pointer, format!("{UNKNOWN_KEY}, found `{key}`"), Some(help));
        }
    }
}

/// `a`, `b` or `c`.
fn alternatives(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [before @ .., last] => format!("{} or {last}", before.join(", ")),
    }
}
