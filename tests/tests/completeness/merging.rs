//! Two users' merging links in one instance, their steps interleaved: the same as for other exchanges,
//! in a sample of the orders, for there are tens of thousands.

use linkgate_cases::{Scene, Suite};

use super::interleaved::{ALICE, BOB, Person, alone, interleaved, marks, no_marks, shown};

/// Orders tried of each pair. Raised, the suite takes longer.
const ORDERS: u64 = 150;

/// Ways that a merging link may go: what the upstream answers to it, and the calls after it.
const WAYS: [(&str, &str, &str); 3] = [
    ("linked", "{ status: 201, body: 'answer for {name}' }", SETTLED),
    ("answer lost", "{ fails: unknown }", ASKED),
    ("refused", "{ status: 400, body: 'answer for {name}' }", ""),
];

/// The primary lists the secondary, and what was carried over is applied.
const SETTLED: &str = "  - { reads: primary, linked: '{identity}', metadata: '{{entry}:{staged}}' }
  - { writes: '{{entry}:null,\"new\":\"metadata of {name}\"}' }
";

/// The same, once the secondary is found to be gone.
const ASKED: &str =
    "  - { reads: secondary, status: 404, body: '{\"errorCode\":\"inexistent_user\"}' }
  - { reads: primary, linked: '{identity}', metadata: '{{entry}:{staged}}' }
  - { writes: '{{entry}:null,\"new\":\"metadata of {name}\"}' }
";

/// A case of a user; the places in braces are filled in.
const CASE: &str = "title: a user among others
policy: merge
tokens:
  bearer: { like: alice-access, claims: { sub: '{id}', azp: {client}, jti: {name} } }
  secondary: { like: alice-google, claims: { sub: '{provider}|{other}', aud: {client} } }
request: { like: link, target: '/api/v2/users/{id}/identities', add: [{ traceparent: {trace} }] }
upstream: {upstream}
calls:
  - { reads: secondary, metadata: '{\"new\":\"metadata of {name}\"}' }
  - { reads: primary, metadata: '{\"own\":\"primary metadata of {name}\"}' }
  - { writes: '{{entry}:{staged}}', metadata: '{\"own\":\"primary metadata of {name}\",{entry}:{staged}}' }
  - { reads: secondary, metadata: '{\"new\":\"metadata of {name}\"}' }
  - link
{after}expect: { outcome: '', cause: '', reason: '', reply: 200 }";

/// The reserved keys of the two, worked out by hand (`printf … | sha256sum`).
const ENTRIES: [(&str, &str); 2] = [
    ("alice", "linkgate_1720f4bfb4759fbd499f346441def182_3234b833f1bf7cbf"),
    ("bob", "linkgate_726c14adbcd518e663e9f8e2de82a4eb_76053ad584d065ec"),
];

#[test]
fn two_merging_users_never_see_each_other() {
    let suite = super::suite();
    let scenes = |person: &Person| WAYS.map(|way| scene(&suite, person, way));
    let (alices, bobs) = (scenes(&ALICE), scenes(&BOB));
    let (marks_of_alice, marks_of_bob) = (marks(&ALICE, &alices), marks(&BOB, &bobs));
    for edition in &mut super::editions() {
        let edition = edition.as_mut();
        for (a, (way_of_alice, ..)) in alices.iter().zip(WAYS) {
            for (b, (way_of_bob, ..)) in bobs.iter().zip(WAYS) {
                let at = format!("{way_of_alice} beside {way_of_bob} on {}", edition.name());
                let (alone_a, alone_b) = (alone(edition, a), alone(edition, b));
                assert!(shown(&alone_a.1).contains("metadata of alice"), "{at}: it is carried");
                assert!(alone_a.0 > 8, "{at}: it goes all the way");
                for seed in 1..=ORDERS {
                    let order = order(alone_a.0, alone_b.0, seed);
                    let (seen_a, seen_b) = interleaved(edition, (a, b), &order);
                    assert_eq!(seen_a, alone_a.1, "{at}, {order:?}: alice's goes as it goes alone");
                    assert_eq!(seen_b, alone_b.1, "{at}, {order:?}: bob's goes as it goes alone");
                    no_marks(&marks_of_bob, &seen_a, &at);
                    no_marks(&marks_of_alice, &seen_b, &at);
                }
            }
        }
    }
}

/// One order of two sequences of turns, by xorshift.
fn order(mut a: usize, mut b: usize, seed: u64) -> Vec<bool> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut order = Vec::new();
    while a + b > 0 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let is_a = b == 0 || (a > 0 && state.is_multiple_of(2));
        *(if is_a { &mut a } else { &mut b }) -= 1;
        order.push(is_a);
    }
    order
}

fn scene(suite: &Suite, person: &Person, (_, upstream, after): (&str, &str, &str)) -> Scene {
    let Person { name, id, other_account: (provider, other), client, trace } = person;
    let identity = format!(r#"{{"provider":"{provider}","user_id":"{other}"}}"#);
    let entry = ENTRIES.iter().find(|(whose, _)| whose == name).expect("an entry").1;
    let entry = format!("\"{entry}\"");
    let text = [
        ("{upstream}", upstream),
        ("{after}", after),
        ("{entry}", &entry),
        ("{staged}", r#"{"staged":{"new":"metadata of {name}"}}"#),
        ("{identity}", &identity),
        ("{name}", name),
        ("{id}", id),
        ("{provider}", provider),
        ("{other}", other),
        ("{client}", client),
        ("{trace}", trace),
    ]
    .iter()
    .fold(CASE.to_owned(), |text, (place, filling)| text.replace(place, filling));
    let case = Suite::read_case(&text).unwrap_or_else(|trouble| panic!("{trouble}\n{text}"));
    Scene::prepare(suite, &case).unwrap_or_else(|trouble| panic!("{trouble}\n{text}"))
}
