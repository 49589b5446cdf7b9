//! Policy documents as people write them, and what is to be said of them, line by line.
//!
//! ```text
//!  file ─▶ source ─▶ value, places, flaws of its form ─▶ key_file ─▶ the policy reads it ─▶ findings
//! ```

mod finding;
mod hidden;
mod human;
mod places;
mod source;

use std::io;
use std::path::Path;

use linkgate_policy::{Abilities, Secrets, moment_ms, review};

pub(crate) use finding::{Finding, Severity};
pub(crate) use human::text as human;

use crate::clock;
use crate::key_file;
use crate::paint::Paint;
use places::{Place, Places};
use source::Source;

/// A policy document and the text that it was read from.
#[derive(Debug)]
pub(crate) struct Document {
    name: String,
    text: String,
    places: Places,
    hidden: Vec<Place>,
    /// What is wrong before any policy has read it. While there is something, it is not to be used.
    flaws: Vec<Finding>,
    json: Option<String>,
}

/// What there is to say of a document.
pub(crate) struct Reviewed {
    /// In the order of its lines.
    pub(crate) findings: Vec<Finding>,
    /// Warnings that the document accepts.
    pub(crate) accepted: Vec<Finding>,
}

/// Two are the same to a policy, however they are laid out.
impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json && self.flaws == other.flaws
    }
}

/// Reads a policy document, JSON or YAML, that is good as far as can be seen without the policy. Key sets
/// that it names by file stand in it afterwards.
///
/// # Errors
///
/// The file, or one that it names, cannot be read, or is no JSON or YAML: the text says where.
pub(crate) fn read(path: &Path) -> Result<Document, String> {
    let document = Document::open(path)?;
    if document.flaws.is_empty() { Ok(document) } else { Err(document.report(&document.flaws)) }
}

/// A mistake of the policy, found in the component or in this process.
pub(crate) trait AnyMistake {
    /// Pointer, message and help.
    fn parts(&self) -> (&str, &str, Option<&str>);
}

impl AnyMistake for linkgate_policy::Mistake {
    fn parts(&self) -> (&str, &str, Option<&str>) {
        (&self.pointer, &self.message, self.help.as_deref())
    }
}

impl AnyMistake for linkgate_gateway::Mistake {
    fn parts(&self) -> (&str, &str, Option<&str>) {
        (&self.pointer, &self.message, self.help.as_deref())
    }
}

impl Document {
    /// Reads a file, whatever is in it.
    ///
    /// # Errors
    ///
    /// It cannot be read: the text says why.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let (name, text, source) =
            text_of(path).map_err(|error| format!("cannot read the policy {error}"))?;
        let Source { mut value, mut places, mut flaws } = source;
        let mut hidden =
            value.as_ref().map(|value| hidden::places(value, &places)).unwrap_or_default();
        // Of a key that is written twice the second value has no place: the rest of its line is hidden.
        let twice = flaws.iter().filter(|flaw| hidden::is_of_a_secret(&flaw.pointer));
        hidden.extend(twice.filter_map(|flaw| flaw.place).map(|key| Place {
            column: key.column.saturating_add(key.width),
            width: 0,
            ..key
        }));
        if value == Some(serde_json::Value::Null) {
            flaws.push(Finding::of_nothing());
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let keys = value.as_mut().map(|value| key_file::inline(value, folder)).unwrap_or_default();
        for keys in &keys.read {
            places.stand_for(&format!("{keys}/file"), format!("{keys}/jwks"));
        }
        flaws.extend(
            keys.unread
                .iter()
                .map(|(pointer, why)| Finding::located((pointer, why, None), &places)),
        );
        let json = value.map(|value| value.to_string());
        Ok(Self { name, text, places, hidden, flaws, json })
    }

    /// Reads a file that is no policy: nothing in it is hidden, or replaced by what is in another file.
    ///
    /// # Errors
    ///
    /// It cannot be read: the text says why.
    pub(crate) fn open_plain(path: &Path) -> Result<Self, String> {
        let (name, text, source) = text_of(path).map_err(|error| format!("cannot read {error}"))?;
        let Source { value, places, flaws } = source;
        let json = value.map(|value| value.to_string());
        Ok(Self { name, text, places, hidden: Vec::new(), flaws, json })
    }

    /// What is wrong with its form.
    pub(crate) fn flaws(&self) -> &[Finding] {
        &self.flaws
    }

    /// A mistake in it: an unknown key where `of_key`, else a value.
    pub(crate) fn mistake(
        &self,
        pointer: &str,
        of_key: bool,
        message: String,
        help: Option<String>,
    ) -> Finding {
        let key = if of_key { self.places.key(pointer) } else { None };
        let place = key.or_else(|| self.places.value(pointer));
        let pointer = pointer.to_owned();
        Finding { severity: Severity::Error, name: None, place, pointer, message, help }
    }

    /// The line of the value there, if it is in the text.
    pub(crate) fn line_of(&self, pointer: &str) -> Option<usize> {
        let place = self.places.key(pointer).or_else(|| self.places.own(pointer));
        place.map(|place| place.line)
    }

    /// As the policy takes it.
    pub(crate) fn json(&self) -> &str {
        self.json.as_deref().unwrap_or_default()
    }

    /// What is in it; null where it could not be read.
    pub(crate) fn value(&self) -> serde_json::Value {
        serde_json::from_str(self.json()).unwrap_or_default()
    }

