//! Two accounts and a third, a tenant that has them, and a gate in front of it.

use std::rc::Rc;
use std::sync::OnceLock;

use jsonwebtoken::{Algorithm, EncodingKey, Header as JoseHeader};
use linkgate_policy::{Abilities, Now, Policy, Secrets};
use linkgate_tenant::{Request, Settings, SigningKey, Tenant, Users, Validity};
use serde_json::{Map, Value, json};

use crate::place::{Place, Places};
use crate::setup::{Mode, Setup};

/// The account that stays. Ids hold what keys may not.
pub(crate) const PRIMARY: &str = "samlp|my.conn|p@example.com";

/// The account that is linked to it. Its provider numbers its users.
pub(crate) const SECONDARY: &str = "github|583231";

/// Another account that somebody may link to the same primary.
pub(crate) const THIRD: &str = "google-oauth2|103547991597142817347";

/// Whose metadata the policy does not carry.
pub(crate) const LEFT_OUT: &str = "private";

/// Wall clock at the start of each history that is played without sockets, in Unix seconds.
pub(crate) const NOW_UNIX_S: u64 = 1_750_000_000;

const ISSUER: &str = "https://tenant.example/";

/// Metadata of an account.
pub(crate) type Metadata = Map<String, Value>;

/// What the accounts hold at the start.
#[derive(Clone, Debug)]
pub(crate) struct Holdings {
    /// None: nothing was ever written.
    pub(crate) primary: Option<Metadata>,
    pub(crate) secondary: Option<Metadata>,
    pub(crate) third: Option<Metadata>,
}

/// Where every history of a setup begins.
pub(crate) struct World {
    pub(crate) setup: Setup,
    /// Wall clock at the start of each history, in Unix seconds.
    pub(crate) now_unix_s: u64,
    /// All places that histories come by, and the first.
    pub(crate) places: Places,
    pub(crate) start: Rc<Place>,
    pub(crate) primary_path: String,
    pub(crate) secondary_path: String,
    pub(crate) third_path: String,
    pub(crate) tokens: Tokens,
    document: String,
    document_of_others: String,
}

/// Tokens, minted once. The gate gets HS256 tokens with the same claims as the tenant's own: to verify
/// RS256 would take longer than all the rest of a history. The driver puts the tenant's in their place.
pub(crate) struct Tokens {
    pub(crate) bearer: Pair,
    pub(crate) secondary: Pair,
    pub(crate) third: Pair,
    /// The gate's own, in both places.
    pub(crate) service: String,
    /// Somebody else's, who edits accounts and links them without a gate.
    machine: String,
}

/// A token as the gate knows it, and as the tenant does.
pub(crate) struct Pair {
    pub(crate) gate: String,
    pub(crate) tenant: String,
}

impl World {
    pub(crate) fn new(setup: Setup, holdings: &Holdings) -> Self {
        Self::at(NOW_UNIX_S, setup, holdings)
    }

    pub(crate) fn at(now_unix_s: u64, setup: Setup, holdings: &Holdings) -> Self {
        let mut settings = Settings::new(ISSUER);
        settings.id_tokens_as_bearer = setup.mode == Mode::Caller;
        let users = Users::parse(&users(holdings).to_string()).expect("the users are in order");
        let mut tenant = Tenant::new(settings, key().clone(), users);
        let tokens = Tokens::mint(&mut tenant, setup.mode, now_unix_s);
        let places = Places::new(now_unix_s);
        let start = places.of(tenant);
        let [document, document_of_others] =
            [setup, setup.of_others()].map(|setup| setup.document(ISSUER).to_string());
        Self {
            setup,
            now_unix_s,
            places,
            start,
            primary_path: account_path(PRIMARY),
            secondary_path: account_path(SECONDARY),
            third_path: account_path(THIRD),
            tokens,
            document,
            document_of_others,
        }
    }

    /// The policy document, of this gateway or of others.
    pub(crate) fn document(&self, of_others: bool) -> &str {
        if of_others { &self.document_of_others } else { &self.document }
    }

