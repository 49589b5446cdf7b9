//! Requests that the rules of a policy suggest: each rule within its limits, and one step off.
//!
//! What another policy has besides is in the requests that it suggests itself: both are asked.

use linkgate_cases::Case;
use linkgate_policy::duration_ms;
use serde_json::{Map, Value, json};

use crate::stand_in;
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
        actors("issuers[].actors", self.issuer, &mut steps);
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
        actors("issuers[].secondary.actors", rules, &mut steps);
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

    fn audiences(&self, steps: &mut Steps) {
        let accepted = texts(self.issuer, "audiences");
        let first = accepted.first().cloned().unwrap_or_else(|| STRANGER.to_owned());
        let rule = "issuers[].audiences";
        for audience in &accepted {
            steps.claims(rule, format!("a bearer for `{audience}`"), json!({ "aud": audience }));
        }
        steps.claims(rule, "a bearer for another API", json!({ "aud": STRANGER }));
        steps.claims(rule, "a bearer without `aud`", json!({ "aud": null }));
        let issuer = text(self.issuer, "issuer").unwrap_or_default();
        let userinfo = format!("{}/userinfo", issuer.trim_end_matches('/'));
        let beside = texts(self.issuer, "audiences_beside").into_iter();
        let further = accepted.iter().skip(1).cloned();
        for other in beside.chain(further).chain([userinfo, STRANGER.to_owned()]) {
            let title = format!("a bearer for `{first}` and `{other}`");
            steps.claims("issuers[].audiences_beside", title, json!({ "aud": [first, other] }));
        }
    }

    fn clients(&self, steps: &mut Steps) {
        const CLAIMS: [&str; 4] = ["azp", "client_id", "cid", "appid"];
        let only = |claim: &str, client: Value| {
            let value = |one: &str| if one == claim { client.clone() } else { Value::Null };
            let claims = CLAIMS.map(|one| (one.to_owned(), value(one)));
            Value::Object(Map::from_iter(claims))
        };
        let claim = text(self.issuer, "client_claim").unwrap_or("azp");
        let audience = texts(self.issuer, "audiences").into_iter().next();
        let strangers = ["stranger".to_owned()].into_iter().chain(audience);
        for client in texts(self.issuer, "clients").into_iter().chain(strangers) {
            let title = format!("a bearer of the client `{client}`");
            steps.claims("issuers[].clients", title, only(claim, client.into()));
        }
        for claim in CLAIMS.into_iter().chain(["none"]) {
            let title = format!("a bearer whose client is in `{claim}`");
            steps.claims("issuers[].client_claim", title, only(claim, self.client().into()));
        }
    }

    fn scopes(&self, steps: &mut Steps) {
        const CLAIMS: [&str; 3] = ["scope", "scp", "permissions"];
        let wanted = match self.issuer.get("scopes") {
            Some(_) => texts(self.issuer, "scopes"),
            None => vec!["update:current_user_identities".to_owned()],
        };
        let only = |claim: &str, value: Value| {
            let value = |one: &str| if one == claim { value.clone() } else { Value::Null };
            Value::Object(Map::from_iter(CLAIMS.map(|one| (one.to_owned(), value(one)))))
        };
        let claim = text(self.issuer, "scope_claim").unwrap_or("scope");
        let written = |scopes: &[String]| match claim {
            "permissions" => json!(scopes),
            _ => json!(scopes.join(" ")),
        };
        let rule = "issuers[].scopes";
        steps.claims(rule, "a bearer with the scopes", only(claim, written(&wanted)));
        steps.claims(rule, "a bearer without scopes", only(claim, Value::Null));
        for left_out in &wanted {
            let others: Vec<String> =
                wanted.iter().filter(|scope| *scope != left_out).cloned().collect();
            let title = format!("a bearer without the scope `{left_out}`");
            steps.claims(rule, title, only(claim, written(&others)));
        }
        for (claim, value) in [
            ("scope", json!(wanted.join(" "))),
            ("scp", json!(wanted.join(" "))),
            ("scp", json!(wanted)),
            ("permissions", json!(wanted)),
        ] {
            let title = format!("a bearer with its scopes in `{claim}`");
            steps.claims("issuers[].scope_claim", title, only(claim, value));
        }
    }

    fn kinds(&self, steps: &mut Steps) {
        let id_token = json!({ "nonce": "n-0S6_WzA2Mj", "azp": null, "scope": null, "scp": null, "aud": self.client() });
        steps.claims("issuers[].kind", "an ID token as the bearer", id_token);
        for claims in [
            json!({ "nonce": "n-0S6_WzA2Mj", "scope": "openid" }),
            json!({ "nonce": "n-0S6_WzA2Mj", "scp": ["openid"] }),
        ] {
            steps.claims(
                "issuers[].id_token_scopes",
                format!("an ID token with {claims} as the bearer"),
                claims,
            );
        }
        for value in [Value::Null, json!("access"), json!("id")] {
            let title = format!("a bearer with `token_use` {value}");
            steps.claims("issuers[].token_use", title, json!({ "token_use": value }));
        }
        self.headers(steps);
    }

    fn headers(&self, steps: &mut Steps) {
        let own = text(self.issuer, "type").map(|own| json!(own));
        for typ in [Value::Null, json!("JWT"), json!("at+jwt")].into_iter().chain(own) {
            let title = format!("a token with `typ` {typ}");
            steps.form("issuers[].type", title, json!({ "header": { "typ": typ } }));
        }
    }

    fn algorithms(&self, rule: &'static str, rules: &Value, steps: &mut Steps) {
        let secret = text(self.issuer, "hmac_secret");
        for algorithm in texts(rules, "algorithms") {
            let key = stand_in::key_name(self.number, &algorithm, secret);
            let change = json!({ "key": key, "header": { "alg": stand_in::one_name(&algorithm) } });
            steps.form(rule, format!("a token signed with {algorithm}"), change);
        }
    }

    /// Around what `clock_skew` and `max_token_age` allow.
    fn dates(&self, steps: &mut Steps) {
        let skew = self.skew_s();
        for s in around(skew) {
            let claims = json!({ "exp": format!("now-{s}s"), "iat": format!("now-{}s", s + 60) });
            let rule = "issuers[].clock_skew";
            steps.claims(rule, format!("a bearer that expired {s} s ago"), claims);
            let claims = json!({ "nbf": format!("now+{s}s") });
            steps.claims(rule, format!("a bearer that is valid in {s} s"), claims);
        }
        for s in
            seconds(self.issuer, "max_token_age").into_iter().flat_map(|age| around(age + skew))
        {
            let claims = json!({ "iat": format!("now-{s}s") });
            steps.claims("issuers[].max_token_age", format!("a bearer of {s} s ago"), claims);
        }
    }

    fn skew_s(&self) -> u64 {
        seconds(self.issuer, "clock_skew").unwrap_or(30)
    }

    fn step_up(&self, steps: &mut Steps) {
        let rules = self.issuer.get("step_up").unwrap_or(&Value::Null);
        for acr in texts(rules, "acr") {
            let claims = json!({ "acr": acr, "amr": null });
            steps.claims("issuers[].step_up.acr", format!("a bearer with `acr` {acr}"), claims);
        }
        for amr in texts(rules, "amr") {
            let claims = json!({ "amr": [amr], "acr": null });
            steps.claims("issuers[].step_up.amr", format!("a bearer with `amr` {amr}"), claims);
        }
        let claims = json!({ "acr": null, "amr": null, "auth_time": null });
        steps.claims("issuers[].step_up", "a bearer that says nothing of the sign-in", claims);
        let skew = self.skew_s();
        for s in seconds(rules, "max_age").into_iter().flat_map(|age| around(age + skew)) {
            let claims = json!({ "auth_time": format!("now-{s}s"), "iat": "now" });
            let title = format!("a bearer of a sign-in {s} s ago");
            steps.claims("issuers[].step_up.max_age", title, claims);
        }
    }

    /// Around the age that a sign-in to the second account may have.
    fn sign_ins(&self, rules: &Value, steps: &mut Steps) {
        let age = match text(rules, "max_age") {
            Some("off") => 400 * 86_400,
            _ => seconds(rules, "max_age").unwrap_or(3600),
        };
        let rule = "issuers[].secondary.max_age";
        for s in around(age + self.skew_s()) {
            let at = format!("now-{s}s");
            let title = format!("a second token of a sign-in {s} s ago");
            steps.claims(rule, title, json!({ "auth_time": at, "iat": "now" }));
            let title = format!("a second token of {s} s ago, without `auth_time`");
            steps.claims(rule, title, json!({ "auth_time": null, "iat": at }));
        }
        let claims = json!({ "auth_time": null });
        steps.claims("issuers[].secondary.require", "a second token without `auth_time`", claims);
    }

    /// A token a little shorter than the longest, and one that is longer.
    fn lengths(&self, steps: &mut Steps) {
        let limit = self.policy.get("max_token_bytes").and_then(Value::as_u64).unwrap_or(8192);
        // Three bytes are four letters (RFC 4648 section 4), and the rest of a token is shorter than this.
        for bytes in [limit.saturating_sub(2048) * 3 / 4, limit * 3 / 4] {
            let claims = json!({ "padding": format!("{{{{repeat x {bytes}}}}}") });
            steps.claims("max_token_bytes", format!("a token of more than {bytes} bytes"), claims);
        }
    }

    fn requests(&self) -> Vec<Probe> {
        let mut steps = Steps::default();
        for name in ["link", "link-form", "unlink", "profile", "preflight"] {
            steps.form("base_path", name, json!({ "like": name }));
        }
        let profile = "{{base}}/users/{{user.path}}?fields=user_id&include_fields=true";
        steps.form(
            "profile",
            "profile, some fields",
            json!({ "like": "profile", "target": profile }),
        );
        let none = json!({ "like": "unlink", "drop": ["authorization"] });
        steps.form("request_id", "unlink: no bearer", none);
        self.passed(&mut steps);
        self.heads(&mut steps);
        let tokens = json!({
            "bearer": self.bearer(&json!({})),
            "secondary": form("valid-secondary", self.index, &[]),
        });
        let of_step = |step: Step| probe(step.rule, step.title, &tokens, step.change);
        let mut probes: Vec<Probe> = steps.0.into_iter().filter_map(of_step).collect();
        // An id with a slash in it, and the token of it.
        let claims = json!({ "claims": { "sub": "auth0|a/b" } });
        let tokens = json!({ "bearer": self.bearer(&claims) });
        let target = "{{base}}/users/auth0%7Ca%2Fb/identities/{{second.provider}}/{{second.id}}";
        let request = json!({ "like": "unlink", "target": target });
        let title = "unlink: an id with a slash".to_owned();
        probes.extend(probe("encoded_slashes", title, &tokens, request));
        probes
    }

    /// Paths at and around the prefixes that are passed on.
    fn passed(&self, steps: &mut Steps) {
        let get = |target: &str| json!({ "method": "GET", "target": target });
        for prefix in texts(self.policy, "pass") {
            let prefix = prefix.trim_end_matches('/');
            for ending in ["", "/x", "x"] {
                let target = format!("{prefix}{ending}");
                if !target.is_empty() {
                    steps.form("pass", format!("GET {target}"), get(&target));
                }
            }
            for name in ["request", "request_uri"] {
                for target in [format!("{prefix}/authorize?{name}=x"), format!("{prefix}?{name}=x")]
                {
                    steps.form("request_objects", format!("GET {target}"), get(&target));
                }
            }
        }
        for target in ["/", "/authorize", "{{base}}/users", "{{base}}/clients"] {
            steps.form("pass", format!("GET {target}"), get(target));
        }
    }

    /// Header lines that a rule looks at, or sends on.
    fn heads(&self, steps: &mut Steps) {
        let link = |name: &str, value: &str| json!({ "like": "link", "add": [{ name: value }] });
        let origins = self.policy.pointer("/cors").map(|cors| texts(cors, "origins"));
        let stranger = "https://stranger.linkgate.invalid".to_owned();
        for origin in origins.unwrap_or_default().into_iter().chain([stranger]) {
            let lines = json!([{ "origin": origin }, { "access-control-request-method": "POST" }]);
            let preflight = json!({ "like": "preflight", "headers": lines });
            steps.form("cors.origins", format!("a preflight of the page {origin}"), preflight);
            steps.form("cors.origins", format!("link: the page {origin}"), link("origin", &origin));
        }
        let own = text_at(self.policy, "/request_id/header");
        let ids = ["x-request-id".to_owned()].into_iter().chain(own);
        for name in texts(self.policy, "forward_headers").into_iter().chain(ids) {
            steps.form("forward_headers", format!("link: with `{name}`"), link(&name, "x"));
        }
        let hops: Vec<String> = (1..=HOPS).map(|hop| format!("203.0.113.{hop}")).collect();
        let forwarded: Vec<String> = hops.iter().map(|hop| format!("for={hop}")).collect();
        for (name, value) in [
            ("x-forwarded-for", hops.join(", ")),
            ("forwarded", forwarded.join(", ")),
            ("x-real-ip", "203.0.113.1".to_owned()),
        ] {
            steps.form("client_address", format!("link: with `{name}`"), link(name, &value));
        }
    }
}

/// More entries than proxies that a policy may trust.
const HOPS: usize = 17;

fn actors(rule: &'static str, rules: &Value, steps: &mut Steps) {
    for actor in texts(rules, "actors").into_iter().chain(["stranger".to_owned()]) {
        let claims = json!({ "act": { "sub": actor } });
        steps.claims(rule, format!("a token that `{actor}` got for the user"), claims);
    }
}

/// Two seconds less than a limit, and two more: a rule may be met at either end of its second.
fn around(limit_s: u64) -> Vec<u64> {
    vec![limit_s.saturating_sub(2), limit_s + 2]
}

fn seconds(rules: &Value, key: &str) -> Option<u64> {
    text(rules, key).and_then(duration_ms).map(|ms| ms / 1000)
}

fn text_at(policy: &Value, pointer: &str) -> Option<String> {
    policy.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
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