    /// What of the policy is logged and not enforced, if anything is.
    pub(crate) fn shadow(&self) -> Option<Shadow> {
        let value = self.value();
        let until = value.pointer("/shadow/until").and_then(serde_json::Value::as_str);
        let is_to_come =
            |until: &&str| moment_ms(until).is_some_and(|end| end > clock::now().unix_ms);
        let until = until.filter(is_to_come).map(str::to_owned);
        let mut line = until.as_ref().and_then(|_| self.line_of("/shadow"));
        let mut rules = Vec::new();
        let issuers = value.get("issuers").and_then(serde_json::Value::as_array);
        for (at, issuer) in issuers.into_iter().flatten().enumerate() {
            for (pointer, dotted) in [("", ""), ("/secondary", "secondary.")] {
                let Some(list) = issuer.pointer(&format!("{pointer}/shadow")) else { continue };
                let names = list.as_array().map_or(std::slice::from_ref(list), Vec::as_slice);
                let names = names.iter().filter_map(serde_json::Value::as_str);
                rules.extend(names.map(|name| format!("issuers[{at}].{dotted}{name}")));
                line = line.or_else(|| self.line_of(&format!("/issuers/{at}{pointer}/shadow")));
            }
        }
        let is_one = until.is_some() || !rules.is_empty();
        is_one.then(|| Shadow { policy: self.name.clone(), line, until, rules })
    }

    /// The file, as it was named.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A line of the text, counted from 1, without the secrets that stand in it.
    fn line(&self, number: usize) -> Option<String> {
        let line = self.text.lines().nth(number.checked_sub(1)?)?;
        if self.json.is_none() && hidden::may_be_in(line) {
            return None;
        }
        Some(hidden::masked(line, number, &self.hidden))
    }

    /// All there is to say of it, in the order of its lines. `host` is what a gateway can do.
    pub(crate) fn review(&self, secrets: &Secrets, host: Abilities) -> Reviewed {
        let mut findings = self.flaws.clone();
        let mut accepted = Vec::new();
        if let Some(json) = &self.json {
            let review = review(json, secrets, host, clock::now());
            let accept = |warning| Finding::warned(warning, &self.places);
            accepted = review.accepted.iter().map(accept).collect::<Vec<_>>();
            let errors = review.mistakes.iter();
            let errors = errors.map(|mistake| Finding::located(mistake.parts(), &self.places));
            let warnings = review.warnings.iter();
            let warnings = warnings.map(|warning| Finding::warned(warning, &self.places));
            // A file that could not be read is still named there: that was reported.
            let is_new =
                |finding: &Finding| !self.flaws.iter().any(|flaw| flaw.pointer == finding.pointer);
            findings.extend(errors.chain(warnings).filter(is_new));
        }
        for all in [&mut findings, &mut accepted] {
            all.sort_by_key(|finding| finding.place.map(|place| (place.line, place.column)));
        }
        Reviewed { findings, accepted }
    }

    /// More mistakes, with their places.
    pub(crate) fn located<M: AnyMistake>(&self, mistakes: &[M]) -> Vec<Finding> {
        let located = |mistake: &M| Finding::located(mistake.parts(), &self.places);
        mistakes.iter().map(located).collect()
    }

    /// Every mistake that the policy reported, its place, and what to do about it; their count last.
    pub(crate) fn explain<M: AnyMistake>(&self, mistakes: &[M]) -> String {
        let mut findings = self.located(mistakes);
        findings.sort_by_key(|finding| finding.place.map(|place| (place.line, place.column)));
        self.report(&findings)
    }

    /// For standard error.
    fn report(&self, findings: &[Finding]) -> String {
        let paint = Paint::of_stderr();
        let mut text: String =
            findings.iter().map(|finding| human(self, finding, paint) + "\n").collect();
        text.push_str(&counted(findings.len(), "mistake"));
        text
    }
}

/// A file's name, its text, and what was read of it.
fn text_of(path: &Path) -> Result<(String, String, Source), String> {
    let name = path.display().to_string();
    let read = if name == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    let text = read.map_err(|error| format!("`{name}`: {}", in_words(&error)))?;
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let source = if is_json { source::json(&text) } else { source::yaml(&text) };
    Ok((name, text, source))
}

/// A policy that enforces nothing yet, or not all its rules.
pub(crate) struct Shadow {
    pub(crate) policy: String,
    /// Where it is said, first of all.
    pub(crate) line: Option<usize>,
    /// Until when nothing of it is enforced, if that is still to come.
    pub(crate) until: Option<String>,
    /// Rules that are in shadow by themselves, by their places.
    pub(crate) rules: Vec<String>,
}

impl Shadow {
    /// The rules that are, in words.
    pub(crate) fn of_rules(&self) -> Option<String> {
        let rules = || format!("rules in shadow: {}", self.rules.join(", "));
        (!self.rules.is_empty()).then(rules)
    }
}

/// Why a file was not read. Too few descriptors are a flaw of the process, not of the file.
fn in_words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(ENFILE | EMFILE) if cfg!(unix) => format!(
            "no file descriptor is free ({error}): raise the limit of the process (`ulimit -Hn`)"
        ),
        _ => error.to_string(),
    }
}

/// Of the whole system, as Unix numbers it.
const ENFILE: i32 = 23;

/// Of one process.
const EMFILE: i32 = 24;

/// `1 mistake`, `2 mistakes`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn too_few_descriptors_are_named_as_the_reason() {
        for (code, is_shortage) in [(EMFILE, true), (ENFILE, true), (2, false)] {
            let text = in_words(&io::Error::from_raw_os_error(code));
            assert_eq!(text.contains("raise the limit of the process"), is_shortage, "{text}");
        }
    }
}
