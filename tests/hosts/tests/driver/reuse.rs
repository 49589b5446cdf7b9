//! One instance serves two users in turn: nothing of one is in what comes of the other.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use linkgate_policy::LogLine;
use linkgate_tests::hosts::{PATIENCE, Running as _, environment, on_the_wire};

use crate::stage::{host, policy, scene};
use linkgate_tests::peer::{Peer, Upstream};

/// A user, and what tells them from the other.
struct Person {
    name: &'static str,
    id: &'static str,
    other_account: (&'static str, &'static str),
    client: &'static str,
    trace_id: &'static str,
}

const PEOPLE: [Person; 2] = [
    Person {
        name: "alice",
        id: "auth0|5457edea1b8f22891a000004",
        other_account: ("google-oauth2", "115015401343387192604"),
        client: "spa-of-alice",
        trace_id: "0af7651916cd43dd8448eb211c80319c",
    },
    Person {
        name: "bob",
        id: "auth0|5457edea1b8f22891a00000b",
        other_account: ("github", "583231"),
        client: "spa-of-bob",
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
    },
];

/// What a user does, and how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Links,
    LinksWithAStaleToken,
    LinksToAnother,
    LeavesWithinTheBody,
    GetsHalfAnAnswer,
    Unlinks,
    Passes,
    IsRefused,
}

const WAYS: [Way; 8] = [
    Way::Links,
    Way::LinksWithAStaleToken,
    Way::LinksToAnother,
    Way::LeavesWithinTheBody,
    Way::GetsHalfAnAnswer,
    Way::Unlinks,
    Way::Passes,
    Way::IsRefused,
];

#[tokio::test]
async fn nothing_of_an_exchange_is_left_for_the_next() {
    let upstream = Upstream::bind();
    let environment = environment(&policy(&[]), &format!("http://{}", upstream.address));
    // With the prefix of its lines, which names the instance.
    let flags = ["-S", "cli", "--max-instance-reuse-count", "1000"];
    let flags = [&flags[..], &["--idle-instance-timeout", "60s"]].concat();
    let mut serving =
        host().serve(&environment, &flags).unwrap_or_else(|trouble| panic!("{trouble}"));
    let [alice, bob] = &PEOPLE;
    let (marks_of_alice, marks_of_bob) = (marks(alice), marks(bob));
    let mut latest: BTreeMap<String, &str> = BTreeMap::new();
    let mut in_turn = 0;
    let ways = WAYS.iter().flat_map(|a| WAYS.iter().map(move |b| (*a, *b)));
    for (round, (of_alice, of_bob)) in ways.enumerate() {
        let mut pair = [(alice, of_alice, &marks_of_bob), (bob, of_bob, &marks_of_alice)];
        // In strict turns, two instances that also take turns would have a user each.
        if round % 2 == 1 {
            pair.reverse();
        }
        for (person, way, marks) in pair {
            let seen = exchange(person, way, &upstream, serving.address()).await;
            let line = serving.process.line(PATIENCE, |line| {
                let (instance, line) = line.strip_prefix("stdout [")?.split_once("] :: ")?;
                LogLine::read(line.as_bytes()).map(|_| (instance.to_owned(), line.to_owned()))
            });
            let (instance, line) =
                line.unwrap_or_else(|| panic!("no record. The host said:\n{}", serving.output()));
            let before = latest.insert(instance, person.name);
            in_turn += u32::from(before.is_some_and(|before| before != person.name));
            assert!(line.contains(person.trace_id), "{way:?}: not {}'s: {line}", person.name);
            for mark in marks {
                assert!(
                    !seen.contains(mark) && !line.contains(mark),
                    "{of_alice:?}, {of_bob:?}: `{mark}` is in what came of {}:\n{seen}\n{line}",
                    person.name
                );
            }
        }
    }
    // A host whose instance is not quite done with one exchange begins the next in another. In one
    // alone it would be 64.
    assert!(in_turn > 32, "of 128 exchanges, {in_turn} followed one of the other user's");
}

/// All that is seen of an exchange: what reached the upstream, and the reply.
async fn exchange(person: &Person, way: Way, upstream: &Upstream, address: SocketAddr) -> String {
    let request = request(person, way);
    let mut client = Peer::connect(address).await;
    if way == Way::LeavesWithinTheBody {
        client.send(&request[..request.len() - 9]).await;
        client.reset();
        return String::new();
    }
    client.send(request).await;
    if !matches!(way, Way::Links | Way::GetsHalfAnAnswer | Way::Unlinks | Way::Passes) {
        return client.message().await;
    }
    let mut upstream = upstream.accept().await;
    let sent = upstream.message().await;
    let answer = format!("answer for {}", person.name);
    let missing = if way == Way::GetsHalfAnAnswer { 100 } else { 0 };
    let length = answer.len() + missing;
    upstream.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{answer}")).await;
    drop(upstream);
    if missing > 0 { sent + &client.rest().await.0 } else { sent + &client.message().await }
}

fn request(person: &Person, way: Way) -> Vec<u8> {
    let Person { name, id, other_account: (provider, other), client, trace_id } = person;
    let issued = if way == Way::LinksWithAStaleToken { "now-2h" } else { "now-1m" };
    let user = if way == Way::LinksToAnother { "auth0%7Csomebody" } else { id };
    let (like, target) = match way {
        Way::Links
        | Way::LinksWithAStaleToken
        | Way::LinksToAnother
        | Way::LeavesWithinTheBody
        | Way::GetsHalfAnAnswer => ("link", format!("/api/v2/users/{user}/identities")),
        Way::Unlinks => ("unlink", format!("/api/v2/users/{id}/identities/{provider}/{other}")),
        Way::Passes => ("page", format!("/app/{name}")),
        Way::IsRefused => ("page", format!("/nowhere-of-{name}")),
    };
    let lines = format!(
        "tokens:
  bearer: {{ like: alice-access, claims: {{ sub: '{id}', azp: {client}, jti: {name} }} }}
  secondary: {{ like: alice-google, claims: {{ sub: '{provider}|{other}', aud: {client}, iat: {issued} }} }}
request:
  like: {like}
  target: '{target}'
  add: [{{ traceparent: 00-{trace_id}-b7ad6b7169203331-01 }}, {{ user-agent: agent of {name} }}]"
    );
    on_the_wire(&scene(&lines.replace("'/api/v2/users/auth0|", "'/api/v2/users/auth0%7C")).request)
}

/// Texts that belong to this user alone.
fn marks(person: &Person) -> Vec<String> {
    let encoded = person.id.replace('|', "%7C");
    [person.id, &encoded, person.other_account.1, person.client, person.trace_id]
        .map(str::to_owned)
        .into_iter()
        .chain(["agent of", "answer for"].map(|mark| format!("{mark} {}", person.name)))
        .chain(["/app/", "/nowhere-of-"].map(|mark| format!("{mark}{}", person.name)))
        .collect()
}
