//! What the cases of a file stand on: their policy with throw-away keys, and a valid token, a request and an answer
//! for whatever a case does not say.

use std::collections::BTreeMap;
use std::path::Path;

use linkgate_cases::{
    AnswerForm, AskForm, CallForm, Case, Keys, LINKED, Response, SERVICE, Scene, Shared, Suite,
    Trouble, Whose, encoded,
};
use linkgate_policy::{Abilities, Header, Secrets};
use serde_json::{Value, json};

use super::defaults::{self, NONE, algorithms, text};
use super::read::{CaseFile, Common, POLICY};
use crate::check_report::Checked;
use crate::document::{Document, Severity};
use crate::stand_in;

/// A policy, made ready for cases.
pub(crate) struct Policy {
    pub(crate) document: Document,
    /// With throw-away keys.
    value: Value,
    keys: Keys,
    /// Of each issuer, the number in the names of its keys.
    numbers: Vec<usize>,
    /// Names of its secrets.
    secrets: Vec<String>,
}

/// A policy that cannot be used.
pub(super) enum Unusable {
    Unreadable(String),
    Mistaken(Box<Checked>),
    Keys(Trouble),
}

impl Policy {
    /// Reads a policy as `linkgate check` does, and puts throw-away keys in.
    pub(super) fn open(path: &Path) -> Result<Self, Unusable> {
        let document = Document::open(path).map_err(Unusable::Unreadable)?;
        let host = Abilities::ALL;
        let mut findings = document.review(&Secrets::default().or_stand_in(), host).findings;
        findings.retain(|finding| finding.severity == Severity::Error);
        if !findings.is_empty() {
            return Err(Unusable::Mistaken(Box::new(Checked {
                document,
                findings,
                accepted: Vec::new(),
            })));
        }
        Self::of(document).map_err(Unusable::Keys)
    }

    fn of(document: Document) -> Result<Self, Trouble> {
        let mut keys = Keys::default();
        stand_in::add_stranger(&mut keys)?;
        let policy = Self::with_keys(document, &mut Vec::new(), &mut keys)?;
        Ok(Self { keys, ..policy })
    }

    /// With throw-away keys, of which some may be there. `names` are the issuers that have some.
    fn with_keys(
        document: Document,
        names: &mut Vec<String>,
        keys: &mut Keys,
    ) -> Result<Self, Trouble> {
        let mut value = document.value();
        // Cases say what is decided; whether it is enforced already is another question.
        value.as_object_mut().and_then(|members| members.remove("shadow"));
        let issuers = value.get_mut("issuers").and_then(Value::as_array_mut);
        let mut numbers = Vec::new();
        for issuer in issuers.into_iter().flatten() {
            let name = text(issuer, "issuer").unwrap_or_default().to_owned();
            let known = names.iter().position(|known| *known == name);
            let number = known.unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            }) + 1;
            numbers.push(number);
            let all = [algorithms(issuer), algorithms(issuer.get("secondary").unwrap_or(&NONE))];
            stand_in::replace_keys(issuer, number, &all.concat(), keys)?;
        }
        let secrets = secrets(&value);
        for name in &secrets {
            stand_in::add_secret(name, keys)?;
        }
        Ok(Self { document, value, keys: Keys::default(), numbers, secrets })
    }

    /// The document as it is written, but for the keys.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Of each issuer, the number of its keys.
    pub(crate) fn numbers(&self) -> &[usize] {
        &self.numbers
    }

    fn issuers(&self) -> &[Value] {
        self.value.get("issuers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    fn base_path(&self) -> &str {
        text(&self.value, "base_path").unwrap_or("/api/v2").trim_end_matches('/')
    }
}

/// Two policies that take the same tokens: an issuer of both has the same throw-away keys. What comes after the decision is
/// taken out.
pub(crate) fn pair(documents: [Document; 2]) -> Result<[Policy; 2], Trouble> {
    let (mut names, mut keys) = (Vec::new(), Keys::default());
    stand_in::add_stranger(&mut keys)?;
    let [old, new] = documents;
    let mut policies = [
        Policy::with_keys(old, &mut names, &mut keys)?,
        Policy::with_keys(new, &mut names, &mut keys)?,
    ];
    let mut secrets: Vec<String> =
        policies.iter().flat_map(|policy| policy.secrets.clone()).collect();
    secrets.sort();
    secrets.dedup();
    for policy in &mut policies {
        policy.value.as_object_mut().and_then(|members| members.remove("metadata"));
        policy.keys = keys.clone();
        policy.secrets.clone_from(&secrets);
    }
    Ok(policies)
}

/// The suite of one file: all its cases can be made ready from it.
pub(crate) struct Fixture<'p> {
    suite: Suite,
    policy: &'p Policy,
}

impl<'p> Fixture<'p> {
    /// For the cases of a file.
    pub(crate) fn of(policy: &'p Policy, file: &CaseFile) -> Self {
        Self::with(policy, &file.common)
    }

    /// For cases of no file.
    pub(crate) fn bare(policy: &'p Policy) -> Self {
        Self::with(policy, &Common::default())
    }

    fn with(policy: &'p Policy, common: &Common) -> Self {
        let shared = shared(policy, common);
        let suite = Suite::of_policy(shared, policy.keys.clone(), POLICY, policy.value.clone());
        Self { suite, policy }
    }

