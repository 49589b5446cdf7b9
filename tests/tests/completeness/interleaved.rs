//! Two users' exchanges in one instance, their steps interleaved in every order: each must go as it
//! goes alone, and nothing that the one gets to see may hold a mark of the other.

use std::io::Write as _;

use linkgate_cases::{Departed, Driver, Edition, Native, Observed, Scene, Suite, run};
use linkgate_policy::{End, Header, trace_id};

/// What marks a user. Their tokens are marks too.
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) id: &'static str,
    pub(super) other_account: (&'static str, &'static str),
    pub(super) client: &'static str,
    pub(super) trace: &'static str,
}

pub(super) const ALICE: Person = Person {
    name: "alice",
    id: "auth0|5457edea1b8f22891a000004",
    other_account: ("google-oauth2", "115015401343387192604"),
    client: "spa-of-alice",
    trace: "00-a11ce000000000000000000000000001-a11ce00000000001-01",
};

pub(super) const BOB: Person = Person {
    name: "bob",
    id: "auth0|5457edea1b8f22891a00000b",
    other_account: ("github", "58323100000000000"),
    client: "spa-of-bob",
    trace: "00-b0b00000000000000000000000000002-b0b0000000000002-01",
};

/// A way an exchange may go.
struct Way {
    name: &'static str,
    request: &'static str,
    target: &'static str,
    /// A change to the secondary token.
    secondary: &'static str,
    upstream: &'static str,
}

/// A way without a change to the secondary token.
const fn way(
    name: &'static str,
    request: &'static str,
    target: &'static str,
    upstream: &'static str,
) -> Way {
    Way { name, request, target, secondary: "", upstream }
}

const OWN: &str = "/api/v2/users/{id}/identities";

/// Every step and every ending there is.
const WAYS: [Way; 12] = [
    way("linked", "like: link", OWN, "status: 201"),
    way("link not sent", "like: link", OWN, "fails: not-sent"),
    way("link unanswered", "like: link", OWN, "fails: unknown"),
    Way { secondary: "signature: flip", ..way("bad secondary", "like: link", OWN, "") },
    Way { secondary: "claims: { iat: now-2h }", ..way("old secondary", "like: link", OWN, "") },
    way("body breaks off", "like: link, body_breaks_off: true", OWN, ""),
    way("no account", "like: link", "/api/v2/users/nobody/identities", ""),
    way(
        "unlinked",
        "like: unlink",
        "/api/v2/users/{id}/identities/{provider}/{other}",
        "status: 200",
    ),
    way("profile", "like: profile", "/api/v2/users/{id}", "status: 200"),
    way("preflight", "like: preflight", OWN, ""),
    way("page", "like: page", "/app/page-of-{name}", "status: 200"),
    way("nowhere", "like: page", "/nowhere/page-of-{name}", ""),
];

#[test]
fn two_users_never_see_each_other() {
    let suite = super::suite();
    let scenes = |person: &Person| -> Vec<Scene> {
        WAYS.iter().map(|way| scene(&suite, person, way)).collect()
    };
    let (alices, bobs) = (scenes(&ALICE), scenes(&BOB));
    let (marks_of_alice, marks_of_bob) = (marks(&ALICE, &alices), marks(&BOB, &bobs));
    // Between a question about a signature and its answer, the other user's turn may come, too.
    let with_questions: Box<dyn Edition> = Box::new(Native::with_verifier());
    for mut edition in super::editions().into_iter().chain([with_questions]) {
        let edition = edition.as_mut();
        let mut orders = 0;
        for (a, way_of_alice) in alices.iter().zip(WAYS) {
            for (b, way_of_bob) in bobs.iter().zip(WAYS) {
                let at = format!(
                    "{} beside {} on {}",
                    way_of_alice.name,
                    way_of_bob.name,
                    edition.name()
                );
                let (alone_a, alone_b) = (alone(edition, a), alone(edition, b));
                assert!(
                    shown(&alone_a.1).contains(&trace_id(ALICE.trace).expect("one")),
                    "{at}: a mark is found where it belongs"
                );
                for order in orders_of(alone_a.0, alone_b.0) {
                    let (seen_a, seen_b) = interleaved(edition, (a, b), &order);
                    assert_eq!(
                        seen_a, alone_a.1,
                        "{at}, {order:?}: alice's exchange goes as it goes alone"
                    );
                    assert_eq!(
                        seen_b, alone_b.1,
                        "{at}, {order:?}: bob's exchange goes as it goes alone"
                    );
                    no_marks(&marks_of_bob, &seen_a, &at);
                    no_marks(&marks_of_alice, &seen_b, &at);
                    orders += 1;
                }
            }
        }
        let _ = writeln!(
            std::io::stderr().lock(),
            "{:<12} {orders} interleavings of two users",
            edition.name()
        );
    }
}

/// How many turns an exchange takes, its opening and its closing included, and what comes of it. Its bearer is known
/// from a first run, as it is to each later one: only secondary tokens are verified.
pub(super) fn alone(edition: &mut dyn Edition, scene: &Scene) -> (usize, Observed) {
    run(edition, scene).expect("run");
    let mut driver = Driver::open(edition, scene).expect("open");
    let mut turns = 2;
    while !driver.is_done() {
        driver.advance(edition).expect("advance");
        turns += 1;
    }
    driver.close(edition, End::Finished).expect("close");
    (turns, timeless(run(edition, scene).expect("run")))
}

