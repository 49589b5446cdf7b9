//! What the suites share: a tenant with the default people, at a fixed time, and tokens for them.
#![allow(dead_code, reason = "each suite uses its own part")]

use std::sync::OnceLock;

use linkgate_tenant::{
    Answer, DEFAULT_USERS, Request, Settings, SigningKey, Tenant, Users, Validity,
};
use serde_json::{Map, Value, json};

/// The time of every request, in seconds since 1970.
pub(crate) const NOW: u64 = 1_750_000_000;
pub(crate) const ISSUER: &str = "http://127.0.0.1:8080/";

pub(crate) const ALICE: &str = "auth0|alice-5f7c8ec7";
pub(crate) const ALICE_GOOGLE: &str = "google-oauth2|115015401343387192604";
pub(crate) const BOB: &str = "auth0|bob-60d1f2a4";
pub(crate) const BOB_GITHUB: &str = "github|583231";
pub(crate) const CAROL: &str = "auth0|carol-61aa03bc";
pub(crate) const CAROL_LINKEDIN: &str = "linkedin|carol-l1nk";
pub(crate) const JOHN: &str = "samlp|my conn|jo/hn@ex.com";
pub(crate) const MALLORY: &str = "auth0|mallory-66ee1f00";
pub(crate) const MALLORY_GOOGLE: &str = "google-oauth2|103547991597142817347";

pub(crate) const LINK: &[&str] = &["update:current_user_identities"];

/// A tenant at [`NOW`].
pub(crate) struct World {
    pub(crate) tenant: Tenant,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Settings::new(ISSUER))
    }

    /// A tenant at another address.
    pub(crate) fn at(issuer: &str) -> Self {
        Self::with(Settings::new(issuer))
    }

    /// A tenant that accepts ID tokens as bearers, as old ones do.
    pub(crate) fn legacy() -> Self {
        let mut settings = Settings::new(ISSUER);
        settings.id_tokens_as_bearer = true;
        Self::with(settings)
    }

    /// With a tenant whose writes of metadata replace what is there.
    pub(crate) fn replacing() -> Self {
        let mut settings = Settings::new(ISSUER);
        settings.patch_replaces = true;
        Self::with(settings)
    }

    fn with(settings: Settings) -> Self {
        let users = Users::parse(DEFAULT_USERS).expect("the default users are in order");
        Self { tenant: Tenant::new(settings, key().clone(), users) }
    }

    /// What the tenant answers at [`NOW`].
    pub(crate) fn send(&mut self, request: &Request) -> Answer {
        self.tenant.answer(request, NOW)
    }

    pub(crate) fn access(&self, user: &str, scopes: &[&str]) -> String {
        self.tenant.mint_access_token(user, "spa", scopes, hour()).unwrap()
    }

    pub(crate) fn machine(&self, scopes: &[&str]) -> String {
        self.tenant.mint_machine_token("machine", scopes, hour()).unwrap()
    }

    pub(crate) fn id_token(&self, user: &str) -> String {
        self.tenant.mint_id_token(user, "spa", hour()).unwrap()
    }

    /// An ID token of `user` for `spa` with some claims replaced, or with `null` removed.
    pub(crate) fn id_token_but(&self, user: &str, changes: &Value) -> String {
        self.tenant.mint_claims(&changed(claims_of(&self.id_token(user)), changes)).unwrap()
    }

    /// An access token of `user` for `spa` with some claims replaced, or with `null` removed.
    pub(crate) fn access_but(&self, user: &str, scopes: &[&str], changes: &Value) -> String {
        self.tenant.mint_claims(&changed(claims_of(&self.access(user, scopes)), changes)).unwrap()
    }

    /// `user` links `secondary`, both tokens in order.
    pub(crate) fn link(&self, user: &str, secondary: &str) -> Request {
        link_with(user, &self.access(user, LINK), &self.id_token(secondary))
    }

    /// `user`'s metadata as the API shows it; `null` when it shows none.
    pub(crate) fn metadata(&mut self, user: &str) -> Value {
        let reader = self.machine(&["read:users"]);
        let answer = self.send(&read(user, &reader));
        assert_eq!(answer.status, 200, "{user} can be read");
        answer.body_json().unwrap()["user_metadata"].clone()
    }
}

/// `POST …/identities` with `link_with` in JSON.
pub(crate) fn link_with(user: &str, bearer: &str, token: &str) -> Request {
    Request::new("POST", &format!("{}/identities", path(user)))
        .with_bearer(bearer)
        .with_json(&json!({"link_with": token}))
}

pub(crate) fn unlink(user: &str, provider: &str, identity: &str, bearer: &str) -> Request {
    let target = format!("{}/identities/{provider}/{}", path(user), encoded(identity));
    Request::new("DELETE", &target).with_bearer(bearer)
}

pub(crate) fn read(user: &str, bearer: &str) -> Request {
    Request::new("GET", &path(user)).with_bearer(bearer)
}

pub(crate) fn patch(user: &str, bearer: &str, body: &Value) -> Request {
    Request::new("PATCH", &path(user)).with_bearer(bearer).with_json(body)
}

pub(crate) fn path(user: &str) -> String {
    format!("/api/v2/users/{}", encoded(user))
}

/// Percent-encodes everything but RFC 3986 unreserved characters.
pub(crate) fn encoded(segment: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    segment.bytes().map(encode).collect()
}

pub(crate) fn hour() -> Validity {
    Validity::new(NOW, 3_600)
}

/// The tenant's key. Made once: a fresh RSA key takes a while.
pub(crate) fn key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate().unwrap())
}

/// A key the tenant has never heard of.
pub(crate) fn strange_key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate().unwrap())
}

/// The claims of a token, unverified.
pub(crate) fn claims_of(token: &str) -> Map<String, Value> {
    jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap()
}

/// The same claims under HS256, which no secret of the tenant's covers.
pub(crate) fn with_hs256(token: &str) -> String {
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.kid = Some(key().kid().to_owned());
    jsonwebtoken::encode(
        &header,
        &claims_of(token),
        &jsonwebtoken::EncodingKey::from_secret(b"secret"),
    )
    .unwrap()
}

/// The same claims without a signature worth the name, `alg` being `none`.
pub(crate) fn with_alg_none(token: &str) -> String {
    let payload = token.split('.').nth(1).unwrap();
    format!("eyJhbGciOiJub25lIn0.{payload}.c2ln")
}

pub(crate) fn changed(mut claims: Map<String, Value>, changes: &Value) -> Map<String, Value> {
    for (name, value) in changes.as_object().cloned().unwrap() {
        if value.is_null() {
            claims.remove(&name)
        } else {
            claims.insert(name, value)
        };
    }
    claims
}
