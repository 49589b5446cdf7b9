//! Requests that the rules of a policy suggest: each rule within its limits, and one step off.
//!
//! What another policy has besides is in the requests that it suggests itself: both are asked.

mod requests;
mod tokens;

use linkgate_cases::Case;
use linkgate_policy::duration_ms;
use serde_json::{Map, Value, json};

use crate::team::{text, texts};

/// A request, and the rule that it is about.
pub(super) struct Probe {
    /// `issuers[].scopes`.
    pub(super) rule: &'static str,
    pub(super) title: String,
    pub(super) case: Case,
}

/// A change of a token, or of a request, that a rule suggests.
struct Step {
    rule: &'static str,
    title: String,
    /// Members of a token form, or of a request form.
    change: Value,
}

#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn claims(&mut self, rule: &'static str, title: impl Into<String>, claims: Value) {
        let change = Map::from_iter([("claims".to_owned(), claims)]);
        self.form(rule, title, Value::Object(change));
    }

    fn form(&mut self, rule: &'static str, title: impl Into<String>, change: Value) {
        self.0.push(Step { rule, title: title.into(), change });
    }
}

/// No policy has it.
const STRANGER: &str = "https://stranger.linkgate.invalid/";

/// The requests that a policy suggests; `numbers` are those of its issuers' keys.
pub(super) fn probes(policy: &Value, numbers: &[usize]) -> Vec<Probe> {
    let mut probes = Vec::new();
    let issuers = policy.get("issuers").and_then(Value::as_array);
    for (index, issuer) in issuers.into_iter().flatten().enumerate() {
        let number = numbers.get(index).copied().unwrap_or_default();
        let own = Own { policy, issuer, number, index };
        probes.extend(own.bearers());
        probes.extend(own.secondaries());
        if index == 0 {
            probes.extend(own.requests());
        }
    }
    probes
}

/// An issuer of a policy.
struct Own<'p> {
    policy: &'p Value,
    issuer: &'p Value,
    number: usize,
    index: usize,
}

