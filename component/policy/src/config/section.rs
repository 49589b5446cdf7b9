//! Reading a document key by key, and collecting what is wrong with it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::json::{Json, Object};

/// Something wrong in a policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where, as a JSON Pointer (RFC 6901). Empty for the whole document.
    pub pointer: String,
    /// What was expected and what was found.
    pub message: String,
    /// What to do about it, when more can be said.
    pub help: Option<String>,
}

/// The mistakes found so far.
#[derive(Default)]
pub(super) struct Mistakes(RefCell<Vec<Mistake>>);

impl Mistakes {
    fn push(&self, pointer: &str, message: String, help: Option<String>) {
        self.0.borrow_mut().push(Mistake { pointer: pointer.to_owned(), message, help });
    }

    pub(super) fn into_vec(self) -> Vec<Mistake> {
        self.0.into_inner()
    }
}

/// A value and its place in the document.
pub(super) struct Entry<'a> {
    pointer: String,
    value: &'a Json,
    mistakes: &'a Mistakes,
}

impl<'a> Entry<'a> {
    pub(super) fn whole(value: &'a Json, mistakes: &'a Mistakes) -> Self {
        Self { pointer: String::new(), value, mistakes }
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
        self.mistakes.push(&self.pointer, message, help);
        None
    }

    pub(super) fn section(&self) -> Option<Section<'a>> {
        let Json::Object(members) = self.value else {
            return self.wrong("an object", self.value.kind());
        };
        Some(Section {
            pointer: self.pointer.clone(),
            members,
            known: BTreeSet::new(),
            mistakes: self.mistakes,
        })
    }

    /// A string that is not empty.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.value.as_text() {
            Some("") => self.wrong("a string", "an empty one"),
            Some(text) => Some(text),
            None => self.wrong("a string", self.value.kind()),
        }
    }

    pub(super) fn flag(&self) -> Option<bool> {
        if let Json::Bool(flag) = self.value {
            Some(*flag)
        } else {
            self.wrong("true or false", self.value.kind())
        }
    }

    /// The number 1: the only version of the document there is.
    pub(super) fn exactly_one(&self) {
        let is_one = matches!(self.value, Json::Number(number) if number.as_u64() == Some(1));
        if !is_one {
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
        self.wrong(&expected.join(" or "), &self.shown())
    }

    /// A duration: a whole number and `ms`, `s`, `m` or `h`.
    pub(super) fn duration_ms(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let parsed = self.value.as_text().and_then(parse_duration_ms);
        match parsed {
            Some(ms) if range.contains(&ms) => Some(ms),
            Some(_) => self.wrong(
                &format!(
                    "a duration from {} to {}",
                    show_ms(*range.start()),
                    show_ms(*range.end())
                ),
                &self.shown(),
            ),
            None => self.wrong("a duration such as `30s`, `10m` or `1h`", &self.shown()),
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
            self.wrong::<()>("a list", self.value.kind());
            return Vec::new();
        };
        let entry = |(index, value)| Entry {
            pointer: format!("{}/{index}", self.pointer),
            value,
            mistakes: self.mistakes,
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

    /// What stands here: words and numbers as they are, anything else by its kind.
    fn shown(&self) -> String {
        match self.value {
            Json::Text(text) => format!("`{text}`"),
            Json::Number(number) => number.to_string(),
            Json::Null | Json::Bool(_) | Json::List(_) | Json::Object(_) => {
                self.value.kind().to_owned()
            }
        }
    }
}

/// An object that is read key by key; what is left over was misspelt.
pub(super) struct Section<'a> {
    pointer: String,
    members: &'a Object,
    known: BTreeSet<&'static str>,
    mistakes: &'a Mistakes,
}

impl<'a> Section<'a> {
    pub(super) fn optional(&mut self, key: &'static str) -> Option<Entry<'a>> {
        self.known.insert(key);
        let value = self.members.get(key)?;
        Some(Entry { pointer: format!("{}/{key}", self.pointer), value, mistakes: self.mistakes })
    }

    pub(super) fn required(&mut self, key: &'static str) -> Option<Entry<'a>> {
        let entry = self.optional(key);
        if entry.is_none() {
            self.wrong(&format!("the key `{key}`"), "none");
        }
        entry
    }

    /// Whether a key stands there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.members.contains_key(key)
    }

    /// Whether no key stands there.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Notes a mistake of the section as a whole.
    pub(super) fn wrong(&self, expected: &str, found: &str) {
        self.mistaken(format!("expected {expected}, found {found}"), None);
    }

    /// Like [`Self::wrong`], with the whole message, and what to do about it.
    pub(super) fn mistaken(&self, message: String, help: Option<String>) {
        self.mistakes.push(&self.pointer, message, help);
    }

    /// Ends the section: every key that nobody asked for is a mistake.
    pub(super) fn end(self) {
        for key in self.members.keys().filter(|key| !self.known.contains(key.as_str())) {
            let known: Vec<&str> = self.known.iter().copied().collect();
            let pointer = format!("{}/{}", self.pointer, key.replace('~', "~0").replace('/', "~1"));
            self.mistakes.push(
                &pointer,
                format!("expected a known key, found `{key}`"),
                Some(format!("the keys here are: {}", known.join(", "))),
            );
        }
    }
}

fn parse_duration_ms(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn show_ms(ms: u64) -> String {
    match ms {
        0 => "0s".to_owned(),
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms if ms % 1000 == 0 => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}
