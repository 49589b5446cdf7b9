//! What one decision costs, natively and in wasmtime, beside a peer that verifies the same tokens.
//!
//! `cargo bench -p linkgate-tests` after `cargo xtask components`. Rows are
//! `policy/{request}/{edition}`; an exchange runs from `open` to `close`, the upstream answers at
//! once. `first sight/{algorithm}/{artifact}` is the processor time of such an exchange with a token that the component
//! has not seen, whose signature it verifies by itself. Every iteration asserts its result.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use linkgate_cases::{Edition, Evaluator, Native, PolicyId, Scene, Step, Suite};
use linkgate_policy::{AnswerHead, End, Event, Head, Now};
use linkgate_tests::target_dir;

/// What is measured: a name, a case of the suite, and the cause it ends with.
const REQUESTS: [(&str, &str, &str); 4] = [
    ("link, two RS256 tokens", "seed/link", "granted"),
    ("unlink, one RS256 token", "seed/unlink", "granted"),
    ("refused, no token", "bearer/missing", "bearer-missing"),
    ("refused, bad path", "path/double-slash", "path-empty-segment"),
];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let suite = Suite::load(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the suite loads");
    let evaluator = Evaluator::load(&target_dir()).expect("`cargo xtask components` was run");
    // What the component does by itself. The peer below is what a host's verifier costs.
    let evaluator = evaluator.without_verifier();
    let mut editions: [Box<dyn Edition>; 2] = [Box::new(Native::default()), Box::new(evaluator)];
    for (request, case, cause) in REQUESTS {
        let scene = scene(&suite, case);
        let mut group = criterion.benchmark_group("policy");
        for edition in &mut editions {
            let policy =
                edition.load(&scene.document, &scene.secrets, now(&scene)).expect("it compiles");
            let id = BenchmarkId::new(request, edition.name());
            group.bench_function(id, |bencher| {
                bencher.iter(|| assert_eq!(decide(edition.as_mut(), policy, &scene), cause));
            });
        }
        group.finish();
    }
    first_sight(&mut criterion, &suite);
    peer(&mut criterion, &scene(&suite, "seed/unlink"));
    criterion.final_summary();
}

/// `jsonwebtoken` on aws-lc, natively: the signature and the claims of one token, and no more.
fn peer(criterion: &mut Criterion, scene: &Scene) {
    let document: serde_json::Value = serde_json::from_str(&scene.document).expect("JSON");
    let issuer = &document["issuers"][0];
    let jwk = serde_json::from_value(issuer["keys"]["jwks"]["keys"][0].clone()).expect("a key");
    let key = DecodingKey::from_jwk(&jwk).expect("a key");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_aud = false;
    // The suite's clock does not move.
    validation.validate_exp = false;
    let token = scene.tokens.first().expect("a token");
    criterion.bench_function("peer/one RS256 token/jsonwebtoken on aws-lc", |bencher| {
        bencher.iter(|| {
            let decoded =
                jsonwebtoken::decode::<serde_json::Value>(black_box(token), &key, &validation);
            assert!(decoded.is_ok());
        });
    });
}

/// Algorithms, with keys of the suite.
const ALGORITHMS: [(&str, &str); 4] = [
    ("RS256", "tenant-rs"),
    ("PS256", "tenant-rs"),
    ("ES256", "tenant-es256"),
    ("EdDSA", "tenant-ed25519"),
];

/// Tokens of an algorithm. A policy is compiled anew for as many: what it knows of them is gone, and each is new again.
const TOKENS: usize = 64;

