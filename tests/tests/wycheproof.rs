//! The vectors of Project Wycheproof through the verifier of the reference gateway. The core's own verifier has the
//! same in `component/policy/src/testing/wycheproof_test.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linkgate_gateway::{SignatureAlgorithm, Verification, Verifier, Verify};

const VECTORS: &str = include_str!("../wycheproof.txt");
const RSA_SIZES: &str = include_str!("../rsa-sizes.txt");

#[test]
fn the_gateways_verifier_takes_what_is_good_and_nothing_else() {
    let (good, bad) = judged(VECTORS);
    assert!(good > 500 && bad > 1_000, "{good} good, {bad} bad");
}

#[test]
fn rsa_keys_have_any_size_from_2048_to_8192_bits() {
    assert_eq!(judged(RSA_SIZES), (10, 60));
}

/// How many hold, and how many do not.
fn judged(vectors: &str) -> (u32, u32) {
    let verifier = Verifier::default();
    let (mut algorithm, mut key, mut good, mut bad) = (SignatureAlgorithm::Rs256, vec![], 0, 0);
    for line in vectors.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        if let ["key", name, _, spki] = words.as_slice() {
            (algorithm, key) = (named(name), bytes(spki));
            continue;
        }
        let [expected, message, signature, row] = words.as_slice() else { panic!("{line}") };
        let (message, signature) = (bytes(message), bytes(signature));
        let answer = verifier.verify(&Verify { algorithm, key: key.clone(), message, signature });
        match *expected {
            "yes" => {
                assert_eq!(answer, Verification::Yes, "{row}");
                good += 1;
            }
            "no" => {
                assert_eq!(answer, Verification::No, "{row}");
                bad += 1;
            }
            _ => {}
        }
    }
    (good, bad)
}

fn named(name: &str) -> SignatureAlgorithm {
    let names = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];
    let place = names.iter().position(|known| *known == name).expect(name);
    Verifier::ALGORITHMS[place]
}

fn bytes(text: &str) -> Vec<u8> {
    if text == "-" { Vec::new() } else { URL_SAFE_NO_PAD.decode(text).expect(text) }
}
