//! Tokens within the limits of a rule, and one step off.

use serde_json::{Value, json};

use super::{Own, STRANGER, Steps, seconds};
use crate::stand_in;
use crate::team::{text, texts};

impl Own<'_> {
    pub(super) fn audiences(&self, steps: &mut Steps) {
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

    pub(super) fn clients(&self, steps: &mut Steps) {
        const CLAIMS: [&str; 4] = ["azp", "client_id", "cid", "appid"];
        let only = |claim: &str, client: Value| only(&CLAIMS, claim, &client);
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

    pub(super) fn scopes(&self, steps: &mut Steps) {
        const CLAIMS: [&str; 3] = ["scope", "scp", "permissions"];
        let wanted = match self.issuer.get("scopes") {
            Some(_) => texts(self.issuer, "scopes"),
            None => vec!["update:current_user_identities".to_owned()],
        };
        let only = |claim: &str, value: Value| only(&CLAIMS, claim, &value);
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

    pub(super) fn kinds(&self, steps: &mut Steps) {
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

    pub(super) fn headers(&self, steps: &mut Steps) {
        let own = text(self.issuer, "type").map(|own| json!(own));
        for typ in [Value::Null, json!("JWT"), json!("at+jwt")].into_iter().chain(own) {
            let title = format!("a token with `typ` {typ}");
            steps.form("issuers[].type", title, json!({ "header": { "typ": typ } }));
        }
    }

    pub(super) fn algorithms(&self, rule: &'static str, rules: &Value, steps: &mut Steps) {
        let secret = text(self.issuer, "hmac_secret");
        for algorithm in texts(rules, "algorithms") {
            let key = stand_in::key_name(self.number, &algorithm, secret);
            let change = json!({ "key": key, "header": { "alg": stand_in::one_name(&algorithm) } });
            steps.form(rule, format!("a token signed with {algorithm}"), change);
        }
    }

    /// Around what `clock_skew` and `max_token_age` allow.
    pub(super) fn dates(&self, steps: &mut Steps) {
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

    pub(super) fn step_up(&self, steps: &mut Steps) {
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
    pub(super) fn sign_ins(&self, rules: &Value, steps: &mut Steps) {
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
    pub(super) fn lengths(&self, steps: &mut Steps) {
        let limit = self.policy.get("max_token_bytes").and_then(Value::as_u64).unwrap_or(8192);
        // Three bytes are four letters (RFC 4648 section 4), and the rest of a token is shorter than this.
        for bytes in [limit.saturating_sub(2048) * 3 / 4, limit * 3 / 4] {
            let claims = json!({ "padding": format!("{{{{repeat x {bytes}}}}}") });
            steps.claims("max_token_bytes", format!("a token of more than {bytes} bytes"), claims);
        }
    }
}

pub(super) fn actors(rule: &'static str, rules: &Value, steps: &mut Steps) {
    for actor in texts(rules, "actors").into_iter().chain(["stranger".to_owned()]) {
        let claims = json!({ "act": { "sub": actor } });
        steps.claims(rule, format!("a token that `{actor}` got for the user"), claims);
    }
}

/// One of some claims with a value, and none of the others.
fn only(claims: &[&str], claim: &str, value: &Value) -> Value {
    let of = |one: &str| if one == claim { value.clone() } else { Value::Null };
    Value::Object(claims.iter().map(|one| ((*one).to_owned(), of(one))).collect())
}

/// Two seconds less than a limit, and two more: a rule may be met at either end of its second.
fn around(limit_s: u64) -> Vec<u64> {
    vec![limit_s.saturating_sub(2), limit_s + 2]
}
