//! The same requests, decided under both policies.

use linkgate_cases::{Case, Departed, Native, Observed, Scene, Trouble, run};
use linkgate_policy::Header;

use super::generate::{self, Probe};
use crate::document::Document;
use crate::team::{CaseFile, Fixture, Policy, pair};

/// What became another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// It newly passes, or a page newly may read the answer.
    Opened,
    /// It passed, and is refused.
    Refused,
    /// It is refused for another cause, or passes with another head.
    Changed,
}

/// Requests that are decided in another way, in the same other way.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) kind: Kind,
    /// The rule that the first of them is about, `issuers[].scopes`; of a case, the file.
    pub(crate) rule: String,
    /// The first, in words.
    pub(crate) example: String,
    /// Its method and target.
    pub(crate) request: String,
    pub(crate) was: String,
    pub(crate) would_be: String,
    pub(crate) count: usize,
}

/// What came of all of them.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) generated: usize,
    pub(crate) cases: usize,
    pub(crate) differences: Vec<Difference>,
}

/// Two policies that take the same tokens.
pub(crate) struct Pair {
    policies: [Policy; 2],
    documents: [String; 2],
    core: Native,
}

impl Pair {
    /// The old one and the new one.
    ///
    /// # Errors
    /// There is no randomness for keys.
    pub(crate) fn of(old: Document, new: Document) -> Result<Self, Trouble> {
        let policies = pair([old, new])?;
        let documents = [&policies[0], &policies[1]].map(|policy| policy.value().to_string());
        Ok(Self { policies, documents, core: Native::with_verifier() })
    }

    /// Tries what both policies' own rules suggest.
    ///
    /// # Errors
    /// A request cannot be made, or is not decided.
    pub(crate) fn try_generated(&mut self, tally: &mut Tally) -> Result<(), Trouble> {
        let mut all = Vec::new();
        for policy in &self.policies {
            let fixture = Fixture::bare(policy);
            for Probe { rule, title, case } in generate::probes(policy.value(), policy.numbers()) {
                let scene = fixture.scene(&case).map_err(|trouble| trouble.at(&title))?;
                all.push((rule.to_owned(), title, scene));
            }
        }
        for (rule, title, scene) in all {
            tally.generated += 1;
            self.compare(tally, rule, title, &scene)?;
        }
        Ok(())
    }

    /// Tries the cases of a file, made ready for the old policy.
    ///
    /// # Errors
    /// A case cannot be made ready, or is not decided.
    pub(crate) fn try_cases(&mut self, file: &CaseFile, tally: &mut Tally) -> Result<(), Trouble> {
        let [old, _] = &self.policies;
        let fixture = Fixture::of(old, file);
        let mut scenes = Vec::new();
        for case in file.cases() {
            // Of a merge nothing is left in either policy.
            let case = Case { calls: Vec::new(), ..case.clone() };
            let scene = fixture.scene(&case).map_err(|trouble| trouble.at(&case.title))?;
            scenes.push((case.title.clone(), scene));
        }
        for (title, scene) in scenes {
            tally.cases += 1;
            self.compare(tally, file.name().to_owned(), title, &scene)?;
        }
        Ok(())
    }

    fn compare(
        &mut self,
        tally: &mut Tally,
        rule: String,
        example: String,
        scene: &Scene,
    ) -> Result<(), Trouble> {
        let mut decided = |document: &String| {
            let scene = Scene { document: document.clone(), ..scene.clone() };
            run(&mut self.core, &scene).map_err(|trouble| trouble.at(&example))
        };
        let [old, new] = &self.documents;
        let (old, new) = (decided(old)?, decided(new)?);
        let Some(kind) = kind(&old, &new) else { return Ok(()) };
        let (was, mut would_be) = (said(&old), said(&new));
        if was == would_be {
            would_be = format!("{was}, with {}", unlike(&old, &new));
        }
        let is_same =
            |one: &&mut Difference| one.kind == kind && one.was == was && one.would_be == would_be;
        if let Some(known) = tally.differences.iter_mut().find(is_same) {
            known.count += 1;
            return Ok(());
        }
        let target = String::from_utf8_lossy(&scene.request.target).into_owned();
        let request = format!("{} {target}", scene.request.method);
        let found = Difference { kind, rule, example, request, was, would_be, count: 1 };
        tally.differences.push(found);
        Ok(())
    }
}