    /// The secrets that it names.
    pub(crate) fn secrets(&self) -> [(&'static str, &str); 2] {
        [("HMAC", SECRET), ("SERVICE", &self.tokens.service)]
    }

    /// A gate of its own. One gate serves any number of histories: nothing of an exchange outlives it.
    pub(crate) fn policy(&self, of_others: bool) -> Policy {
        let secrets: Secrets = self.secrets().into_iter().collect();
        let host = Abilities::ALL;
        let now = Now { unix_ms: 0, mono_ms: 0 };
        Policy::compile(self.document(of_others), &secrets, host, 1, now).unwrap_or_else(
            |mistakes| {
                panic!("{}\n{mistakes:?}", self.document);
            },
        )
    }

    /// The path of an account that is linked to the primary.
    pub(crate) fn path_of(&self, account: &str) -> &str {
        if account == SECONDARY { &self.secondary_path } else { &self.third_path }
    }

    /// Somebody changes metadata of an account; null removes a key.
    pub(crate) fn edit(&self, account: &str, key: &str, value: &Value) -> Request {
        Request::new("PATCH", &account_path(account))
            .with_bearer(&self.tokens.machine)
            .with_json(&json!({ "user_metadata": { key: value } }))
    }

    /// Somebody links the primary to the secondary, by the API itself.
    pub(crate) fn reverse(&self) -> Request {
        let (provider, user_id) = PRIMARY.split_once('|').expect("an id has a provider");
        Request::new("POST", &format!("{}/identities", account_path(SECONDARY)))
            .with_bearer(&self.tokens.machine)
            .with_json(&json!({ "provider": provider, "user_id": user_id }))
    }
}

impl World {
    /// Somebody unlinks the secondary.
    pub(crate) fn unlink(&self) -> Request {
        let (provider, user_id) = SECONDARY.split_once('|').expect("an id has a provider");
        let path = format!("{}/identities/{provider}/{user_id}", account_path(PRIMARY));
        Request::new("DELETE", &path).with_bearer(&self.tokens.machine)
    }
}

impl Tokens {
    fn mint(tenant: &mut Tenant, mode: Mode, now_unix_s: u64) -> Self {
        let hour = Validity::new(now_unix_s - 60, 36_000);
        let id = |user: &str| tenant.mint_id_token(user, "spa", hour).expect("it signs");
        let bearer = match mode {
            Mode::Caller => id(PRIMARY),
            Mode::Service => tenant
                .mint_access_token(PRIMARY, "spa", &["update:current_user_identities"], hour)
                .expect("it signs"),
        };
        let scopes = ["read:users", "update:users"];
        let machine = tenant.mint_machine_token("machine", &scopes, hour).expect("it signs");
        let [bearer, secondary, third] = [bearer, id(SECONDARY), id(THIRD)].map(Pair::of);
        Self { bearer, secondary, third, service: granted(tenant, now_unix_s), machine }
    }

    /// The proof that somebody owns an account that is to be linked.
    pub(crate) fn of(&self, account: &str) -> &Pair {
        if account == SECONDARY { &self.secondary } else { &self.third }
    }

    /// What the gate sent, with the tenant's tokens in place of the gate's.
    pub(crate) fn for_tenant(&self, text: &str) -> String {
        [&self.bearer, &self.secondary, &self.third]
            .iter()
            .fold(text.to_owned(), |text, pair| text.replace(&pair.gate, &pair.tenant))
    }
}

impl Pair {
    fn of(tenant: String) -> Self {
        let claims: Map<String, Value> =
            jsonwebtoken::dangerous::insecure_decode_claims(&tenant).expect("it has claims");
        let header = JoseHeader::new(Algorithm::HS256);
        let gate =
            jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(SECRET.as_bytes()))
                .expect("it signs");
        Self { gate, tenant }
    }
}

/// A token by client credentials, as an operator's script would get it.
fn granted(tenant: &mut Tenant, now_unix_s: u64) -> String {
    let ask = Request::new("POST", "/oauth/token").with_json(&json!({
        "grant_type": "client_credentials",
        "client_id": "machine",
        "client_secret": "machine-secret",
        "audience": tenant.settings().management_audience(),
    }));
    let answer = tenant.answer(&ask, now_unix_s - 60);
    let body = answer.body_json().expect("it answers in JSON");
    body["access_token"].as_str().expect("the grant is given").to_owned()
}

fn users(holdings: &Holdings) -> Value {
    let user = |id: &str, metadata: &Option<Metadata>| {
        let mut user = json!({ "user_id": id, "numbered": id == SECONDARY });
        if let Some(metadata) = metadata {
            user["user_metadata"] = json!(metadata);
        }
        user
    };
    json!({ "users": [
        user(PRIMARY, &holdings.primary),
        user(SECONDARY, &holdings.secondary),
        user(THIRD, &holdings.third),
    ] })
}

/// The path of an account, everything but unreserved characters encoded (RFC 3986).
fn account_path(id: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    let id: String = id.bytes().map(encoded).collect();
    format!("/api/v2/users/{id}")
}

/// The tenant's key. Made once: a fresh RSA key takes a while.
fn key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate().expect("there is randomness"))
}

/// Guards nothing.
const SECRET: &str = "a-secret-of-the-suite-that-is-long-enough-for-any-hmac-there-is-0123456789";