/// Takes turns: `true` is alice's.
pub(super) fn interleaved(
    edition: &mut dyn Edition,
    (a, b): (&Scene, &Scene),
    order: &[bool],
) -> (Observed, Observed) {
    let (mut alice, mut bob) = (Side::Ahead(a), Side::Ahead(b));
    for alices_turn in order {
        let side = if *alices_turn { &mut alice } else { &mut bob };
        *side = std::mem::replace(side, Side::Moving).turn(edition);
    }
    (alice.seen(), bob.seen())
}

enum Side<'s> {
    Ahead(&'s Scene),
    Under(Box<Driver<'s>>),
    Over(Box<Observed>),
    Moving,
}

impl Side<'_> {
    fn turn(self, edition: &mut dyn Edition) -> Self {
        match self {
            Self::Ahead(scene) => {
                Self::Under(Box::new(Driver::open(edition, scene).expect("open")))
            }
            Self::Under(driver) if driver.is_done() => {
                Self::Over(Box::new(driver.close(edition, End::Finished).expect("close")))
            }
            Self::Under(mut driver) => {
                driver.advance(edition).expect("advance");
                Self::Under(driver)
            }
            Self::Over(_) | Self::Moving => panic!("a turn too many"),
        }
    }

    fn seen(self) -> Observed {
        let Self::Over(seen) = self else { panic!("a turn too few") };
        timeless(*seen)
    }
}

/// How long an exchange took depends on what else went on.
fn timeless(mut seen: Observed) -> Observed {
    seen.record.duration_us = 0;
    seen
}

/// Every order of two sequences of turns.
fn orders_of(a: usize, b: usize) -> Vec<Vec<bool>> {
    if a == 0 || b == 0 {
        return vec![[vec![true; a], vec![false; b]].concat()];
    }
    let first = |turn: bool, rest: Vec<Vec<bool>>| {
        rest.into_iter().map(move |order| [vec![turn], order].concat())
    };
    first(true, orders_of(a - 1, b)).chain(first(false, orders_of(a, b - 1))).collect()
}

#[test]
fn orders_are_all_of_them() {
    assert_eq!(orders_of(4, 4).len(), 70);
    assert_eq!(
        orders_of(1, 2),
        [vec![true, false, false], vec![false, true, false], vec![false, false, true]]
    );
}

fn scene(suite: &Suite, person: &Person, way: &Way) -> Scene {
    let Way { request, secondary, upstream, .. } = way;
    let Person { name, id, other_account: (provider, other), client, trace } = person;
    let target = [("{id}", *id), ("{name}", *name), ("{provider}", *provider), ("{other}", *other)]
        .iter()
        .fold(way.target.to_owned(), |target, (place, text)| target.replace(place, text));
    let comma_before = |text: &str| if text.is_empty() { "" } else { ", " };
    let (separator, comma) = (comma_before(secondary), comma_before(upstream));
    let text = format!(
        "title: a user among others
policy: cors
tokens:
  bearer: {{ like: alice-access, claims: {{ sub: '{id}', azp: {client}, jti: {name} }} }}
  fresh: {{ like: alice-google, claims: {{ sub: '{provider}|{other}', aud: {client} }} }}
  secondary: {{ like: fresh{separator}{secondary} }}
request: {{ {request}, target: '{target}', add: [{{ traceparent: {trace} }}, {{ user-agent: agent of {name} }}] }}
upstream: {{ body: 'answer for {name}'{comma}{upstream} }}
expect: {{ outcome: '', cause: '', reason: '', reply: 200 }}"
    );
    let case = Suite::read_case(&text).unwrap_or_else(|trouble| panic!("{trouble}\n{text}"));
    Scene::prepare(suite, &case).unwrap_or_else(|trouble| panic!("{trouble}\n{text}"))
}

pub(super) fn marks(person: &Person, scenes: &[Scene]) -> Vec<String> {
    let encoded = person.id.replace('|', "%7C");
    let texts = [
        person.id,
        &encoded,
        person.other_account.1,
        person.client,
        &trace_id(person.trace).expect("one"),
        &format!("agent of {}", person.name),
        &format!("answer for {}", person.name),
        &format!("metadata of {}", person.name),
        &format!("/app/{}", person.name),
        &format!("/nowhere-of-{}", person.name),
    ]
    .map(str::to_owned);
    // The header says how a token is signed, which is the same for all.
    let parts =
        scenes.iter().flat_map(|scene| &scene.tokens).flat_map(|token| token.split('.').skip(1));
    texts.into_iter().chain(parts.map(str::to_owned)).collect()
}

pub(super) fn no_marks(marks: &[String], seen: &Observed, at: &str) {
    let text = shown(seen);
    for mark in marks {
        assert!(!text.contains(mark.as_str()), "{at}: `{mark}` of the other user is in\n{text}");
    }
}

/// All that is seen of an exchange, as text: reply, upstream requests, record.
pub(super) fn shown(seen: &Observed) -> String {
    let lines = |headers: &[Header]| -> String {
        headers
            .iter()
            .map(|line| format!("{}: {}\n", line.name, String::from_utf8_lossy(&line.value)))
            .collect()
    };
    let mut text = serde_json::to_string(&seen.record).expect("a record");
    if let Some(reply) = &seen.reply {
        text += &format!(
            "\n{}\n{}{}",
            reply.status,
            lines(&reply.headers),
            String::from_utf8_lossy(&reply.body)
        );
    }
    for departed in &seen.sent {
        let (Departed::Request(sent) | Departed::Call(sent)) = departed else { continue };
        let body = sent.body.as_deref().unwrap_or_default();
        text += &format!(
            "\n{} {}\n{}{}",
            sent.method,
            sent.path,
            lines(&sent.headers),
            String::from_utf8_lossy(body)
        );
    }
    text
}
