//! Requests at and around what the rules of routes, pages and header lines name.

use serde_json::{Value, json};

use super::{Own, Probe, Step, Steps, form, probe};
use crate::team::texts;

impl Own<'_> {
    pub(super) fn requests(&self) -> Vec<Probe> {
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

fn text_at(policy: &Value, pointer: &str) -> Option<String> {
    policy.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

/// More entries than proxies that a policy may trust.
const HOPS: usize = 17;
