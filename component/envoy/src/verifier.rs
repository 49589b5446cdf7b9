//! Has Envoy verify signatures, in native code: by its foreign function `verify_signature`.

use linkgate_policy::{SignatureAlgorithm, SignatureAlgorithms, Verification, Verify};
use proxy_wasm::hostcalls;

/// The algorithms that the function knows. It has no PSS and no Ed25519.
pub(crate) const ALGORITHMS: SignatureAlgorithms = SignatureAlgorithms::NONE
    .with(SignatureAlgorithm::Rs256)
    .with(SignatureAlgorithm::Rs384)
    .with(SignatureAlgorithm::Rs512)
    .with(SignatureAlgorithm::Es256)
    .with(SignatureAlgorithm::Es384);

/// Whether a signature holds. `unable` where the host has no such function, or gives an answer of an unknown form.
pub(crate) fn verify(question: &Verify) -> Verification {
    let Some(hash) = hash(question.algorithm) else { return Verification::Unable };
    match hostcalls::call_foreign_function(FUNCTION, Some(&arguments(hash, question))) {
        Ok(answer) => read(&answer.unwrap_or_default()),
        Err(_failed) => Verification::Unable,
    }
}

const FUNCTION: &str = "verify_signature";

fn hash(algorithm: SignatureAlgorithm) -> Option<&'static str> {
    match algorithm {
        SignatureAlgorithm::Rs256 | SignatureAlgorithm::Es256 => Some("sha256"),
        SignatureAlgorithm::Rs384 | SignatureAlgorithm::Es384 => Some("sha384"),
        SignatureAlgorithm::Rs512 => Some("sha512"),
        SignatureAlgorithm::Ps256
        | SignatureAlgorithm::Ps384
        | SignatureAlgorithm::Ps512
        | SignatureAlgorithm::EdDsa => None,
    }
}

/// `VerifySignatureArguments` of Envoy's `source/extensions/common/wasm/ext/verify_signature.proto`.
fn arguments(hash: &str, question: &Verify) -> Vec<u8> {
    let signature = question.signature_in_der();
    let fields: [(u8, &[u8]); 4] =
        [(1, hash.as_bytes()), (2, &question.key), (3, &signature), (4, &question.message)];
    // Room for all of it: a buffer that grows leaves copies of the token behind.
    let content: usize = fields.iter().map(|(_, bytes)| bytes.len() + MAX_FIELD_HEAD).sum();
    let mut encoded = Vec::with_capacity(content);
    for (number, bytes) in fields {
        encoded.push(number << 3 | LENGTH_DELIMITED);
        let mut length = bytes.len();
        while length >= 0x80 {
            encoded.push(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
            length >>= 7;
        }
        encoded.push(u8::try_from(length).unwrap_or_default());
        encoded.extend_from_slice(bytes);
    }
    encoded
}

/// `VerifySignatureResult`: `result` (1) is a yes, `error` (2) says why it is none. Envoy says why of each signature that
/// is wrong. So anything else, nothing at all and a yes with more beside it included, is no answer.
fn read(answer: &[u8]) -> Verification {
    match answer {
        [RESULT, 1] => Verification::Yes,
        [ERROR, ..] => Verification::No,
        _ => Verification::Unable,
    }
}

/// Number, type and length of a field, in bytes.
const MAX_FIELD_HEAD: usize = 1 + 10;
/// Wire type of bytes (protobuf, "Encoding").
const LENGTH_DELIMITED: u8 = 2;
/// Field 1, a number.
const RESULT: u8 = 0x08;
/// Field 2, bytes.
const ERROR: u8 = 0x12;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn an_answer_is_a_yes_in_one_form_alone() {
        for (answer, expected) in [
            (&[0x08, 0x01][..], Verification::Yes),
            (&[], Verification::Unable),
            (b"\x12\x03bad", Verification::No),
            (&[0x08, 0x00], Verification::Unable),
            (&[0x08], Verification::Unable),
            (&[0x08, 0x02], Verification::Unable),
            (&[0x08, 0x01, 0x12, 0x00], Verification::Unable),
            (b"\x08\x01\x12\x03bad", Verification::Unable),
            (&[0x08, 0x81, 0x00], Verification::Unable),
            (&[0x01], Verification::Unable),
        ] {
            assert_eq!(read(answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn arguments_are_four_fields() {
        let question = Verify {
            algorithm: SignatureAlgorithm::Rs256,
            key: Arc::from([7; 3]),
            message: vec![b'm'; 300].into(),
            signature: vec![b's'; 2].into(),
        };
        let expected =
            [&b"\x0a\x06sha256\x12\x03\x07\x07\x07\x1a\x02ss\x22\xac\x02"[..], &[b'm'; 300]];
        assert_eq!(arguments("sha256", &question), expected.concat());
    }

    #[test]
    fn each_algorithm_that_is_offered_has_a_hash() {
        for algorithm in SignatureAlgorithm::ALL {
            assert_eq!(hash(*algorithm).is_some(), ALGORITHMS.has(*algorithm), "{algorithm:?}");
        }
    }
}
