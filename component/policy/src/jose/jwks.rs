//! A JSON Web Key Set (RFC 7517 section 5), key by key: what can be used, and why the rest cannot.
//!
//! One bad key does not sink the set: issuers publish keys for encryption and for other algorithms
//! beside the ones that are wanted. A set that is not one is refused whole.

use std::collections::{BTreeMap, BTreeSet};

use jsonwebtoken::Algorithm;

use super::algorithm;
use super::jwk;
use super::key::{self, Key};
use super::key_row::Published;
use crate::text::grown::grown;
use crate::text::json::{self, Json, NotStrict};

/// Keys a set may hold. Issuers have two to five; every key costs memory and start-up time.
pub(crate) const MAX_KEYS: usize = 64;

/// A key of a set, and whether it can be used.
pub(crate) struct Entry {
    pub(crate) published: Published,
    /// The key, prepared for each algorithm it may be used with. Empty when it was refused, or when
    /// another entry is the same key.
    pub(crate) keys: Vec<Key>,
    /// `alg`, when it is a string; one name where an algorithm has two.
    alg: Option<String>,
    /// Whether it says that it is for encryption.
    encrypts: bool,
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
    refuse_mixed(&mut entries);
    if has_namesakes(&entries) {
        refuse_ambiguous(&mut entries);
        join_repeated(&mut entries);
    }
    Ok(entries)
}

/// Whether two keys have the same `kid`, or none. Sets rarely have such, and others need no comparison of their keys.
fn has_namesakes(entries: &[Entry]) -> bool {
    let mut kids = BTreeSet::new();
    let used = entries.iter().filter(|entry| !entry.keys.is_empty());
    !used.map(|entry| &entry.published.kid).all(|kid| kids.insert(kid))
}

