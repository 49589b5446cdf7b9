//! The vectors of Project Wycheproof through the core's own verifier, and its check of form.

use linkgate_signatures::base64url;

use crate::jose::{algorithm, key, key::Key};
use crate::text::json;

const VECTORS: &str = include_str!("../../../../tests/wycheproof.txt");
const RSA_SIZES: &str = include_str!("../../../../tests/rsa-sizes.txt");

#[test]
fn the_cores_verifier_takes_what_is_good_and_nothing_else() {
    let (good, bad, formless) = judged(VECTORS);
    assert!(good > 500 && bad > 1_000, "{good} good, {bad} bad");
    assert!(formless > 100, "{formless} are refused by their form");
}

#[test]
fn rsa_keys_have_any_size_from_2048_to_8192_bits() {
    let (good, bad, formless) = judged(RSA_SIZES);
    assert_eq!((good, bad), (16, 96));
    assert!(formless > 0, "{formless} are refused by their form");
}

/// How many hold, how many do not, and of how many the form was wrong.
fn judged(vectors: &str) -> (u32, u32, usize) {
    let (mut key, mut good, mut bad, mut formless) = (None, 0, 0, 0);
    for line in vectors.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        if let ["key", name, jwk, spki] = words.as_slice() {
            key = prepared(name, jwk);
            let own = key.as_ref().and_then(|key| key.spki.clone());
            assert!(own.is_none_or(|own| *own == *bytes(spki)), "{jwk}");
            continue;
        }
        let [expected, message, signature, row] = words.as_slice() else { panic!("{line}") };
        let Some(key) = &key else { continue };
        let signature = bytes(signature);
        let holds = || key.verifies(&bytes(message), &signature);
        let (fits, first, holds) = (key.fits(&signature), holds(), holds());
        assert_eq!(first, holds, "{row}: a key that was used is prepared, and says the same");
        assert!(fits || !holds, "{row}: what holds has the form of a signature");
        formless += usize::from(!fits);
        match *expected {
            "yes" => {
                assert!(holds, "{row}");
                good += 1;
            }
            "no" => {
                assert!(!holds, "{row}");
                bad += 1;
            }
            _ => {}
        }
    }
    (good, bad, formless)
}

/// The key; none where its exponent is too small for the core.
fn prepared(name: &str, jwk: &str) -> Option<Key> {
    let value = json::parse(jwk.as_bytes()).unwrap();
    let algorithm = algorithm::by_name(name).unwrap();
    match key::prepare(&value, &[algorithm]) {
        Ok(keys) => keys.into_iter().next(),
        Err(why) => {
            assert!(why.contains("exponent"), "{why}: {jwk}");
            None
        }
    }
}

fn bytes(text: &str) -> Vec<u8> {
    if text == "-" { Vec::new() } else { base64url(text).unwrap() }
}
