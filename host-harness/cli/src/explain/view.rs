//! What a step saw and concluded, as it can be shown: no signature, no secret, no body.

use linkgate_policy::cause::{Denial, Fault, TokenFlaw};
use linkgate_policy::{Cause, escaped};
use serde_json::Value;

use super::exchange::Ended;
use super::explanations::refused;
use super::input::Input;
use super::presented::{Fact, Presented};
use super::steps::{Stage, State, Step};
use crate::columns::cut;
use crate::document::Document;
use crate::rules;

/// What there is to show.
pub(super) struct View<'a> {
    pub(super) ended: &'a Ended,
    pub(super) asked: &'a Input,
    pub(super) document: &'a Document,
    pub(super) at_s: u64,
    pub(super) verified: bool,
}

impl View<'_> {
    pub(super) fn step(&self, stage: Stage, ended: State, cause: Cause) -> Step {
        let is_reached = ended != State::NotReached;
        let concluded = match ended {
            State::Refused => refused(cause, self.ended.decision.detail.as_deref()),
            State::NotReached => "not reached".to_owned(),
            State::Held | State::Open => self.held(stage, ended),
        };
        let mut saw = if is_reached { self.saw(stage) } else { Vec::new() };
        // Not believed: the core stopped before the signature was seen to hold.
        if matches!(cause, Cause::Denied(Denial::Bearer(_) | Denial::Secondary(_)))
            && ended == State::Refused
        {
            saw.push(("verified".to_owned(), "no: this is what it says of itself".to_owned()));
        }
        if ended == State::Refused && hangs_on_keys(cause) {
            let why = |(issuer, why): &(String, String)| {
                ("keys".to_owned(), format!("{}: {}", escaped(issuer), escaped(why)))
            };
            saw.extend(self.ended.without_keys.iter().map(why));
        }
        let rule = is_reached.then(|| self.rule(stage, ended, cause)).flatten();
        Step { stage, state: ended, saw, concluded, rule }
    }

    fn held(&self, stage: Stage, ended: State) -> String {
        let decision = &self.ended.decision;
        let text = match stage {
            Stage::Route if decision.route == "preflight" => {
                "a preflight, answered without a token"
            }
            Stage::Route => return format!("the route is `{}`", decision.route),
            Stage::Bearer => "one bearer token",
            Stage::Token if self.verified => {
                "verified: form, issuer, algorithm, dates, audience, key, signature, and what the policy asks besides"
            }
            Stage::Token | Stage::LinkWith if !self.verified => {
                "all that it says holds; THE SIGNATURE WAS NOT CHECKED"
            }
            Stage::Token => "",
            Stage::Subject => "the subject of the token is the user in the path",
            Stage::Body => "`link_with` and nothing else",
            Stage::LinkWith => "verified: a fresh sign-in to another account of the same issuer",
            Stage::Metadata => {
                "decided by what both accounts hold: nothing was asked here, `linkgate plan` shows a merge"
            }
            Stage::Forward if ended == State::Open => "sent once metadata is carried over",
            Stage::Forward if decision.route == "pass" => "passed on untouched",
            Stage::Forward => "what would be sent, rebuilt from what was judged",
        };
        text.to_owned()
    }

    fn saw(&self, stage: Stage) -> Vec<Fact> {
        let fact = |name: &str, value: String| (name.to_owned(), value);
        let decision = &self.ended.decision;
        match stage {
            Stage::Route => {
                vec![fact("method", decision.method.clone()), fact("path", decision.path.clone())]
            }
            Stage::Bearer => {
                let sent = self.asked.all("authorization");
                let schemes: Vec<&str> =
                    sent.iter().map(|line| line.split(' ').next().unwrap_or_default()).collect();
                let text = match schemes.as_slice() {
                    [] => "none".to_owned(),
                    [one] => format!(
                        "one, scheme `{}`, not shown",
                        escaped(&one.chars().take(MAX_SCHEME).collect::<String>())
                    ),
                    several => format!("{} of them, not shown", several.len()),
                };
                vec![fact("authorization", text)]
            }
            Stage::Token => Presented::bearer(self.asked)
                .map(|token| token.facts(self.at_s))
                .unwrap_or_default(),
            Stage::Subject => {
                let subject =
                    Presented::bearer(self.asked).and_then(|token| token.claim("sub").map(escaped));
                vec![fact("subject", subject.unwrap_or_default()), fact("user", self.user())]
            }
            Stage::Body => self.saw_body(),
            Stage::LinkWith => Presented::link_with(self.asked)
                .map(|token| token.facts(self.at_s))
                .unwrap_or_default(),
            Stage::Metadata => Vec::new(),
            Stage::Forward => self.saw_sent(),
        }
    }

    /// The user in the path, as the path has it.
    fn user(&self) -> String {
        let path = &self.ended.decision.path;
        let rest = path.split_once("/users/").map(|(_, rest)| rest).unwrap_or_default();
        format!("{} (as the path has it)", rest.split('/').next().unwrap_or_default())
    }

    fn saw_body(&self) -> Vec<Fact> {
        let kind = self.asked.all("content-type").join(", ");
        let kind = if kind.is_empty() { "none".to_owned() } else { escaped(&kind) };
        let text = String::from_utf8_lossy(&self.asked.body);
        let members: Vec<String> = match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(members)) => members.keys().map(String::as_str).map(member).collect(),
            _ => text
                .split('&')
                .filter_map(|pair| pair.split_once('=').map(|(name, _)| member(name)))
                .collect(),
        };
        vec![
            ("content-type".to_owned(), kind),
            ("length".to_owned(), format!("{} bytes", self.asked.body.len())),
            ("members".to_owned(), cut(&members.join(", "), MAX_MEMBERS)),
        ]
    }

    fn saw_sent(&self) -> Vec<Fact> {
        let Some(sent) = &self.ended.sent else { return Vec::new() };
        let names: Vec<&str> = sent.headers.iter().map(|line| line.name.as_str()).collect();
        vec![
            ("request".to_owned(), format!("{} {}", sent.method, sent.path)),
            ("headers".to_owned(), names.join(", ")),
        ]
    }

    /// The rule that a step went by, or that it was refused for.
    fn rule(&self, stage: Stage, ended: State, cause: Cause) -> Option<String> {
        let bearer = Presented::bearer(self.asked);
        let issuer = self.issuer(bearer.as_ref().and_then(|token| token.claim("iss")));
        let key = match (ended, stage) {
            (State::Refused, _) => rules::key_of(&cause.name()),
            (_, Stage::Token) => issuer.map(|_| "issuers[].issuer"),
            (_, Stage::LinkWith) => issuer.map(|_| "issuers[].secondary"),
            (_, Stage::Metadata) => Some("metadata"),
            (_, Stage::Route) => match self.ended.decision.route {
                "pass" => Some("pass"),
                "preflight" => Some("cors"),
                "profile" => Some("profile"),
                _ => None,
            },
            (_, Stage::Bearer | Stage::Subject | Stage::Body | Stage::Forward) => None,
        };
        key.map(|key| rules::place(self.document, key, issuer.unwrap_or_default()))
    }

    /// Which issuer of the policy that is.
    fn issuer(&self, name: Option<&str>) -> Option<usize> {
        let policy = self.document.value();
        let issuers = policy.get("issuers").and_then(Value::as_array)?;
        let name = name?;
        issuers.iter().position(|issuer| issuer.get("issuer").and_then(Value::as_str) == Some(name))
    }
}

