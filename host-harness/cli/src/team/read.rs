//! A file of cases, read: every mistake in it with its place, or the cases.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use linkgate_cases::{
    CallForm, Case, Expect, ReplyForm, RequestForm, SentForm, TokenForm, UpstreamForm, Values,
    moment_mistake,
};
use serde_json::{Map, Value};

use super::expectation::Expectation;
use super::fields::Reader;
use super::form::{self, below};
use crate::check_report::Checked;
use crate::document::{Document, Finding};
use crate::moment;

/// A file of cases.
pub(crate) struct CaseFile {
    pub(crate) document: Document,
    /// The policy that it is about.
    pub(super) policy: PathBuf,
    pub(super) common: Common,
    pub(super) cases: Vec<TeamCase>,
    /// Mistakes that show when a case is made ready.
    pub(super) flaws: Vec<Finding>,
}

/// What the cases of a file share.
#[derive(Default)]
pub(super) struct Common {
    pub(super) clock: Option<u64>,
    pub(super) names: BTreeMap<String, String>,
    pub(super) tokens: BTreeMap<String, TokenForm>,
    pub(super) requests: BTreeMap<String, RequestForm>,
    pub(super) upstream_requests: BTreeMap<String, SentForm>,
    pub(super) upstream: Option<UpstreamForm>,
}

impl CaseFile {
    /// The cases, as the runner takes them.
    pub(crate) fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().map(|case| &case.case)
    }

    /// The file, as it was named.
    pub(crate) fn name(&self) -> &str {
        self.document.name()
    }
}

/// A case of the team's.
#[derive(Clone)]
pub(crate) struct TeamCase {
    /// Its place in its file.
    pub(crate) pointer: String,
    pub(crate) line: Option<usize>,
    pub(crate) case: Case,
    pub(crate) wanted: Expectation,
    /// Whether it says what goes to the upstream.
    pub(super) says_sent: bool,
}

/// Reads a file of cases. A policy that was met in a folder is no such file: nothing comes of it.
pub(crate) fn read(path: &Path, met: bool) -> Result<Option<CaseFile>, Read> {
    let document = Document::open_plain(path).map_err(Read::Unreadable)?;
    let value: Value = serde_json::from_str(document.json()).unwrap_or_default();
    if met && value.get("issuers").is_some() && value.get("cases").is_none() {
        return Ok(None);
    }
    let mut reader = Reader { findings: document.flaws().to_vec(), document: &document };
    let read = if reader.findings.is_empty() { reader.file(&value, path) } else { None };
    let mut findings = reader.findings;
    match read {
        Some((policy, common, cases)) if findings.is_empty() => {
            Ok(Some(CaseFile { document, policy, common, cases, flaws: Vec::new() }))
        }
        _ => {
            findings.sort_by_key(|finding| finding.place.map(|place| (place.line, place.column)));
            Err(Read::Mistaken(Box::new(Checked { document, findings, accepted: Vec::new() })))
        }
    }
}

/// Why a file of cases cannot be used.
pub(crate) enum Read {
    Unreadable(String),
    Mistaken(Box<Checked>),
}