fn entry(value: &Json, algorithms: &[Algorithm]) -> Entry {
    let (keys, refused) = match key::prepare(value, algorithms) {
        Ok(keys) => (keys, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let published = Published::new(value, &keys, refused);
    let one_name = |name: &str| match algorithm::by_name(name) {
        Some(algorithm) => algorithm::name(algorithm).to_owned(),
        None => name.to_owned(),
    };
    let alg = value.member("alg").and_then(Json::as_text).map(one_name);
    Entry { published, keys, alg, encrypts: jwk::encrypts(value) }
}

/// A key that is published for encryption, too, is used for neither: what decrypts with it also signs
/// with it (RFC 7517 section 4.3 calls unrelated operations with one key a weakness).
fn refuse_mixed(entries: &mut [Entry]) {
    let encrypting = entries.iter().filter(|entry| entry.encrypts);
    let mixed: BTreeSet<String> =
        grown(encrypting.filter_map(|entry| entry.published.members.canonical()));
    if mixed.is_empty() {
        return;
    }
    let is_mixed = |entry: &&mut Entry| {
        entry.published.members.canonical().is_some_and(|key| mixed.contains(&key))
    };
    for entry in entries.iter_mut().filter(is_mixed) {
        entry.refuse("expected a key for signatures alone, found it again for encryption");
    }
}

/// A `kid` names one key for an algorithm. Where it names two, nothing says which was meant: neither
/// is used.
fn refuse_ambiguous(entries: &mut [Entry]) {
    let mut named: BTreeMap<(String, &'static str), BTreeSet<Identity>> = BTreeMap::new();
    for entry in entries.iter() {
        for (kid, algorithm) in entry.names() {
            named.entry((kid, algorithm)).or_default().insert(entry.identity());
        }
    }
    for entry in entries {
        let ambiguous =
            entry.names().iter().any(|name| named.get(name).is_some_and(|keys| keys.len() > 1));
        if ambiguous {
            entry.refuse("expected every `kid` once for an algorithm, found it again");
        }
    }
}

/// The same key twice, under one name and for the same purpose, is one key.
fn join_repeated(entries: &mut [Entry]) {
    let mut seen = BTreeSet::new();
    for entry in entries.iter_mut().filter(|entry| !entry.keys.is_empty()) {
        if !seen.insert((entry.published.kid.clone(), entry.identity())) {
            entry.keys.clear();
            entry.published.repeated = true;
        }
    }
}

/// What two entries have in common when they are the same key: its members, `alg` and `use`.
type Identity = (Option<String>, Option<String>, Option<String>);

impl Entry {
    fn identity(&self) -> Identity {
        let Published { members, usage, .. } = &self.published;
        (members.canonical(), self.alg.clone(), usage.clone())
    }

    /// What tokens can call its keys.
    fn names(&self) -> Vec<(String, &'static str)> {
        let name = |key: &Key| Some((key.kid.clone()?, algorithm::name(key.algorithm)));
        self.keys.iter().filter_map(name).collect()
    }

    /// Refuses a key that would be good by itself.
    fn refuse(&mut self, why: &str) {
        if self.published.refused.is_none() {
            self.keys.clear();
            self.published.algorithms.clear();
            self.published.refused = Some(why.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::key_row::KeyRow;
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
        Ok(entries.into_iter().map(|entry| entry.published.row()).collect())
    }

    /// Every shape of key that is refused, with the reason an operator reads.
    #[test]
    #[expect(clippy::too_many_lines, reason = "a table: one row a shape")]
    fn a_refused_key_says_why() {
        let short = "A".repeat(170);
        let long = format!("__{}", "_".repeat(1366));
        let p256 = json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
        for (row, key, why) in [
            ("not an object", json!("key"), "expected a key as an object, found a string"),
            ("no type", json!({ "n": N, "e": "AQAB" }), "expected `kty`, found none"),
            (
                "unknown type",
                json!({ "kty": "AKP", "pub": "AA" }),
                "expected a key of type RSA, EC or OKP, found `AKP` (ML-DSA, RFC 9964), which is not supported",
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
                "expected `use` to be `sig`, found `enc`",
            ),
            (
                "operations without verify",
                rsa(&json!({ "key_ops": ["encrypt"] })),
                "expected `key_ops` to be `verify`, alone or with `sign`, found others",
            ),
            (
                "mixed operations",
                rsa(&json!({ "key_ops": ["verify", "encrypt"] })),
                "expected `key_ops` to be `verify`, alone or with `sign`, found others",
            ),
            (
                "another algorithm",
                rsa(&json!({ "alg": "RS512" })),
                "expected `alg` to be one of the issuer's algorithms, found `RS512`",
            ),
            (
                "algorithm of encryption",
                rsa(&json!({ "alg": "RSA-OAEP" })),
                "expected `alg` to be one of the issuer's algorithms, found `RSA-OAEP`",
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
                "long exponent",
                rsa(&json!({ "e": "AgAAAAE" })),
                "expected an odd modulus and an odd exponent below 2^33, found others",
            ),
            (
                "an exponent that is 65537 but for a bit beyond 64",
                rsa(&json!({ "e": "AQAAAAAAAQAB" })),
                "expected an odd modulus and an odd exponent below 2^33, found others",
            ),
            (
                "padded modulus",
                rsa(&json!({ "n": format!("{N}=") })),
                "expected `n` in base64url, found something else",
            ),
            ("no exponent", json!({ "kty": "RSA", "n": N }), "expected `e`, found none"),
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
                with(p256.clone(), &json!({ "x": "AA" })),
                "expected `x` as 32 bytes in base64url, found something else",
            ),
            (
                "weak Ed25519",
                json!({ "kty": "OKP", "crv": "Ed25519", "x": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }),
                "expected a point of full order, found a weak key",
            ),
            (
                "an algorithm of another family",
                rsa(&json!({ "alg": "ES256" })),
                "expected a key that fits its `alg` `ES256`, found an RSA key",
            ),
            (
                "an algorithm of no type",
                rsa(&json!({ "alg": ["RS256"] })),
                "expected `alg` as a string, found a list",
            ),
            (
                "a use of no type",
                rsa(&json!({ "use": 1 })),
                "expected `use` as a string, found a number",
            ),
            (
                "operations of no type",
                rsa(&json!({ "key_ops": "verify" })),
                "expected `key_ops` as a list, found a string",
            ),
            (
                "an operation of no type",
                rsa(&json!({ "key_ops": ["verify", 1] })),
                "expected `key_ops` to be `verify`, alone or with `sign`, found others",
            ),
            (
                "an operation twice",
                rsa(&json!({ "key_ops": ["verify", "verify"] })),
                "expected `key_ops` to be `verify`, alone or with `sign`, found others",
            ),
            (
                "a kid of no type",
                rsa(&json!({ "kid": 1.5 })),
                "expected `kid` as a string or a whole number, found a number",
            ),
            (
                "a private ML-DSA key",
                json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "priv": "AA" }),
                "expected a public key, found the private member `priv`",
            ),
            (
                "Ed448",
                json!({ "kty": "OKP", "crv": "Ed448", "x": ED, "alg": "Ed448" }),
                "expected the curve Ed25519, found `Ed448` (RFC 9864), which is not supported",
            ),
            (
                "ES256K",
                with(p256.clone(), &json!({ "crv": "secp256k1", "alg": "ES256K" })),
                "expected the curve P-256 or P-384, found `secp256k1` (ES256K), which is not supported",
            ),
            (
                "ES512",
                with(p256.clone(), &json!({ "crv": "P-521", "alg": "ES512" })),
                "expected the curve P-256 or P-384, found `P-521` (ES512), which is not supported",
            ),
            (
                "a name that is not printable",
                json!({ "kty": "\u{1b}[2J" }),
                "expected a key of type RSA, EC or OKP, found `\\u{1b}[2J`, which is not supported",
            ),
            (
                "a modulus whose private key can be computed",
                rsa(&json!({ "n": include_str!("../../../../tests/keys/roca-modulus.txt") })),
                "expected a sound RSA modulus, found one whose private key can be computed (ROCA, CVE-2017-15361)",
            ),
            (
                "key agreement",
                json!({ "kty": "OKP", "crv": "X25519", "x": ED }),
                "expected the curve Ed25519, found `X25519` (key agreement), which is not supported",
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

    /// What a set of one key says of it: why it is refused, or its algorithms.
    fn judged(key: &Value) -> Result<Vec<&'static str>, String> {
        let row = read(&json!({ "keys": [key] })).unwrap().remove(0);
        row.refused.map_or(Ok(row.algorithms), Err)
    }

    /// Members as real issuers and their libraries write them (RFC 7517 section 4).
    #[test]
    fn a_member_that_no_rule_reads_does_not_matter() {
        for (row, changes) in [
            ("certificates as text", json!({ "x5c": "MIIC", "x5t": 1, "x5t#S256": null })),
            ("certificates of any type", json!({ "x5c": [1, null, {}], "x5u": false })),
            (
                "members of the issuer's own",
                json!({ "issuer": [], "exp": {}, "cloud": 1.5, "x": 7, "crv": [] }),
            ),
            ("an absent use", json!({ "use": null })),
            ("an absent algorithm", json!({ "alg": null })),
            ("absent operations", json!({ "key_ops": null })),
            ("absent private members", json!({ "d": null, "p": null, "k": null, "oth": null })),
            ("a permitted pair", json!({ "key_ops": ["sign", "verify"] })),
            ("the pair the other way round", json!({ "key_ops": ["verify", "sign"] })),
            ("a kid that is a number", json!({ "kid": 7 })),
            ("no kid", json!({ "kid": null })),
        ] {
            assert_eq!(judged(&rsa(&changes)), Ok(vec!["RS256"]), "{row}");
        }
    }

    #[test]
    fn a_numeric_kid_is_its_text() {
        let kid = |kid: Value| {
            read(&json!({ "keys": [rsa(&json!({ "kid": kid }))] })).unwrap().remove(0).kid
        };
        assert_eq!(kid(json!(2_026)).as_deref(), Some("2026"));
        assert_eq!(kid(json!(-1)).as_deref(), Some("-1"));
        assert_eq!(kid(json!("a")).as_deref(), Some("a"));
        assert_eq!(kid(Value::Null), None);
    }

    /// RFC 9864 section 2.2: the same algorithm under two names.
    #[test]
    fn ed25519_is_eddsa() {
        for alg in ["Ed25519", "EdDSA"] {
            let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": ED, "alg": alg });
            assert_eq!(judged(&key), Ok(vec!["EdDSA"]), "{alg}");
        }
    }

    /// The outcome of two keys: whether each verifies, and whether it is the same again.
    fn pair(second: &Value) -> Vec<(bool, bool)> {
        let rows = read(&json!({ "keys": [rsa(&json!({ "alg": "RS256" })), second] })).unwrap();
        rows.iter().map(|row| (row.refused.is_none(), row.repeated)).collect()
    }

    #[test]
    fn the_same_key_twice_is_one_key() {
        let same = json!({ "alg": "RS256" });
        for (row, changes, expected) in [
            ("to the byte", json!({}), [(true, false), (true, true)]),
            (
                "with other certificates",
                json!({ "x5c": ["MIIC"], "key_ops": ["verify"] }),
                [(true, false), (true, true)],
            ),
            ("without its algorithm", json!({ "alg": null }), [(false, false), (false, false)]),
            ("without its use", json!({ "use": null }), [(false, false), (false, false)]),
            ("for encryption", json!({ "use": "enc" }), [(false, false), (false, false)]),
            (
                "for encryption, by operations",
                json!({ "key_ops": ["wrapKey"], "use": null }),
                [(false, false), (false, false)],
            ),
            (
                "for encryption, by algorithm",
                json!({ "alg": "RSA-OAEP", "use": null }),
                [(false, false), (false, false)],
            ),
            (
                "for encryption, by another name",
                json!({ "use": "enc", "kid": "b" }),
                [(false, false), (false, false)],
            ),
            ("by another name", json!({ "kid": "b" }), [(true, false), (true, false)]),
            ("for another algorithm", json!({ "alg": "RS512" }), [(true, false), (false, false)]),
        ] {
            assert_eq!(pair(&with(rsa(&same), &changes)), expected, "{row}");
        }
        let nameless = rsa(&json!({ "kid": null }));
        let entries = parse(
            json!({ "keys": [nameless, nameless] }).to_string().as_bytes(),
            &[Algorithm::RS256],
        );
        assert_eq!(
            entries.unwrap().iter().map(|entry| entry.keys.len()).collect::<Vec<_>>(),
            [1, 0],
            "without kid"
        );
    }

    /// Zeros before a number (RFC 7518 section 6.3.1.1 has none) make no other key of it.
    #[test]
    fn a_key_for_encryption_is_found_in_another_spelling() {
        let padded = rsa(&json!({ "kid": "b", "use": "enc", "e": "AAEAAQ" }));
        let rows = read(&json!({ "keys": [rsa(&json!({})), padded] })).unwrap();
        let expected = "expected a key for signatures alone, found it again for encryption";
        assert_eq!(rows[0].refused.as_deref(), Some(expected));
        assert_eq!(rows[0].thumbprint, rows[1].thumbprint);
    }

    #[test]
    fn two_keys_of_one_name_are_not_one() {
        let other = rsa(&json!({ "n": format!("{}{}", N.trim_end_matches("uXpoQ"), "uXppQ") }));
        let rows = read(&json!({ "keys": [rsa(&json!({})), rsa(&json!({})), other] })).unwrap();
        assert!(rows.iter().all(|row| row.refused.is_some() && !row.repeated), "{rows:?}");
    }

    #[test]
    fn a_repeated_kid_is_nobodys() {
        let other = rsa(&json!({ "n": format!("{}{}", N.trim_end_matches("uXpoQ"), "uXppQ") }));
        let twice = json!({ "keys": [rsa(&json!({})), other, { "kty": "OKP", "crv": "Ed25519", "x": ED, "kid": "a" }] });
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
            repeated: false,
            refused: None,
        };
        assert_eq!(rows, [expected]);
    }
}
