//! The vectors of Project Wycheproof, and RSA keys of other sizes, through Envoy's `verify_signature`. All of them are asked
//! at once, by a filter of a few lines, in the form in which the Envoy edition asks.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use linkgate_policy::{SignatureAlgorithm, Verify};
use linkgate_tests::Issuer;
use linkgate_tests::hosts::{PLUGIN, part};
use serde_json::json;

use crate::world::{configuration, envoy};

const VECTORS: &str = include_str!("../../../wycheproof.txt");
const RSA_SIZES: &str = include_str!("../../../rsa-sizes.txt");

/// What Envoy offers of the algorithms, and by which hash.
const OFFERED: [(&str, &str, SignatureAlgorithm); 5] = [
    ("RS256", "sha256", SignatureAlgorithm::Rs256),
    ("RS384", "sha384", SignatureAlgorithm::Rs384),
    ("RS512", "sha512", SignatureAlgorithm::Rs512),
    ("ES256", "sha256", SignatureAlgorithm::Es256),
    ("ES384", "sha384", SignatureAlgorithm::Es384),
];

#[tokio::test(flavor = "multi_thread")]
async fn envoys_verifier_takes_what_is_good_and_nothing_else() {
    let Some(envoy) = envoy() else { return };
    for (file, text, at_least) in
        [("Wycheproof", VECTORS, (300, 700)), ("sizes of RSA keys", RSA_SIZES, (8, 48))]
    {
        let rows = rows(text);
        let issuer = Issuer::listen().await;
        let mut configuration = configuration(&envoy, &issuer, &json!({}));
        let module = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("vectors.wasm");
        std::fs::write(&module, wat::parse_str(include_str!("vectors.wat")).expect("a module"))
            .expect("a file");
        let questions: Vec<u8> = rows.iter().flat_map(|row| row.question.clone()).collect();
        for (at, value) in [
            ("vm_config/code/local/filename", json!(module)),
            (
                "configuration",
                json!({
                    "@type": "type.googleapis.com/google.protobuf.BytesValue",
                    "value": STANDARD.encode(questions),
                }),
            ),
        ] {
            *part(&mut configuration, &format!("{PLUGIN}/{at}")).expect("a place") = value;
        }
        let serving = envoy.serve(&configuration).unwrap_or_else(|trouble| panic!("{trouble}"));
        // Envoy configures a VM of its main thread before it serves.
        let said = serving.process.said();
        let answers = said.lines().find_map(|line| Some(line.split_once("vectors: ")?.1.trim()));
        let answers = answers.unwrap_or_else(|| panic!("no answers in {said}"));
        let (good, bad) = judged(&rows, answers);
        assert!(good >= at_least.0 && bad >= at_least.1, "{file}: {good} good, {bad} bad");
    }
}

/// A vector: what is expected, its name, and the question with its length before it.
struct Row<'t> {
    expected: &'t str,
    name: &'t str,
    question: Vec<u8>,
}

fn rows(text: &str) -> Vec<Row<'_>> {
    let (mut of, mut rows) = (None, Vec::new());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["key", name, _, spki] => {
                let offered = OFFERED.iter().find(|(offered, ..)| offered == name);
                of = offered.map(|(_, hash, algorithm)| (*hash, *algorithm, bytes(spki)));
            }
            [expected, message, signature, name] => {
                let Some((hash, algorithm, spki)) = &of else { continue };
                let signature = bytes(signature);
                if !has_length(*algorithm, &signature) {
                    continue;
                }
                let question = Verify {
                    algorithm: *algorithm,
                    key: spki.as_slice().into(),
                    message: bytes(message).into(),
                    signature: signature.into(),
                };
                rows.push(Row { expected, name, question: asked(hash, &question) });
            }
            _ => panic!("{line}"),
        }
    }
    rows
}

/// Of ECDSA the component refuses every other length before it asks, and Envoy gets DER, in which numbers have the length
/// that they need: it cannot know.
fn has_length(algorithm: SignatureAlgorithm, signature: &[u8]) -> bool {
    let is_of = |of, length| algorithm != of || signature.len() == length;
    is_of(SignatureAlgorithm::Es256, 64) && is_of(SignatureAlgorithm::Es384, 96)
}

/// How many hold, and how many do not.
fn judged(rows: &[Row<'_>], answers: &str) -> (u32, u32) {
    assert_eq!(rows.len(), answers.len(), "{answers}");
    let (mut good, mut bad) = (0, 0);
    for (row, answer) in rows.iter().zip(answers.chars()) {
        match row.expected {
            "yes" => {
                assert_eq!(answer, 'y', "{}", row.name);
                good += 1;
            }
            "no" => {
                assert_ne!(answer, 'y', "{}", row.name);
                bad += 1;
            }
            _ => {}
        }
    }
    (good, bad)
}

/// `VerifySignatureArguments` in protobuf, behind its length.
fn asked(hash: &str, question: &Verify) -> Vec<u8> {
    let signature = question.signature_in_der();
    let fields = [hash.as_bytes(), &question.key, &signature, &question.message];
    let mut encoded = Vec::new();
    for (number, field) in (1_u8..).zip(fields) {
        encoded.push(number << 3 | 2);
        let mut length = field.len();
        while length >= 0x80 {
            encoded.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
            length >>= 7;
        }
        encoded.push(u8::try_from(length).expect("seven bits"));
        encoded.extend_from_slice(field);
    }
    let length = u32::try_from(encoded.len()).expect("a short question");
    [length.to_le_bytes().as_slice(), &encoded].concat()
}

fn bytes(text: &str) -> Vec<u8> {
    if text == "-" { Vec::new() } else { URL_SAFE_NO_PAD.decode(text).expect(text) }
}
