//! A policy and requests that never change.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linkgate_policy::{Abilities, Head, Header, Now, Policy, Secrets, Verification};
use serde_json::{Value, json};

/// The clock.
pub(crate) const NOW: Now = Now { unix_ms: 1_764_500_000_000, mono_ms: 5_000 };

/// When tokens were issued, in Unix seconds.
const ISSUED_S: u64 = 1_764_499_900;

const ISSUER: &str = "https://tenant.example/";
const AUDIENCE: &str = "https://tenant.example/api/v2/";
const CLIENT: &str = "spa";

/// The modulus of RFC 7515 appendix A.2.
const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

/// The point of RFC 7515 appendix A.3.
const POINT: [&str; 2] =
    ["f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"];

/// What a token is signed with, by name; and how long a signature is.
#[derive(Clone, Copy)]
pub(crate) enum Algorithm {
    Rs256,
    Es256,
}

impl Algorithm {
    const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    /// Of the right form, and of no key: the host, which is asked about it, says yes. Smaller than the modulus, and than
    /// the order of P-256.
    fn signature(self) -> Vec<u8> {
        match self {
            Self::Rs256 => vec![0x11; 256],
            Self::Es256 => vec![0x11; 64],
        }
    }
}

/// The policy document: an issuer with a key for each algorithm.
pub(crate) fn document() -> String {
    let [x, y] = POINT;
    json!({
        "version": 1,
        "issuers": [{
            "issuer": ISSUER,
            "audiences": [AUDIENCE],
            "algorithms": ["RS256", "ES256"],
            "keys": { "jwks": { "keys": [
                { "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "RS256", "n": MODULUS, "e": "AQAB" },
                { "kty": "EC", "use": "sig", "alg": "ES256", "kid": "ES256", "crv": "P-256", "x": x, "y": y },
            ] } },
        }],
        "pass": ["/.well-known"],
    })
    .to_string()
}

/// Compiles the policy, without a host that verifies.
pub(crate) fn compile(document: &str) -> Result<Policy, String> {
    Policy::compile(document, &Secrets::default(), Abilities::ALL, 7, NOW)
        .map_err(|mistakes| format!("the fixture does not compile: {mistakes:?}"))
}

/// The policy, with a host that has shown that it can verify.
pub(crate) fn policy() -> Result<Policy, String> {
    let mut policy = compile(&document())?;
    let mut asked = Vec::new();
    // Of each algorithm the first probe is good, and no other.
    let answers = policy.probes().into_iter().map(|probe| {
        let is_first = !asked.contains(&probe.algorithm);
        asked.push(probe.algorithm);
        if is_first { Verification::Yes } else { Verification::No }
    });
    let answers: Vec<Verification> = answers.collect();
    let notices = policy.probed(&answers);
    if notices.is_empty() { Ok(policy) } else { Err(notices.join("\n")) }
}

/// A token of this user; another one for each `jti`.
pub(crate) fn token(algorithm: Algorithm, subject: &str, jti: usize) -> String {
    let claims = json!({
        "iss": ISSUER, "sub": subject, "iat": ISSUED_S, "exp": ISSUED_S + 86_400,
        "aud": AUDIENCE, "azp": CLIENT, "gty": "password",
        "scope": "read:current_user update:current_user_identities", "jti": jti.to_string(),
    });
    signed(algorithm, &claims)
}

/// A link body with an ID token; another one for each `jti`.
pub(crate) fn link_body(jti: usize) -> Vec<u8> {
    let claims = json!({
        "iss": ISSUER, "sub": "google-oauth2|115015401343387192604", "iat": ISSUED_S,
        "exp": ISSUED_S + 36_000, "aud": CLIENT, "auth_time": ISSUED_S, "jti": jti.to_string(),
    });
    json!({ "link_with": signed(Algorithm::Rs256, &claims) }).to_string().into_bytes()
}

fn signed(algorithm: Algorithm, claims: &Value) -> String {
    let name = algorithm.name();
    let header = json!({ "typ": "JWT", "alg": name, "kid": name });
    let [header, claims] = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(algorithm.signature()))
}

/// The head of a request as a browser sends it, as far as a driver hands it over.
pub(crate) fn head(method: &str, target: &str, bearer: Option<&str>) -> Head {
    let mut headers = vec![
        Header::new("host", "gate.example"),
        Header::new(
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ),
        Header::new("accept", "application/json"),
        Header::new("accept-language", "en,de;q=0.7"),
        Header::new("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ];
    headers.extend(bearer.map(|token| Header::new("authorization", &format!("Bearer {token}"))));
    if method == "POST" {
        headers.push(Header::new("content-type", "application/json"));
    }
    Head { method: method.to_owned(), target: target.as_bytes().to_vec(), headers, peer: None }
}
