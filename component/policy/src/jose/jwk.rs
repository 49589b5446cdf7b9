//! A public JSON Web Key (RFC 7517 section 4), member by member, and the true reason why one is refused.
//!
//! Only what is read here has to have a type. Certificates (`x5c`, `x5t`, `x5u`) and members of the
//! issuer's own may hold anything: what no rule reads cannot sink a key. A member that is `null` is
//! absent, as many libraries write it.

use linkgate_signatures::{Curve, Material};

use crate::text::escape::shown;
use crate::text::json::{Json, Object};

/// What a usable key says of itself.
pub(crate) struct Jwk<'a> {
    pub(crate) kid: Option<String>,
    /// `alg`, as it is written.
    pub(crate) alg: Option<&'a str>,
    pub(crate) material: Material<'a>,
}

/// Reads a key that verifies signatures. Says in a phrase why it is none.
pub(crate) fn read(value: &Json) -> Result<Jwk<'_>, String> {
    let Json::Object(members) = value else {
        return Err(format!("expected a key as an object, found {}", value.kind()));
    };
    let there = |name: &&str| present(members, name).is_some();
    if let Some(private) = PRIVATE.iter().copied().find(there) {
        return Err(format!("expected a public key, found the private member `{private}`"));
    }
    signs(members)?;
    Ok(Jwk { kid: kid(value)?, alg: text(members, "alg")?, material: material(members)? })
}

/// `kid`: a string. Some issuers write a number, which is its text.
pub(crate) fn kid(key: &Json) -> Result<Option<String>, String> {
    match key.member("kid") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(kid)) => Ok(Some(kid.clone())),
        // A fraction has more than one text.
        Some(Json::Number(kid)) if kid.is_whole() => Ok(Some(kid.to_string())),
        Some(other) => {
            Err(format!("expected `kid` as a string or a whole number, found {}", other.kind()))
        }
    }
}

/// Whether a key says that it is for encryption, by `use`, `key_ops` or `alg`.
pub(crate) fn encrypts(key: &Json) -> bool {
    let text = |name: &str| key.member(name).and_then(Json::as_text);
    let operations = match key.member("key_ops") {
        Some(Json::List(operations)) => operations.as_slice(),
        _ => &[],
    };
    let encrypting =
        |operation: &Json| operation.as_text().is_some_and(|name| ENCRYPTING.contains(&name));
    // RFC 7518 section 4.1.
    let by_algorithm = |alg: &str| {
        alg.starts_with("RSA1_5") || alg.starts_with("RSA-OAEP") || alg.starts_with("ECDH-ES")
    };
    text("use") == Some("enc")
        || operations.iter().any(encrypting)
        || text("alg").is_some_and(by_algorithm)
}

/// Whether `use` and `key_ops` allow it to verify signatures.
fn signs(members: &Object) -> Result<(), String> {
    if let Some(usage) = text(members, "use")?.filter(|usage| *usage != "sig") {
        return Err(format!("expected `use` to be `sig`, found {}", shown(usage)));
    }
    let operations = match present(members, "key_ops") {
        None => return Ok(()),
        Some(Json::List(operations)) => operations,
        Some(other) => return Err(format!("expected `key_ops` as a list, found {}", other.kind())),
    };
    let names: Vec<&str> = operations.iter().filter_map(Json::as_text).collect();
    // RFC 7517 section 4.3: `sign` and `verify` may go together; unrelated operations with one key
    // are a weakness, and none may be named twice.
    match names.as_slice() {
        ["verify"] | ["sign", "verify"] | ["verify", "sign"] if names.len() == operations.len() => {
            Ok(())
        }
        _ => {
            Err("expected `key_ops` to be `verify`, alone or with `sign`, found others".to_owned())
        }
    }
}

fn material(members: &Object) -> Result<Material<'_>, String> {
    match needed(members, "kty")? {
        "RSA" => Ok(Material::Rsa { n: needed(members, "n")?, e: needed(members, "e")? }),
        "EC" => {
            let curve = match needed(members, "crv")? {
                "P-256" => Curve::P256,
                "P-384" => Curve::P384,
                other => return Err(unsupported("the curve P-256 or P-384", other)),
            };
            Ok(Material::Ec { curve, x: needed(members, "x")?, y: needed(members, "y")? })
        }
        "OKP" => match needed(members, "crv")? {
            "Ed25519" => Ok(Material::Ed25519 { x: needed(members, "x")? }),
            other => Err(unsupported("the curve Ed25519", other)),
        },
        other => Err(unsupported("a key of type RSA, EC or OKP", other)),
    }
}

fn unsupported(expected: &str, found: &str) -> String {
    let known = UNSUPPORTED.iter().find(|(name, _)| *name == found);
    let what = known.map(|(_, what)| format!(" ({what})")).unwrap_or_default();
    format!("expected {expected}, found {}{what}, which is not supported", shown(found))
}

fn present<'a>(members: &'a Object, name: &str) -> Option<&'a Json> {
    members.get(name).filter(|value| !matches!(value, Json::Null))
}

pub(crate) fn text<'a>(members: &'a Object, name: &str) -> Result<Option<&'a str>, String> {
    let wrong = |value: &Json| format!("expected `{name}` as a string, found {}", value.kind());
    present(members, name).map(|value| value.as_text().ok_or_else(|| wrong(value))).transpose()
}

fn needed<'a>(members: &'a Object, name: &str) -> Result<&'a str, String> {
    text(members, name)?.ok_or_else(|| format!("expected `{name}`, found none"))
}

/// Private and symmetric members (RFC 7518 sections 6.2.2, 6.3.2 and 6.4; RFC 9964 section 3 for `priv`).
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// Operations of encryption (RFC 7517 section 4.3).
const ENCRYPTING: [&str; 6] =
    ["encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"];

/// Types and curves of keys that issuers publish and that verify nothing here, with what they are for.
const UNSUPPORTED: [(&str, &str); 7] = [
    ("AKP", "ML-DSA, RFC 9964"),
    ("Ed448", "RFC 9864"),
    ("P-521", "ES512"),
    ("X25519", "key agreement"),
    ("X448", "key agreement"),
    ("secp256k1", "ES256K"),
    ("oct", "a shared secret"),
];
