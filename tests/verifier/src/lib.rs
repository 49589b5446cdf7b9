//! The verifiers of signatures as a component: the suites judge vectors with it, in each arithmetic that an edition is
//! built for. It is not shipped.
#![cfg(target_family = "wasm")]

use jsonwebtoken::Algorithm;
use linkgate_signatures::{Curve, Material, PublicKey};

use generated::Guest;

/// The component.
struct Vectors;

impl Guest for Vectors {
    fn verify(
        algorithm: String,
        numbers: Vec<String>,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> Option<bool> {
        let algorithm: Algorithm = algorithm.parse().ok()?;
        let key = PublicKey::read(&material(algorithm, &numbers)?).ok()?;
        let verifier = key.verifier(algorithm)?;
        let holds = || verifier.verify(&message, &signature).is_ok();
        // After its first signature a key is prepared for more: what it says then has to be the same.
        let first = holds();
        assert_eq!(first, holds(), "a key that was used says the same");
        Some(first && verifier.fits(&signature))
    }
}

/// The key, of its numbers in the order in which RFC 7518 and RFC 8037 have them.
fn material(algorithm: Algorithm, numbers: &[String]) -> Option<Material<'_>> {
    match (algorithm, numbers) {
        (Algorithm::ES256, [x, y]) => Some(Material::Ec { curve: Curve::P256, x, y }),
        (Algorithm::ES384, [x, y]) => Some(Material::Ec { curve: Curve::P384, x, y }),
        (Algorithm::EdDSA, [x]) => Some(Material::Ed25519 { x }),
        (_, [n, e]) => Some(Material::Rsa { n, e }),
        _ => None,
    }
}

#[expect(
    unsafe_code,
    reason = "generated: the canonical ABI passes raw pointers and exports bare symbols"
)]
#[expect(clippy::same_length_and_capacity, reason = "generated: a list arrives with no spare room")]
#[expect(clippy::too_many_arguments, reason = "generated: a pointer and a length for each of four")]
mod generated {
    use crate::Vectors;

    wit_bindgen::generate!({
        inline: "
            package linkgate:verifier;
            world verifier {
                /// Whether a signature holds; nothing where the key is not taken. The key is its numbers in base64url.
                export verify: func(algorithm: string, numbers: list<string>, message: list<u8>, signature: list<u8>) -> option<bool>;
            }",
    });

    export!(Vectors with_types_in self);
}