/// What a signature costs a component, in each artifact there is.
fn first_sight(criterion: &mut Criterion, suite: &Suite) {
    let artifacts = [
        ("portable", Evaluator::load(&target_dir())),
        ("wide", Evaluator::load_wide(&target_dir())),
    ];
    let mut artifacts = artifacts.map(|(name, loaded)| {
        (name, loaded.expect("`cargo xtask components` was run").without_verifier())
    });
    let known = vec![new_token(suite, "RS256", "tenant-rs", 0); TOKENS];
    let mut group = criterion.benchmark_group("first sight");
    for (name, artifact) in &mut artifacts {
        group.bench_function(BenchmarkId::new("none, a known token", *name), |bencher| {
            bencher.iter_custom(|times| sights(artifact, &known, times));
        });
    }
    group.finish();
    for (algorithm, key) in ALGORITHMS {
        let scenes: Vec<Scene> =
            (0..TOKENS).map(|nth| new_token(suite, algorithm, key, nth)).collect();
        let mut group = criterion.benchmark_group("first sight");
        for (name, artifact) in &mut artifacts {
            group.bench_function(BenchmarkId::new(algorithm, *name), |bencher| {
                bencher.iter_custom(|times| sights(artifact, &scenes, times));
            });
        }
        group.finish();
    }
}

/// The processor time of as many exchanges, each with a token that is new to the policy. The first one, which
/// prepares the key, does not count.
fn sights(edition: &mut dyn Edition, scenes: &[Scene], times: u64) -> Duration {
    let (mut left, mut spent) = (times, Duration::ZERO);
    while left > 0 {
        let [first, rest @ ..] = scenes else { panic!("no token") };
        let policy =
            edition.compile(&first.document, &first.secrets, now(first)).expect("it compiles");
        assert_eq!(decide(edition, policy, first), "granted");
        let began = processor_time();
        for scene in rest.iter().take(usize::try_from(left).unwrap_or(TOKENS)) {
            assert_eq!(decide(edition, policy, scene), "granted");
            left -= 1;
        }
        spent += processor_time().saturating_sub(began);
    }
    spent
}

fn new_token(suite: &Suite, algorithm: &str, key: &str, nth: usize) -> Scene {
    let case = Suite::read_case(&format!(
        "title: a token of its own\npolicy: algorithms\nrequest: unlink\ntokens:\n  bearer: {{ like: alice-access, key: {key}, header: {{ alg: {algorithm} }}, claims: {{ jti: 't{nth}' }} }}\nexpect: {{ outcome: '', cause: '', reason: '', reply: 200 }}"
    ));
    case.and_then(|case| Scene::prepare(suite, &case)).expect("it can be prepared")
}

/// Of this thread, as Linux counts it: nanoseconds on a processor are the first word.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let spent = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(spent.expect("the processor time of a thread"))
}

fn now(scene: &Scene) -> Now {
    Now { unix_ms: scene.clock_s * 1000, mono_ms: 0 }
}

/// Runs an exchange from its head to its record, and gives the cause.
fn decide(edition: &mut dyn Edition, policy: PolicyId, scene: &Scene) -> String {
    let now = now(scene);
    let request = &scene.request;
    let head = Head {
        method: request.method.clone(),
        target: request.target.clone(),
        headers: request.headers.clone(),
        peer: None,
    };
    let (exchange, mut turn) = edition.open(policy, black_box(head), now).expect("it opens");
    loop {
        let event = match turn.step {
            Step::ReadBody { .. } => Event::Body(request.body.clone()),
            Step::Forward(_) | Step::Pass(_) => Event::Forwarded(Ok(AnswerHead::of(200, []))),
            Step::Wait { .. } | Step::Verify(_) | Step::Acquire { .. } | Step::Call(_) => {
                panic!("the policy of the bench neither waits nor merges")
            }
            Step::Relay(_) | Step::Respond(_) => break,
        };
        turn = edition.resume(exchange, turn.sequence, event, now).expect("it goes on");
    }
    edition.close(exchange, End::Finished, now).expect("it closes").cause
}

fn scene(suite: &Suite, name: &str) -> Scene {
    let named =
        suite.cases.iter().find(|named| named.name == name).expect("the suite has this case");
    Scene::prepare(suite, &named.case).expect("it can be prepared")
}
