//! The vectors of Project Wycheproof through the verifier of the reference gateway, and through the components' own in
//! wasm, in each arithmetic that an artifact is built for. Natively the core has the same in
//! `component/policy/src/testing/wycheproof_test.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linkgate_gateway::{SignatureAlgorithm, Verification, Verifier, Verify, engine_config};
use linkgate_tests::component;
use wasmtime::component::{Component, Linker, TypedFunc};
use wasmtime::{Engine, Store};

const VECTORS: &str = include_str!("../wycheproof.txt");
const RSA_SIZES: &str = include_str!("../rsa-sizes.txt");

#[test]
fn the_gateways_verifier_takes_what_is_good_and_nothing_else() {
    let (good, bad) = judged(VECTORS);
    assert!(good > 500 && bad > 1_000, "{good} good, {bad} bad");
}

#[test]
fn rsa_keys_have_any_size_from_2048_to_8192_bits() {
    assert_eq!(judged(RSA_SIZES), (16, 96));
}

#[test]
fn the_components_verifier_takes_what_is_good_and_nothing_else() {
    in_wasm("linkgate-verifier.wasm");
}

#[test]
fn the_components_verifier_with_wide_arithmetic_takes_what_is_good_and_nothing_else() {
    in_wasm("linkgate-verifier-wide.wasm");
}

fn in_wasm(artifact: &str) {
    let mut guest = Guest::load(artifact);
    let (good, bad) = guest.judged(VECTORS);
    assert!(good > 500 && bad > 1_000, "{good} good, {bad} bad");
    assert_eq!(guest.judged(RSA_SIZES), (16, 96));
}

/// `tests/verifier` on wasmtime, linked to nothing.
struct Guest {
    store: Store<()>,
    verify: TypedFunc<Question, (Option<bool>,)>,
}

/// An algorithm, the numbers of a key, a message and a signature.
type Question = (String, Vec<String>, Vec<u8>, Vec<u8>);

impl Guest {
    fn load(artifact: &str) -> Self {
        let engine = Engine::new(&engine_config()).expect("an engine");
        let code = Component::from_file(&engine, component(artifact)).expect("it compiles");
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(1);
        let guest = Linker::new(&engine).instantiate(&mut store, &code).expect("it starts");
        let verify = guest.get_typed_func(&mut store, "verify").expect("it exports `verify`");
        Self { store, verify }
    }

    /// How many hold, and how many do not.
    fn judged(&mut self, vectors: &str) -> (u32, u32) {
        let (mut algorithm, mut numbers, mut good, mut bad) = (String::new(), vec![], 0, 0);
        for line in vectors.lines().filter(|line| !line.starts_with('#')) {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["key", name, jwk, _] = words.as_slice() {
                (algorithm, numbers) = ((*name).to_owned(), in_order(jwk));
                continue;
            }
            let [expected, message, signature, row] = words.as_slice() else { panic!("{line}") };
            let question = (algorithm.clone(), numbers.clone(), bytes(message), bytes(signature));
            let (answer,) = self.verify.call(&mut self.store, question).expect(row);
            match (*expected, answer) {
                ("yes", Some(true)) => good += 1,
                ("no", Some(false)) => bad += 1,
                // The exponent of such a key is too small for the core.
                ("either", _) | (_, None) => {}
                _ => panic!("{row}: expected {expected}, found {answer:?}"),
            }
        }
        (good, bad)
    }
}

/// The numbers of a key, as `tests/verifier` wants them.
fn in_order(jwk: &str) -> Vec<String> {
    let key: serde_json::Value = serde_json::from_str(jwk).expect("a key");
    let names: &[&str] = if key["kty"] == "RSA" { &["n", "e"] } else { &["x", "y"] };
    names.iter().filter_map(|name| Some(key[name].as_str()?.to_owned())).collect()
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
