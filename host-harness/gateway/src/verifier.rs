//! Verifies signatures for instances, in native code: aws-lc, the library that TLS has here already.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    VerificationAlgorithm,
};

use crate::contract::{SignatureAlgorithm, Verification, Verify};

/// A verifier, with the keys that it was asked about.
#[derive(Default)]
pub struct Verifier {
    /// Parsed keys, the one that was used last in front.
    keys: Mutex<Vec<(SignatureAlgorithm, Arc<ParsedPublicKey>)>>,
}

impl Verifier {
    /// The algorithms that it verifies.
    pub const ALGORITHMS: [SignatureAlgorithm; 9] = [
        SignatureAlgorithm::Rs256,
        SignatureAlgorithm::Rs384,
        SignatureAlgorithm::Rs512,
        SignatureAlgorithm::Ps256,
        SignatureAlgorithm::Ps384,
        SignatureAlgorithm::Ps512,
        SignatureAlgorithm::Es256,
        SignatureAlgorithm::Es384,
        SignatureAlgorithm::Eddsa,
    ];

    /// Whether a signature holds. `unable` where the library takes no such key: that is no word on the signature.
    #[must_use]
    pub fn verify(&self, question: &Verify) -> Verification {
        let Some(key) = self.key(question.algorithm, &question.key) else {
            return Verification::Unable;
        };
        match key.verify_sig(&question.message, &question.signature) {
            Ok(()) => Verification::Yes,
            Err(_invalid) => Verification::No,
        }
    }

    /// The parsed key. Compared whole, so that no other key can ever be in its place.
    fn key(&self, algorithm: SignatureAlgorithm, spki: &[u8]) -> Option<Arc<ParsedPublicKey>> {
        let is_it = |(of, key): &(SignatureAlgorithm, Arc<ParsedPublicKey>)| {
            *of == algorithm && (**key).as_ref() == spki
        };
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = keys.iter().position(is_it) {
            keys.get_mut(..=at)?.rotate_right(1);
        } else {
            let key = ParsedPublicKey::new(library(algorithm), spki).ok()?;
            keys.truncate(MAX_KEYS - 1);
            keys.insert(0, (algorithm, Arc::new(key)));
        }
        keys.first().map(|(_, key)| Arc::clone(key))
    }
}

/// Parsed keys that are kept: those of the issuers of a policy, a few each, and of the policy before it. They are the
/// issuers' to choose and no caller's. Raised, each look-up compares more.
const MAX_KEYS: usize = 64;

/// What the library calls an algorithm. An RSA modulus has 2048 to 8192 bits, as the policy asks of it, and the salt of
/// PSS is as long as the hash; `FIXED` is the form of JWS.
fn library(algorithm: SignatureAlgorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        SignatureAlgorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        SignatureAlgorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        SignatureAlgorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        SignatureAlgorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        SignatureAlgorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        SignatureAlgorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
        SignatureAlgorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        SignatureAlgorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
        SignatureAlgorithm::Eddsa => &ED25519,
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    fn question(key: &Ed25519KeyPair, message: &[u8], signature: &[u8]) -> Verify {
        let spki: PublicKeyX509Der<'_> = key.public_key().as_der().expect("a key");
        Verify {
            algorithm: SignatureAlgorithm::Eddsa,
            key: spki.as_ref().to_vec(),
            message: message.to_vec(),
            signature: signature.to_vec(),
        }
    }

    fn pairs(count: usize) -> Vec<Ed25519KeyPair> {
        (0..count).map(|_| Ed25519KeyPair::generate().expect("a key")).collect()
    }

    #[test]
    fn each_key_verifies_its_own_and_no_other_however_many_there_are() {
        let verifier = Verifier::default();
        let keys = pairs(MAX_KEYS + 3);
        for _ in 0..2 {
            for (at, key) in keys.iter().enumerate() {
                let signature = key.sign(b"text");
                let own = question(key, b"text", signature.as_ref());
                assert_eq!(verifier.verify(&own), Verification::Yes, "{at}");
                let other = &keys[(at + 1) % keys.len()];
                let other = question(other, b"text", signature.as_ref());
                assert_eq!(verifier.verify(&other), Verification::No, "{at}");
            }
        }
        assert!(verifier.keys.lock().expect("keys").len() <= MAX_KEYS, "it is bounded");
    }

    #[test]
    fn a_key_is_for_the_algorithm_that_it_was_asked_with() {
        let verifier = Verifier::default();
        let key = &pairs(1)[0];
        let good = question(key, b"text", key.sign(b"text").as_ref());
        assert_eq!(verifier.verify(&good), Verification::Yes);
        for algorithm in Verifier::ALGORITHMS.into_iter().take(8) {
            let other = Verify { algorithm, ..good.clone() };
            assert_eq!(verifier.verify(&other), Verification::Unable, "{algorithm:?}");
        }
        assert_eq!(verifier.verify(&good), Verification::Yes, "it is still there");
        let garbage = Verify { key: b"no key".to_vec(), ..good };
        assert_eq!(verifier.verify(&garbage), Verification::Unable);
    }
}