/// Whether other keys would decide otherwise.
fn hangs_on_keys(cause: Cause) -> bool {
    let is_of_a_key = |flaw| matches!(flaw, TokenFlaw::KeyUnknown | TokenFlaw::KeyAmbiguous);
    match cause {
        Cause::Failed(fault) => {
            matches!(fault, Fault::KeysUnavailable | Fault::KeyUndecided | Fault::KeysBusy)
        }
        Cause::Denied(Denial::Bearer(flaw) | Denial::Secondary(flaw)) => is_of_a_key(flaw),
        Cause::Denied(Denial::Request(_))
        | Cause::Granted
        | Cause::LinkFound
        | Cause::Preflight
        | Cause::Passed
        | Cause::Shadowed
        | Cause::Unfinished => false,
    }
}

/// Characters of a scheme: what is there may be a token without one.
const MAX_SCHEME: usize = 12;

/// A member of a body, by its name; one that looks like none may be a secret that is no form at all.
fn member(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-[]".contains(&byte);
    if name.len() <= MAX_MEMBER && name.bytes().all(plain) {
        name.to_owned()
    } else {
        "(not shown)".to_owned()
    }
}

/// Characters of the name of a member that is shown.
const MAX_MEMBER: usize = 32;

/// Characters of the names of members.
const MAX_MEMBERS: usize = 100;