impl Reader<'_> {
    fn file(&mut self, value: &Value, path: &Path) -> Option<(PathBuf, Common, Vec<TeamCase>)> {
        let Some(members) = value.as_object() else {
            self.wrong("", "expected `policy` and `cases`, found neither".to_owned());
            return None;
        };
        if members.contains_key("issuers") && !members.contains_key("cases") {
            self.wrong("", "expected a file of cases, found a policy".to_owned());
            return None;
        }
        for (pointer, message, help) in form::FILE.unknown("", value) {
            self.findings.push(self.document.mistake(&pointer, true, message, Some(help)));
        }
        let policy = self.required::<String>("", members, "policy");
        let common = Common {
            clock: self.clock("", members),
            names: self.optional("", members, "names").unwrap_or_default(),
            tokens: self.tokens("", members),
            requests: self.each("", members, "requests"),
            upstream_requests: self.each("", members, "upstream_requests"),
            upstream: self.optional("", members, "upstream"),
        };
        let cases = self.cases(members);
        let folder = path.parent().unwrap_or(Path::new(""));
        Some((folder.join(policy?), common, cases))
    }

    fn cases(&mut self, members: &Map<String, Value>) -> Vec<TeamCase> {
        let Some(list) = members.get("cases").and_then(Value::as_array) else {
            let found = if members.contains_key("cases") { "something else" } else { "nothing" };
            self.wrong("/cases", format!("expected `cases`, a list of cases, found {found}"));
            return Vec::new();
        };
        if list.is_empty() {
            self.wrong("/cases", "expected at least one case, found none".to_owned());
        }
        let mut titles = BTreeSet::new();
        let mut cases = Vec::new();
        for (index, value) in list.iter().enumerate() {
            let pointer = format!("/cases/{index}");
            let Some(case) = self.case(&pointer, value) else { continue };
            if !titles.insert(case.case.title.clone()) {
                let title = format!("expected every title once, found `{}` again", case.case.title);
                self.wrong(&below(&pointer, "title"), title);
            }
            cases.push(case);
        }
        cases
    }

    fn case(&mut self, pointer: &str, value: &Value) -> Option<TeamCase> {
        let Some(members) = value.as_object() else {
            self.wrong(pointer, "expected a case, found something else".to_owned());
            return None;
        };
        let title = self.required::<String>(pointer, members, "title");
        let request = match members.get("request") {
            Some(request) => self.short(&below(pointer, "request"), request),
            None => self.missing(pointer, "request"),
        };
        let expect = match members.get("expect") {
            Some(expect) => self.expect(&below(pointer, "expect"), expect),
            None => self.missing(pointer, "expect"),
        };
        let case = Case {
            title: String::new(),
            why: self.optional(pointer, members, "why"),
            policy: POLICY.to_owned(),
            clock: self.clock(pointer, members),
            tokens: self.tokens(pointer, members),
            request: RequestForm::default(),
            upstream: self.optional(pointer, members, "upstream"),
            calls: self.calls(pointer, members),
            keys: Vec::new(),
            expect: nothing_expected(),
            hosts: BTreeMap::new(),
        };
        let (wanted, expect, says_sent) = expect?;
        let case = Case { title: title?, request: request?, expect, ..case };
        let line = self.document.line_of(&below(pointer, "title"));
        Some(TeamCase { pointer: pointer.to_owned(), line, case, wanted, says_sent })
    }

    /// What is expected, and whether it says what goes to the upstream.
    fn expect(&mut self, pointer: &str, value: &Value) -> Option<(Expectation, Expect, bool)> {
        let members = match value {
            Value::String(word) => return self.expected_word(pointer, word),
            Value::Object(members) => members,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                let message = "expected an outcome, a reason code, a cause, or several members";
                self.wrong(pointer, format!("{message}, found `{value}`"));
                return None;
            }
        };
        let [outcome, reason, cause] = ["outcome", "reason", "cause"]
            .map(|key| self.optional::<String>(pointer, members, key));
        let reply: Option<ReplyForm> =
            members.get("reply").and_then(|value| self.short(&below(pointer, "reply"), value));
        let sent = members.get("upstream_request");
        let upstream_request: Option<SentForm> = sent
            .filter(|value| !value.is_null() && value.as_str() != Some("none"))
            .and_then(|value| self.short(&below(pointer, "upstream_request"), value));
        let decision = self.optional(pointer, members, "decision").unwrap_or_default();
        if members.is_empty() {
            self.wrong(pointer, "expected an outcome, a reason or a cause, found none".to_owned());
        }
        match Expectation::of_parts(outcome.as_deref(), reason.as_deref(), cause.as_deref()) {
            Ok(wanted) => {
                let reply = reply.unwrap_or_default();
                let expect = Expect { reply, upstream_request, decision, ..nothing_expected() };
                let says_sent = sent.is_some() || wanted.is_refusal();
                Some((wanted, expect, says_sent))
            }
            Err((key, message, help)) => {
                let pointer = below(pointer, key);
                self.findings.push(self.document.mistake(&pointer, false, message, help));
                None
            }
        }
    }

    fn expected_word(&mut self, pointer: &str, word: &str) -> Option<(Expectation, Expect, bool)> {
        match Expectation::of_word(word) {
            Ok(wanted) => {
                let says_sent = wanted.is_refusal();
                Some((wanted, nothing_expected(), says_sent))
            }
            Err((message, help)) => {
                self.findings.push(self.document.mistake(pointer, false, message, help));
                None
            }
        }
    }

    /// `tokens`, and the two that have a key of their own.
    fn tokens(
        &mut self,
        pointer: &str,
        members: &Map<String, Value>,
    ) -> BTreeMap<String, TokenForm> {
        let mut tokens: BTreeMap<String, TokenForm> = self.each(pointer, members, "tokens");
        for name in ["bearer", "secondary"] {
            let Some(value) = members.get(name) else { continue };
            let pointer = below(pointer, name);
            if tokens.contains_key(name) {
                let message = format!("expected `{name}` once, found it in `tokens`, too");
                self.wrong(&pointer, message);
            }
            if let Some(form) = self.short::<TokenForm>(&pointer, value) {
                tokens.insert(name.to_owned(), form);
            }
        }
        for (name, form) in &tokens {
            let at = if members.contains_key(name) {
                pointer.to_owned()
            } else {
                below(pointer, "tokens")
            };
            let at = below(&at, name);
            for (part, members) in [("claims", &form.claims), ("header", &form.header)] {
                self.moments(&below(&at, part), members);
            }
        }
        for (name, form) in &mut tokens {
            // A change to what it would be anyway.
            if form.like.is_none() && ["bearer", "secondary"].contains(&name.as_str()) {
                form.like = Some(name.clone());
            }
        }
        tokens
    }

    /// Notes what is meant for a moment and is none.
    fn moments(&mut self, pointer: &str, members: &Map<String, Value>) {
        for (name, value) in members {
            self.moment(&below(pointer, name), name, value);
        }
    }

    fn moment(&mut self, pointer: &str, name: &str, value: &Value) {
        match value {
            Value::String(text) => {
                if let Some(mistake) = moment_mistake(name, text) {
                    self.wrong(pointer, mistake);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.moment(&format!("{pointer}/{index}"), name, item);
                }
            }
            Value::Object(members) => self.moments(pointer, members),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn calls(&mut self, pointer: &str, members: &Map<String, Value>) -> Vec<CallForm> {
        let pointer = below(pointer, "calls");
        match members.get("calls") {
            None => Vec::new(),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| self.short(&format!("{pointer}/{index}"), item))
                .collect(),
            Some(_) => {
                self.wrong(&pointer, "expected a list of calls, found something else".to_owned());
                Vec::new()
            }
        }
    }

    fn clock(&mut self, pointer: &str, members: &Map<String, Value>) -> Option<u64> {
        let text = match members.get("clock")? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            other @ (Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string()
            }
        };
        match moment::unix_s(&text) {
            Ok(seconds) => Some(seconds),
            Err(message) => {
                self.wrong(&below(pointer, "clock"), message);
                None
            }
        }
    }
}

/// The name under which a file's policy is known to its cases.
pub(super) const POLICY: &str = "policy";

fn nothing_expected() -> Expect {
    Expect {
        outcome: String::new(),
        cause: String::new(),
        reason: String::new(),
        reply: ReplyForm::default(),
        upstream_request: None,
        decision: Map::new(),
        notices: Values::default(),
    }
}
