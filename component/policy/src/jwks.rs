//! A JSON Web Key Set (RFC 7517 section 5), key by key: what can be used, and why the rest cannot.
//!
//! One bad key does not sink the set: issuers publish keys for encryption and for other algorithms
//! beside the ones that are wanted. A set that is not one is refused whole.

use std::collections::BTreeMap;

use jsonwebtoken::Algorithm;

use crate::json::{self, Json, NotStrict};
use crate::key::{self, Key};
use crate::thumbprint;

/// Keys a set may hold. Issuers have two to five; every key costs memory and start-up time.
pub(crate) const MAX_KEYS: usize = 64;

/// A key of a set, and whether it can be used.
pub(crate) struct Entry {
    pub(crate) row: KeyRow,
    /// The key, prepared for each algorithm it may be used with. Empty when it was refused.
    pub(crate) keys: Vec<Key>,
}

/// What a key of a set is, for people: nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// `kid`, when it is a string.
    pub kid: Option<String>,
    /// `kty`: `RSA`, `EC`, `OKP`, or what stands there.
    pub kind: String,
    /// `2048 bits`, `P-256`, `Ed25519`.
    pub size: String,
    /// `use`, when it is a string.
    pub usage: Option<String>,
    /// The algorithms it is used with here.
    pub algorithms: Vec<&'static str>,
    /// Its SHA-256 thumbprint (RFC 7638), where its type has one.
    pub thumbprint: Option<String>,
    /// Why it is not used, if it is not.
    pub refused: Option<String>,
}

/// Reads a set from JSON. Says in a phrase why it is none.
pub(crate) fn parse(text: &[u8], algorithms: &[Algorithm]) -> Result<Vec<Entry>, String> {
    let whole = json::parse(text).map_err(|flaw| match flaw {
        NotStrict::Malformed => "expected JSON, found something else",
        NotStrict::Duplicate => "expected every member once, found one twice in the same object",
        NotStrict::TooDeep => json::TOO_DEEP,
    })?;
    // Other members of a key set are to be ignored (RFC 7517 section 5).
    let Some(Json::List(keys)) = whole.member("keys") else {
        return Err("expected an object with a list of `keys`, found none".to_owned());
    };
    read(keys, algorithms)
}

/// Reads the keys of a set.
pub(crate) fn read(keys: &[Json], algorithms: &[Algorithm]) -> Result<Vec<Entry>, String> {
    if keys.len() > MAX_KEYS {
        return Err(format!("expected at most {MAX_KEYS} keys, found {}", keys.len()));
    }
    let mut entries: Vec<Entry> = keys.iter().map(|key| entry(key, algorithms)).collect();
    refuse_repeated(&mut entries);
    Ok(entries)
}