impl Own<'_> {
    fn bearers(&self) -> Vec<Probe> {
        let mut steps = Steps::default();
        steps.claims("issuers[].issuer", "a good bearer", json!({}));
        self.audiences(&mut steps);
        self.clients(&mut steps);
        self.scopes(&mut steps);
        self.kinds(&mut steps);
        self.algorithms("issuers[].algorithms", self.issuer, &mut steps);
        self.dates(&mut steps);
        self.step_up(&mut steps);
        tokens::actors("issuers[].actors", self.issuer, &mut steps);
        let bound = json!({ "cnf": { "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } });
        steps.claims("issuers[].proof_of_possession", "a bearer that is bound to a key", bound);
        self.lengths(&mut steps);
        let mut probes = Vec::new();
        for Step { rule, title, change } in steps.0 {
            for request in ["link", "unlink", "profile"] {
                let title = format!("{request}: {title}");
                let secondary = self.secondary_for(&change);
                let tokens = json!({ "bearer": self.bearer(&change), "secondary": secondary });
                probes.extend(probe(rule, title, &tokens, json!({ "like": request })));
            }
        }
        probes
    }

    fn secondaries(&self) -> Vec<Probe> {
        let rules = self.issuer.get("secondary").unwrap_or(&Value::Null);
        let mut steps = Steps::default();
        let rule = "issuers[].secondary.audiences";
        for audience in texts(rules, "audiences") {
            steps.claims(
                rule,
                format!("a second token for `{audience}`"),
                json!({ "aud": audience }),
            );
        }
        steps.claims(
            rule,
            "a second token for the client of the bearer",
            json!({ "aud": self.client() }),
        );
        steps.claims(rule, "a second token for another client", json!({ "aud": "stranger" }));
        self.algorithms("issuers[].secondary.algorithms", rules, &mut steps);
        self.sign_ins(rules, &mut steps);
        for (value, what) in [
            (json!(false), "an e-mail address that is not verified"),
            (Value::Null, "an e-mail address of which nothing is said"),
        ] {
            let claims = json!({ "email_verified": value });
            steps.claims(
                "issuers[].secondary.email_verified",
                format!("a second token with {what}"),
                claims,
            );
        }
        tokens::actors("issuers[].secondary.actors", rules, &mut steps);
        self.headers(&mut steps);
        for claims in [json!({ "scope": "openid" }), json!({ "scp": ["openid"] })] {
            steps.claims(
                "issuers[].id_token_scopes",
                format!("a second token with {claims}"),
                claims,
            );
        }
        self.lengths(&mut steps);
        let tokens = |change: &Value| json!({ "bearer": self.bearer(&json!({})), "secondary": form("valid-secondary", self.index, &[change]) });
        let probe_of = |step: Step| {
            let title = format!("link: {}", step.title);
            probe(step.rule, title, &tokens(&step.change), json!({ "like": "link" }))
        };
        steps.0.into_iter().filter_map(probe_of).collect()
    }

    /// A bearer of this issuer with a change; without one it is good.
    fn bearer(&self, change: &Value) -> Value {
        form("valid-bearer", self.index, &[&self.signed_in(), change])
    }

    /// What `step_up` asks for.
    fn signed_in(&self) -> Value {
        let Some(rules) = self.issuer.get("step_up") else { return json!({}) };
        let first = |key| texts(rules, key).into_iter().next();
        let mut claims = Map::from_iter([("auth_time".to_owned(), json!("now"))]);
        claims.extend(first("acr").map(|acr| ("acr".to_owned(), json!(acr))));
        claims.extend(first("amr").map(|amr| ("amr".to_owned(), json!([amr]))));
        json!({ "claims": claims })
    }

    /// A second token for the client that the bearer names.
    fn secondary_for(&self, change: &Value) -> Value {
        let claim = text(self.issuer, "client_claim").unwrap_or("azp");
        let client = change.pointer(&format!("/claims/{claim}")).and_then(Value::as_str);
        let has_own = self.issuer.pointer("/secondary/audiences").is_some();
        let own = client.filter(|_| !has_own).map(|client| json!({ "claims": { "aud": client } }));
        form("valid-secondary", self.index, &[&own.unwrap_or_default()])
    }

    fn client(&self) -> String {
        let first = texts(self.issuer, "clients").into_iter().next();
        first.unwrap_or_else(|| "{{client}}".to_owned())
    }

    fn skew_s(&self) -> u64 {
        seconds(self.issuer, "clock_skew").unwrap_or(30)
    }
}

fn seconds(rules: &Value, key: &str) -> Option<u64> {
    text(rules, key).and_then(duration_ms).map(|ms| ms / 1000)
}

/// A token like a good one of an issuer, with changes of its claims, its header and its key.
fn form(like: &str, index: usize, changes: &[&Value]) -> Value {
    let ending = if index == 0 { String::new() } else { format!("-{}", index + 1) };
    let (mut claims, mut header, mut key) = (Map::new(), Map::new(), Value::Null);
    for change in changes {
        let members = |name: &str| change.get(name).and_then(Value::as_object).cloned();
        claims.extend(members("claims").unwrap_or_default());
        header.extend(members("header").unwrap_or_default());
        key = change.get("key").cloned().unwrap_or(key);
    }
    json!({ "like": format!("{like}{ending}"), "claims": claims, "header": header, "key": key })
}

/// A case that expects nothing: what is compared is what comes of it.
fn probe(rule: &'static str, title: String, tokens: &Value, request: Value) -> Option<Probe> {
    let mut case = json!({
        "title": title, "policy": "policy", "tokens": tokens,
        "expect": { "outcome": "", "cause": "", "reason": "", "reply": {} },
    });
    case.as_object_mut()?.insert("request".to_owned(), request);
    Some(Probe { rule, title, case: serde_json::from_value(case).ok()? })
}
