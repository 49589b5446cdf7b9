//! Keys over real sockets: the simulated tenant publishes them, the reference gateway fetches them,
//! and the tenant counts how often.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linkgate_gateway::{ComponentSource, Decision, Gateway, Limits, Settings, Timings};
use linkgate_tenant::keys::Overlap;
use linkgate_tenant::{
    DEFAULT_USERS, Operation, SigningKey, Tenant, TenantHandle, Users, Validity,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const ALICE: &str = "auth0|alice-5f7c8ec7";

/// A tenant, and a gateway of two instances in front of it.
struct World {
    tenant: TenantHandle,
    gateway: SocketAddr,
}

impl World {
    async fn begin(keys: impl FnOnce(&str) -> Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let users = Users::parse(DEFAULT_USERS).unwrap();
        let settings = linkgate_tenant::Settings::new(&origin);
        let tenant =
            TenantHandle::new(Tenant::new(settings, SigningKey::generate().unwrap(), users));
        tokio::spawn(linkgate_tenant::serve(listener, tenant.clone(), std::future::pending()));
        let document = json!({
            "version": 1,
            "profile": "read-own",
            "issuers": [{
                "issuer": format!("{origin}/"),
                "audiences": [format!("{origin}/api/v2/")],
                "keys": keys(&origin),
            }],
        });
        let settings = Settings {
            component: ComponentSource::File(component()),
            document: document.to_string(),
            secrets: Vec::new(),
            seed: 1,
            upstream: origin.parse().unwrap(),
            instances: NonZeroUsize::new(2).unwrap(),
            limits: Limits::default(),
        };
        let sink = |_: &Decision, _: &Timings| {};
        let gateway = tokio::task::spawn_blocking(move || Gateway::build(settings, sink));
        let gateway = gateway.await.unwrap().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(gateway.serve(listener, std::future::pending()));
        Self { tenant, gateway: address }
    }

    fn token(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let tenant = self.tenant.tenant();
        tenant
            .mint_access_token(ALICE, "spa", &["read:current_user"], Validity::new(now, 600))
            .unwrap()
    }

    /// Reads Alice's profile with a token: the status, and `Retry-After`.
    async fn read(&self, token: &str) -> (u16, Option<u64>) {
        let mut stream = TcpStream::connect(self.gateway).await.unwrap();
        let target = "/api/v2/users/auth0%7Calice-5f7c8ec7";
        let head = format!(
            "GET {target} HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        tokio::time::timeout(Duration::from_secs(20), read).await.unwrap().unwrap();
        let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        let line = answer.lines().find_map(|line| line.strip_prefix("retry-after: "));
        (status, line.and_then(|seconds| seconds.trim().parse().ok()))
    }

    fn fetches(&self) -> u64 {
        self.tenant.arrived(Operation::Jwks)
    }
}

fn component() -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    let target = binary.ancestors().nth(3).unwrap();
    target.join("components/linkgate-evaluator.wasm")
}

/// The same token with another `kid`: what an attacker makes up costs nobody a key.
fn with_kid(token: &str, kid: &str) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": kid }).to_string();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
}

fn by_url(origin: &str) -> Value {
    json!({ "jwks_uri": format!("{origin}/.well-known/jwks.json"), "cooldown": "1h" })
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_and_two_hundred_first_requests_cost_one_fetch() {
    let world = World::begin(by_url).await;
    let token = world.token();
    let reads = (0..200).map(|_| world.read(&token));
    let statuses = futures(reads).await;
    assert!(statuses.iter().all(|(status, _)| *status == 200), "{statuses:?}");
    assert_eq!(world.fetches(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_says_where_the_keys_are() {
    let world = World::begin(|_| json!({ "discovery": true })).await;
    assert_eq!(world.read(&world.token()).await, (200, None));
    assert_eq!((world.tenant.arrived(Operation::Discovery), world.fetches()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_kids_cost_no_fetch_within_the_cooldown() {
    let world = World::begin(by_url).await;
    let token = world.token();
    assert_eq!(world.read(&token).await, (200, None));
    for number in 0..300 {
        let (status, again) = world.read(&with_kid(&token, &format!("made-up-{number}"))).await;
        assert_eq!(status, 503, "nobody can tell yet");
        assert!(again.is_some_and(|seconds| (1..=3600).contains(&seconds)), "{again:?}");
    }
    assert_eq!(world.fetches(), 1);
    assert_eq!(world.read(&token).await, (200, None), "a known key is not held up");
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_without_overlap_costs_one_more_fetch() {
    let world = World::begin(
        |origin| json!({ "jwks_uri": format!("{origin}/.well-known/jwks.json"), "cooldown": "1s" }),
    )
    .await;
    assert_eq!(world.read(&world.token()).await, (200, None));
    world.tenant.rotate_key(Overlap::None).unwrap();
    let token = world.token();
    // Within a cooldown of the first fetch it is told when to come again; never 401.
    let comes = async {
        loop {
            match world.read(&token).await {
                (200, _) => return,
                other => assert_eq!(other, (503, Some(1))),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), comes).await.expect("it never came");
    for _ in 0..20 {
        assert_eq!(world.read(&token).await, (200, None));
    }
    assert_eq!(world.fetches(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_the_answer_is_503_and_never_401() {
    let world =
        World::begin(|origin| json!({ "jwks_uri": format!("{origin}/nothing-here") })).await;
    let (status, again) = world.read(&world.token()).await;
    assert_eq!(status, 503);
    assert!(again.is_some());
}

/// Runs all of them at once.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = pending.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, slot) in pending.iter_mut().zip(&mut done).filter(|(_, slot)| slot.is_none()) {
            if let std::task::Poll::Ready(output) = future.as_mut().poll(cx) {
                *slot = Some(output);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}