fn entry(value: &Json, algorithms: &[Algorithm]) -> Entry {
    let text = |name: &str| value.member(name).and_then(Json::as_text);
    let prepared = key::prepare(&value.to_value(), algorithms).and_then(|keys| {
        if keys.is_empty() {
            Err("expected a key for one of the issuer's algorithms, found one of another family"
                .to_owned())
        } else {
            Ok(keys)
        }
    });
    let (keys, refused) = match prepared {
        Ok(keys) => (keys, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let bits = text("n").and_then(key::base64url).map(|n| format!("{} bits", bits(&n)));
    let row = KeyRow {
        kid: text("kid").map(str::to_owned),
        kind: text("kty").unwrap_or_default().to_owned(),
        size: text("crv").map(str::to_owned).or(bits).unwrap_or_default(),
        usage: text("use").map(str::to_owned),
        algorithms: keys.iter().map(|key| key::name(key.algorithm)).collect(),
        thumbprint: thumbprint::of(value),
        refused,
    };
    Entry { row, keys }
}

/// Bits of a number, leading zeros left out.
fn bits(number: &[u8]) -> usize {
    let significant: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
    let first = significant.first().map_or(0, |byte| byte.leading_zeros() as usize);
    significant.len() * 8 - first
}

/// A `kid` names one key for an algorithm. Where it names two, nobody can tell which was meant:
/// neither is used.
fn refuse_repeated(entries: &mut [Entry]) {
    let mut seen: BTreeMap<(Option<String>, &'static str), usize> = BTreeMap::new();
    for key in entries.iter().flat_map(|entry| &entry.keys).filter(|key| key.kid.is_some()) {
        *seen.entry((key.kid.clone(), key::name(key.algorithm))).or_default() += 1;
    }
    for entry in entries {
        let repeated = entry.keys.iter().any(|key| {
            seen.get(&(key.kid.clone(), key::name(key.algorithm))).is_some_and(|count| *count > 1)
        });
        if repeated {
            entry.keys.clear();
            entry.row.algorithms.clear();
            entry.row.refused =
                Some("expected every `kid` once for an algorithm, found it again".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    const ED: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn rsa(changes: &Value) -> Value {
        with(json!({ "kty": "RSA", "kid": "a", "use": "sig", "n": N, "e": "AQAB" }), changes)
    }

    fn with(mut key: Value, changes: &Value) -> Value {
        for (name, value) in changes.as_object().unwrap() {
            key[name] = value.clone();
        }
        key
    }

    fn read(set: &Value) -> Result<Vec<KeyRow>, String> {
        let algorithms = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
        let entries = parse(set.to_string().as_bytes(), &algorithms)?;
        Ok(entries.into_iter().map(|entry| entry.row).collect())
    }

    /// Every shape of key that is refused, with the reason an operator reads.
    #[test]
    #[expect(clippy::too_many_lines, reason = "a table: one row a shape")]
    fn a_refused_key_says_why() {
        let short = "A".repeat(170);
        let long = format!("__{}", "_".repeat(1366));
        let p256 = json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
        for (row, key, why) in [
            (
                "not an object",
                json!("key"),
                "expected a JSON Web Key of type RSA, EC or OKP (RFC 7518), found something else",
            ),
            (
                "no type",
                json!({ "n": N, "e": "AQAB" }),
                "expected a JSON Web Key of type RSA, EC or OKP (RFC 7518), found something else",
            ),
            (
                "unknown type",
                json!({ "kty": "AKP", "pub": "AA" }),
                "expected a JSON Web Key of type RSA, EC or OKP (RFC 7518), found something else",
            ),
            (
                "private RSA",
                rsa(&json!({ "d": "AQAB" })),
                "expected a public key, found the private member `d`",
            ),
            (
                "prime of an RSA key",
                rsa(&json!({ "p": "AQAB" })),
                "expected a public key, found the private member `p`",
            ),
            (
                "private EC",
                with(p256.clone(), &json!({ "d": "AQAB" })),
                "expected a public key, found the private member `d`",
            ),
            (
                "symmetric",
                json!({ "kty": "oct", "k": "c2VjcmV0" }),
                "expected a public key, found the private member `k`",
            ),
            (
                "for encryption",
                rsa(&json!({ "use": "enc" })),
                "expected `use` to be `sig`, found another",
            ),
            (
                "operations without verify",
                rsa(&json!({ "key_ops": ["encrypt"] })),
                "expected `key_ops` to be `verify` alone, found others",
            ),
            (
                "mixed operations",
                rsa(&json!({ "key_ops": ["verify", "encrypt"] })),
                "expected `key_ops` to be `verify` alone, found others",
            ),
            (
                "another algorithm",
                rsa(&json!({ "alg": "RS512" })),
                "expected a key for one of the issuer's algorithms, found one of another family",
            ),
            (
                "algorithm of encryption",
                rsa(&json!({ "alg": "RSA-OAEP" })),
                "expected a key for one of the issuer's algorithms, found one of another family",
            ),
            (
                "short modulus",
                rsa(&json!({ "n": short })),
                "expected an RSA modulus of 2048 to 8192 bits, found 0",
            ),
            (
                "absurd modulus",
                rsa(&json!({ "n": long })),
                "expected an RSA modulus of 2048 to 8192 bits, found 8208",
            ),
            (
                "even modulus",
                rsa(&json!({ "n": format!("{}{}", N.trim_end_matches("uXpoQ"), "uXpoA") })),
                "expected an odd modulus and an odd exponent below 2^33, found others",
            ),
            (
                "tiny exponent",
                rsa(&json!({ "e": "Aw" })),
                "expected an RSA exponent of at least 65537, found a smaller one",
            ),
            (
                "even exponent",
                rsa(&json!({ "e": "AQAC" })),
                "expected an odd modulus and an odd exponent below 2^33, found others",
            ),
            (
                "padded modulus",
                rsa(&json!({ "n": format!("{N}=") })),
                "expected `n` in base64url, found something else",
            ),
            (
                "no exponent",
                json!({ "kty": "RSA", "n": N }),
                "expected a JSON Web Key of type RSA, EC or OKP (RFC 7518), found something else",
            ),
            (
                "loose bits in a coordinate",
                with(p256.clone(), &json!({ "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1" })),
                "expected `y` as 32 bytes in base64url, found something else",
            ),
            (
                "not on the curve",
                with(p256.clone(), &json!({ "y": p256["x"] })),
                "expected a point on the curve, found none",
            ),
            (
                "short coordinate",
                with(p256, &json!({ "x": "AA" })),
                "expected `x` as 32 bytes in base64url, found something else",
            ),
            (
                "weak Ed25519",
                json!({ "kty": "OKP", "crv": "Ed25519", "x": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }),
                "expected a point of full order, found a weak key",
            ),
            (
                "key agreement",
                json!({ "kty": "OKP", "crv": "X25519", "x": ED }),
                "expected a JSON Web Key of type RSA, EC or OKP (RFC 7518), found something else",
            ),
        ] {
            // A good key beside it stays.
            let rows = read(
                &json!({ "keys": [key, { "kty": "OKP", "crv": "Ed25519", "x": ED, "kid": "b" }] }),
            )
            .unwrap();
            assert_eq!(rows.first().and_then(|row| row.refused.as_deref()), Some(why), "{row}");
            assert_eq!(rows.get(1).map(|row| &*row.algorithms), Some(&["EdDSA"][..]), "{row}");
        }
    }

    #[test]
    fn a_repeated_kid_is_nobodys() {
        let twice = json!({ "keys": [rsa(&json!({})), rsa(&json!({})), { "kty": "OKP", "crv": "Ed25519", "x": ED, "kid": "a" }] });
        let refused: Vec<bool> =
            read(&twice).unwrap().iter().map(|row| row.refused.is_some()).collect();
        assert_eq!(
            refused,
            [true, true, false],
            "the same kid for another algorithm is no repetition"
        );
    }

    #[test]
    fn a_set_that_is_none_is_refused_whole() {
        let many: Vec<Value> = (0..=MAX_KEYS).map(|_| json!({})).collect();
        for (text, why) in [
            ("<html>".to_owned(), "expected JSON, found something else"),
            (String::new(), "expected JSON, found something else"),
            (r#"{"keys":[]} "#.repeat(2), "expected JSON, found something else"),
            (
                r#"{"keys":[],"keys":[]}"#.to_owned(),
                "expected every member once, found one twice in the same object",
            ),
            ("[]".to_owned(), "expected an object with a list of `keys`, found none"),
            ("{}".to_owned(), "expected an object with a list of `keys`, found none"),
            (r#"{"keys":{}}"#.to_owned(), "expected an object with a list of `keys`, found none"),
            (json!({ "keys": many }).to_string(), "expected at most 64 keys, found 65"),
        ] {
            assert_eq!(parse(text.as_bytes(), &[]).err().as_deref(), Some(why), "{text}");
        }
        assert_eq!(read(&json!({ "keys": [], "extra": 1 })), Ok(vec![]));
    }

    #[test]
    fn a_row_tells_what_a_key_is() {
        let rows = read(&json!({ "keys": [rsa(&json!({}))] })).unwrap();
        let expected = KeyRow {
            kid: Some("a".to_owned()),
            kind: "RSA".to_owned(),
            size: "2048 bits".to_owned(),
            usage: Some("sig".to_owned()),
            algorithms: vec!["RS256"],
            thumbprint: Some("IsUn6_e04MaShXFIISMp4kG62LWzMIPy_MvSA5pJgX8".to_owned()),
            refused: None,
        };
        assert_eq!(rows, [expected]);
    }
}