    /// A case as bytes.
    pub(crate) fn scene(&self, case: &Case) -> Result<Scene, Trouble> {
        let mut case = case.clone();
        let request = self.suite.flat_request(&case.request);
        let request = request.map_err(|trouble| trouble.at("request"))?;
        if case.upstream.is_none() && self.suite.shared.upstream.status.is_none() {
            case.upstream = Some(defaults::usual_answer(request.method.as_deref()));
        }
        let mut scene =
            self.merging(&case).map_or_else(|| Scene::prepare(&self.suite, &case), Ok)?;
        if self.policy.value.pointer("/metadata/service/client_id").is_some() {
            scene.keys = vec![Ok(self.granted()?)];
        }
        Ok(scene)
    }

    /// The scene of a link that merges and does not say how: neither account has metadata. A request that is
    /// refused before it gets there may have no accounts to read; then there is none.
    fn merging(&self, case: &Case) -> Option<Scene> {
        if self.policy.value.get("metadata").is_none() || !case.calls.is_empty() {
            return None;
        }
        let read = |whose, linked| {
            CallForm::Call(AskForm::Reads(whose), AnswerForm::Account { metadata: None, linked })
        };
        let calls = vec![
            read(Whose::Secondary, None),
            read(Whose::Primary, None),
            read(Whose::Secondary, None),
            CallForm::Link,
            read(Whose::Primary, Some(LINKED.to_owned())),
        ];
        Scene::prepare(&self.suite, &Case { calls, ..case.clone() }).ok()
    }

    /// What a token endpoint says to the gate.
    fn granted(&self) -> Result<Response, Trouble> {
        let token = self.suite.secret(SERVICE)?;
        let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 86_400 });
        let headers = vec![Header::new("content-type", "application/json")];
        Ok(Response { status: 200, headers, body: body.to_string().into_bytes() })
    }
}

/// What every case can name.
fn shared(policy: &Policy, common: &Common) -> Shared {
    let mut tokens = defaults::valid_tokens(policy.issuers(), &policy.numbers);
    for (name, form) in &common.tokens {
        let mut form = form.clone();
        if form.like.as_deref() == Some(name) {
            form.like = Some(format!("valid-{name}"));
        }
        tokens.insert(name.clone(), form);
    }
    let (mut requests, mut upstream_requests) = defaults::requests(&policy.value);
    requests.extend(common.requests.clone());
    upstream_requests.extend(common.upstream_requests.clone());
    let mut secrets: BTreeMap<String, String> =
        policy.secrets.iter().map(|name| (name.clone(), stand_in::secret_key(name))).collect();
    if let Some(token) = policy.value.pointer("/metadata/service/token").and_then(Value::as_str) {
        secrets.insert(SERVICE.to_owned(), stand_in::secret_key(token));
    }
    Shared {
        clock: common.clock.unwrap_or(CLOCK_S),
        names: names(policy, &common.names),
        secrets,
        tokens,
        requests,
        upstream_requests,
        upstream: common.upstream.clone().unwrap_or_default(),
    }
}

/// 2026-01-15T12:00:00Z: cases have to come out the same on any day.
const CLOCK_S: u64 = 1_768_478_400;

/// The people, and what a path has of them: `{{user.path}}`, `{{second.provider}}`, `{{second.id}}`.
fn names(policy: &Policy, own: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> =
        PEOPLE.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    names.insert("base".to_owned(), policy.base_path().to_owned());
    names.extend(own.clone());
    let parts: Vec<(String, String)> = names
        .iter()
        .flat_map(|(name, text)| {
            let (provider, id) = text.split_once('|').unwrap_or(("provider", text));
            [("path", text.as_str()), ("provider", provider), ("id", id)]
                .map(|(part, text)| (format!("{name}.{part}"), encoded(text)))
        })
        .collect();
    names.extend(parts);
    names
}

/// Whom the tokens are of, unless a file has `names` of its own.
const PEOPLE: [(&str, &str); 4] = [
    ("user", "auth0|65f0c0ffee0000000000a11c"),
    ("second", "google-oauth2|115015401343387192604"),
    ("other", "auth0|65f0c0ffee00000000000b0b"),
    ("client", "client"),
];

/// The names of the secrets that a policy names.
fn secrets(policy: &Value) -> Vec<String> {
    let mut names: Vec<String> = policy
        .get("issuers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|issuer| text(issuer, "hmac_secret").map(str::to_owned))
        .collect();
    let service = policy.pointer("/metadata/service");
    for key in ["token", "client_secret"] {
        names.extend(service.and_then(|service| text(service, key)).map(str::to_owned));
    }
    // A token that the gate is granted is a secret of the test's own.
    if service.is_some() {
        names.push(SERVICE.to_owned());
    }
    names.sort();
    names.dedup();
    names
}

/// Which issuer of a policy that is, from 0: the first unless it is known.
pub(super) fn issuer_of(policy: &Policy, name: Option<&str>) -> usize {
    let is_it = |issuer: &Value| name.is_some() && text(issuer, "issuer") == name;
    policy.issuers().iter().position(is_it).unwrap_or_default()
}
