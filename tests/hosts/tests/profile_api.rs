//! Two components and nothing else: `examples/profile-api`, which is on waki, behind the proxy edition, each in a
//! `wasmtime serve` of its own. What the example keeps in memory is what shows whether a request reached it.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use linkgate_cases::Request;
use linkgate_policy::Header;
use linkgate_tenant::{Settings, SigningKey, Tenant, Users, Validity};
use linkgate_tests::hosts::{PLAIN, Policy, Running as _, WasmtimeServe, environment, exchange};
use linkgate_tests::{ALICE, ALICES_PROFILE, component};
use serde_json::{Value, json};

const BOB: &str = "github|583231";

#[test]
fn the_gate_lets_alice_alone_link_read_and_unlink() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let binary = Path::new(env!("CARGO_BIN_EXE_linkgate-wasmtime-serve"));
    let (api, gate) = ("linkgate-profile-api.wasm", "linkgate-proxy.wasm");
    let api =
        WasmtimeServe::prepare_upstream(binary, &component(api), folder).expect("it compiles");
    let gate = WasmtimeServe::prepare(binary, &component(gate), folder).expect("it compiles");
    let kept = [PLAIN, &["--max-instance-reuse-count", "1000", "--idle-instance-timeout", "3600s"]];
    let api = api.serve(&[], &kept.concat()).expect("the API");
    let people = People::new();
    let variables = environment(&people.policy(), &format!("http://{}", api.address()));
    let gate = gate.serve(&variables, &kept.concat()).expect("the gate");

    let at = |method, path: &str, bearer: &str, link_with: Option<&str>| {
        call(gate.address(), method, &format!("{ALICES_PROFILE}{path}"), bearer, link_with)
    };
    let (alice, bob, proof) = (people.bearer(ALICE), people.bearer(BOB), people.proof(BOB));
    let identities = || at("GET", "", &alice, None).1.pointer("/identities").cloned();
    let main = json!({ "provider": "auth0", "user_id": "alice-5f7c8ec7" });
    let both = json!([main, { "provider": "github", "user_id": "583231" }]);
    let link = ("POST", "/identities", Some(proof.as_str()));
    let unlink = ("DELETE", "/identities/github/583231", None);
    let (alone, denied) = (json!([main]), Some("subject-mismatch"));
    for (what, (method, path, link_with), bearer, status, reason, after) in [
        ("she links", link, &alice, 201, None, &both),
        ("Bob unlinks", unlink, &bob, 403, denied, &both),
        ("she unlinks", unlink, &alice, 200, None, &alone),
        ("Bob links", link, &bob, 403, denied, &alone),
        ("it is not there", unlink, &alice, 404, None, &alone),
    ] {
        let (answered, body) = at(method, path, bearer, link_with);
        let refused = body.pointer("/reason").and_then(Value::as_str);
        assert_eq!((answered, refused), (status, reason), "{what}: {body}");
        assert_eq!(identities().as_ref(), Some(after), "{what}");
    }
}

/// An issuer and who signs in there; nothing listens.
struct People {
    issuer: Tenant,
    hour: Validity,
}

impl People {
    fn new() -> Self {
        let key = SigningKey::generate().expect("a key");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let issuer = Tenant::new(Settings::new("https://issuer.example/"), key, Users::default());
        Self { issuer, hour: Validity::new(now.as_secs(), 3600) }
    }

    fn policy(&self) -> Policy {
        let settings = self.issuer.settings();
        let document = json!({
            "version": 1,
            "issuers": [{
                "issuer": settings.issuer(),
                "audiences": [settings.management_audience()],
                "keys": { "jwks": { "keys": [self.issuer.signing_key().jwk()] } },
            }],
            "profile": "read-own",
        });
        Policy { document: document.to_string(), secrets: Vec::new() }
    }

    fn bearer(&self, user: &str) -> String {
        let scopes = ["read:current_user", "update:current_user_identities"];
        self.issuer.mint_access_token(user, "spa", &scopes, self.hour).expect("a token")
    }

    fn proof(&self, user: &str) -> String {
        self.issuer.mint_id_token(user, "spa", self.hour).expect("a token")
    }
}

fn call(
    gate: SocketAddr,
    method: &str,
    path: &str,
    bearer: &str,
    link_with: Option<&str>,
) -> (u16, Value) {
    let request = Request {
        method: method.to_owned(),
        target: path.as_bytes().to_vec(),
        headers: vec![
            Header::new("authorization", &format!("Bearer {bearer}")),
            Header::new("content-type", "application/json"),
        ],
        body: link_with
            .map_or_else(Vec::new, |token| json!({ "link_with": token }).to_string().into_bytes()),
        body_breaks_off: false,
    };
    let answer = exchange(gate, &request).expect("an answer");
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
}