fn kind(old: &Observed, new: &Observed) -> Option<Kind> {
    let passes = |one: &Observed| !one.sent.is_empty();
    match (passes(old), passes(new)) {
        (false, true) => Some(Kind::Opened),
        (true, false) => Some(Kind::Refused),
        _ => match (lets_page_in(old), lets_page_in(new)) {
            (false, true) => Some(Kind::Opened),
            (true, false) => Some(Kind::Refused),
            _ => (facts(old) != facts(new)).then_some(Kind::Changed),
        },
    }
}

/// Whether the page that asks may read the answer (Fetch, CORS protocol).
fn lets_page_in(one: &Observed) -> bool {
    let lines = one.reply.iter().flat_map(|reply| &reply.headers);
    lines.into_iter().any(|line| line.name == "access-control-allow-origin")
}

/// `denied, bearer-scope`.
fn said(one: &Observed) -> String {
    let (outcome, cause) = (one.record.outcome.name(), &one.record.cause);
    let page = if lets_page_in(one) { ", for the page" } else { "" };
    match outcome {
        "allowed" | "passed" => format!("{outcome}{page}"),
        _ => format!("{outcome}, {cause}{page}"),
    }
}

type Lines = Vec<(String, String)>;

/// What can be seen from outside, and what was missed in shadow.
#[derive(PartialEq)]
struct Facts {
    cause: String,
    status: Option<u16>,
    reply: Lines,
    sent: Vec<(String, Lines)>,
    missed: Vec<String>,
}

fn facts(one: &Observed) -> Facts {
    Facts {
        cause: one.record.cause.clone(),
        status: one.reply.as_ref().map(|reply| reply.status),
        reply: one.reply.as_ref().map(|reply| lines(&reply.headers)).unwrap_or_default(),
        sent: one.sent.iter().map(sent).collect(),
        missed: one.record.missed.clone(),
    }
}

fn sent(one: &Departed) -> (String, Lines) {
    match one {
        Departed::Untouched => ("the client's own".to_owned(), Vec::new()),
        Departed::Request(sent) | Departed::Call(sent) => {
            (format!("{} {}", sent.method, sent.path), lines(&sent.headers))
        }
    }
}

fn lines(headers: &[Header]) -> Lines {
    let value = |line: &Header| {
        let text = String::from_utf8_lossy(&line.value).into_owned();
        // An id that the gate makes up is another each time.
        let is_new = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_new { "(a new id)".to_owned() } else { text }
    };
    headers.iter().map(|line| (line.name.clone(), value(line))).collect()
}

/// The names of the header lines that are unlike, or what else is.
fn unlike(old: &Observed, new: &Observed) -> String {
    let (old, new) = (facts(old), facts(new));
    let all = |facts: &Facts| -> Lines {
        let sent = facts.sent.iter().flat_map(|(_, lines)| lines);
        facts.reply.iter().chain(sent).cloned().collect()
    };
    let (old_lines, new_lines) = (all(&old), all(&new));
    let beside = |these: &Lines, those: &Lines| -> Vec<String> {
        these.iter().filter(|line| !those.contains(line)).map(|(name, _)| name.clone()).collect()
    };
    let mut names = [beside(&old_lines, &new_lines), beside(&new_lines, &old_lines)].concat();
    names.sort();
    names.dedup();
    if !names.is_empty() {
        return format!("another `{}`", names.join("`, `"));
    }
    let what = if old.missed == new.missed { "request upstream" } else { "rule missed in shadow" };
    format!("another {what}")
}
