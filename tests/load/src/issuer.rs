//! The issuer of tokens that are measured: a key for each algorithm that is compared.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::mint::{CLIENT, now_s};
use crate::{Attempt, policy};

/// What a token is signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Ps256,
    Es256,
    EdDsa,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// Its name in RFC 7518 and RFC 8037.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// It gets no request: the keys are in the policy.
const ISSUER: &str = "http://load.example/";

/// The identifier of the Management API.
pub(crate) const AUDIENCE: &str = "http://load.example/api/v2/";

/// How long a token lasts, in seconds. A run does not last longer.
const LIFETIME_S: u64 = 24 * 60 * 60;

/// The issuer, with its private keys.
pub(crate) struct Issuer {
    keys: [(Algorithm, Key); 4],
}

enum Key {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Issuer {
    pub(crate) const NAME: &'static str = ISSUER;

    pub(crate) fn new() -> Attempt<Self> {
        let rsa = || RsaKeyPair::generate(KeySize::Rsa2048);
        let keys = || {
            Ok::<_, aws_lc_rs::error::Unspecified>([
                (Algorithm::Rs256, Key::Rsa(rsa()?, &RSA_PKCS1_SHA256)),
                (Algorithm::Ps256, Key::Rsa(rsa()?, &RSA_PSS_SHA256)),
                (
                    Algorithm::Es256,
                    Key::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
                ),
                (Algorithm::EdDsa, Key::Ed25519(Ed25519KeyPair::generate()?)),
            ])
        };
        Ok(Self { keys: keys().map_err(|_| "no key can be generated")? })
    }

    /// A policy that trusts it. What has a default is left out.
    pub(crate) fn policy(&self) -> Value {
        let names = Algorithm::ALL.map(Algorithm::name);
        json!({
            "version": 1,
            "issuers": [{
                "issuer": ISSUER,
                "audiences": [AUDIENCE],
                "algorithms": names,
                "keys": { "jwks": self.jwks() },
            }],
            "pass": [policy::PASS],
        })
    }

    /// Its public keys.
    pub(crate) fn jwks(&self) -> Value {
        let keys = self.keys.iter().map(|(algorithm, key)| key.jwk(*algorithm, algorithm.name()));
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// Public keys for `EdDSA`: so many that no token is signed with, and its own behind them.
    pub(crate) fn eddsa_jwks(&self, others: usize) -> Attempt<Value> {
        let other = |nth| {
            let pair = Ed25519KeyPair::generate().map_err(|_| "no key can be generated")?;
            Ok(Key::Ed25519(pair).jwk(Algorithm::EdDsa, &format!("other-{nth}")))
        };
        let mut keys = (0..others).map(other).collect::<Attempt<Vec<_>>>()?;
        let own = self.key(Algorithm::EdDsa);
        keys.extend(own.map(|key| key.jwk(Algorithm::EdDsa, Algorithm::EdDsa.name())));
        Ok(json!({ "keys": keys }))
    }

    /// A public key in PEM, for peers that read no JWK.
    pub(crate) fn pem(&self, algorithm: Algorithm) -> Attempt<String> {
        let text = STANDARD.encode(self.der(algorithm)?);
        Ok(format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"))
    }

    /// A public key as a `SubjectPublicKeyInfo` in DER.
    pub(crate) fn der(&self, algorithm: Algorithm) -> Attempt<Vec<u8>> {
        let no_der = || format!("no DER of the key for {}", algorithm.name());
        let der: PublicKeyX509Der<'_> = match self.key(algorithm) {
            Some(Key::Rsa(pair, _)) => pair.public_key().as_der(),
            Some(Key::Ecdsa(pair)) => pair.public_key().as_der(),
            Some(Key::Ed25519(pair)) => pair.public_key().as_der(),
            None => return Err(no_der()),
        }
        .map_err(|_| no_der())?;
        Ok(der.as_ref().to_vec())
    }

    /// A user's access token. `jti` makes it differ from others.
    pub(crate) fn access(&self, algorithm: Algorithm, subject: &str, jti: &str) -> Attempt<String> {
        self.access_of(algorithm, [ISSUER, AUDIENCE], subject, jti)
    }

    /// The same, of an issuer with another name and the same keys, and for another audience.
    pub(crate) fn access_of(
        &self,
        algorithm: Algorithm,
        [issuer, audience]: [&str; 2],
        subject: &str,
        jti: &str,
    ) -> Attempt<String> {
        let now = now_s();
        let claims = json!({
            "iss": issuer, "sub": subject, "iat": now, "exp": now + LIFETIME_S,
            "aud": audience, "azp": CLIENT, "gty": "password",
            "scope": "read:current_user update:current_user_identities", "jti": jti,
        });
        self.sign(algorithm, &claims)
    }

    /// A user's ID token, of a sign-in that was a moment ago.
    pub(crate) fn id(&self, subject: &str, jti: &str) -> Attempt<String> {
        let now = now_s();
        let claims = json!({
            "iss": ISSUER, "sub": subject, "iat": now, "exp": now + LIFETIME_S,
            "aud": CLIENT, "auth_time": now, "jti": jti,
        });
        self.sign(Algorithm::Rs256, &claims)
    }

    fn sign(&self, algorithm: Algorithm, claims: &Value) -> Attempt<String> {
        let name = algorithm.name();
        let header = json!({ "typ": "JWT", "alg": name, "kid": name });
        let [header, claims] = [&header, claims].map(|part| base64url(part.to_string().as_bytes()));
        let message = format!("{header}.{claims}");
        let signature = self.signature(algorithm, message.as_bytes())?;
        Ok(format!("{message}.{}", base64url(&signature)))
    }

    /// A signature, as JWS has it.
    pub(crate) fn signature(&self, algorithm: Algorithm, message: &[u8]) -> Attempt<Vec<u8>> {
        let signature = self.key(algorithm).and_then(|key| key.sign(message));
        signature.ok_or_else(|| format!("cannot sign with {}", algorithm.name()))
    }

    fn key(&self, algorithm: Algorithm) -> Option<&Key> {
        self.keys.iter().find(|(named, _)| *named == algorithm).map(|(_, key)| key)
    }
}

impl Key {
    /// Its public half, for this algorithm and under this name.
    fn jwk(&self, algorithm: Algorithm, kid: &str) -> Value {
        let mut jwk = self.public();
        if let Some(members) = jwk.as_object_mut() {
            let about = [("alg", algorithm.name()), ("kid", kid), ("use", "sig")];
            members.extend(about.map(|(name, value)| (name.to_owned(), json!(value))));
        }
        jwk
    }

    fn public(&self) -> Value {
        match self {
            Self::Rsa(pair, _) => {
                let public = pair.public_key();
                let [n, e] = [public.modulus(), public.exponent()]
                    .map(|number| base64url(number.big_endian_without_leading_zero()));
                json!({ "kty": "RSA", "n": n, "e": e })
            }
            Self::Ecdsa(pair) => {
                // An uncompressed point (SEC 1 section 2.3.3): 4, x, y.
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                json!({ "kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y) })
            }
            Self::Ed25519(pair) => {
                let x = base64url(pair.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "x": x })
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Self::Ecdsa(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Self::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
