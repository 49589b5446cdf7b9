//! The signature algorithms that are verified, by their JOSE names.

use jsonwebtoken::Algorithm;

/// Whether an algorithm needs a shared secret.
pub(crate) fn is_hmac(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

/// The signature algorithms there are (RFC 7518 section 3.1, RFC 8037 section 3.1), and no other: a
/// new one in a library's list is no new one here.
const ALGORITHMS: [(Algorithm, &str); 12] = [
    (Algorithm::RS256, "RS256"),
    (Algorithm::RS384, "RS384"),
    (Algorithm::RS512, "RS512"),
    (Algorithm::PS256, "PS256"),
    (Algorithm::PS384, "PS384"),
    (Algorithm::PS512, "PS512"),
    (Algorithm::ES256, "ES256"),
    (Algorithm::ES384, "ES384"),
    (Algorithm::EdDSA, "EdDSA"),
    (Algorithm::HS256, "HS256"),
    (Algorithm::HS384, "HS384"),
    (Algorithm::HS512, "HS512"),
];

/// The algorithm of a JOSE name, case-sensitive. `none` is not the name of one.
pub(crate) fn by_name(name: &str) -> Option<Algorithm> {
    // RFC 9864 section 2.2: `EdDSA` with the one curve that is verified on here.
    let name = if name == "Ed25519" { "EdDSA" } else { name };
    ALGORITHMS.iter().find(|(_, known)| *known == name).map(|(algorithm, _)| *algorithm)
}

/// What an algorithm is that tokens may be signed with elsewhere, and not here.
pub(crate) fn unsupported(name: &str) -> Option<&'static str> {
    UNSUPPORTED.iter().find(|(known, _)| *known == name).map(|(_, what)| *what)
}

/// Registered algorithms that are not verified here: a token signed by one is refused, and a key for
/// one never spoils the set it is in.
const UNSUPPORTED: [(&str, &str); 6] = [
    ("ES256K", "ECDSA on secp256k1 (RFC 8812)"),
    ("ES512", "ECDSA on P-521 (RFC 7518)"),
    ("Ed448", "EdDSA on Ed448 (RFC 9864)"),
    ("ML-DSA-44", "ML-DSA (RFC 9964)"),
    ("ML-DSA-65", "ML-DSA (RFC 9964)"),
    ("ML-DSA-87", "ML-DSA (RFC 9964)"),
];

/// The JOSE name of an algorithm.
pub(crate) fn name(algorithm: Algorithm) -> &'static str {
    ALGORITHMS.iter().find(|(known, _)| *known == algorithm).map_or("", |(_, name)| name)
}
