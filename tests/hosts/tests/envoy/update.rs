//! The configuration is replaced under load: no request is dropped, and none is judged by neither policy.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use linkgate_tests::hosts::LISTENER;
use linkgate_tests::peer::{Peer, soon};
use linkgate_tests::{ALICES_PROFILE, Issuer, policy};
use serde_json::{Value, json};

use crate::world::{World, at, at_once, envoy, of_policy, status};

/// Clients, each on connections of its own.
const LOAD: usize = 8;

/// Requests from one replacement to the next, at least.
const BETWEEN: usize = 50;

/// Replacements: back and forth between two policies.
const UPDATES: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn an_update_under_load_drops_nothing_and_lets_nobody_in() {
    let Some(envoy) = envoy() else { return };
    let issuer = Issuer::listen().await;
    let open = policy(&[issuer.entry(&issuer.by_url(&json!({})))]);
    let mut closed = open.clone();
    closed["profile"] = json!("off");
    let [open, closed] = [open, closed].map(|document| of_policy(&envoy, &issuer, &document));
    let listeners = Listeners::of(&open);
    let serving = envoy.serve(&listeners.main(&open)).unwrap_or_else(|trouble| panic!("{trouble}"));
    let world = World { issuer, serving };
    let (address, token) = (world.address(), world.issuer.token());
    let is_over = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let load = (0..LOAD).map(|number| {
        let (token, is_over) = (token.clone(), Arc::clone(&is_over));
        let answered = Arc::clone(&answered);
        async move {
            let mut seen = [0_u32; 2];
            while !is_over.load(Ordering::Relaxed) {
                // Half are a stranger's: her token, and somebody else's profile.
                let is_stranger = number % 2 == 0;
                let path = if is_stranger { "/api/v2/users/auth0%7Cbob" } else { ALICES_PROFILE };
                let mut client = Peer::connect(address).await;
                client
                    .send(format!("GET {path} HTTP/1.1\r\nhost: gate\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"))
                    .await;
                let (reply, _) = soon("a reply", client.rest()).await;
                answered.fetch_add(1, Ordering::Relaxed);
                match status(&reply) {
                    200 if !is_stranger => seen[0] += 1,
                    403 => seen[1] += 1,
                    other => panic!("{other}: {reply}"),
                }
            }
            seen
        }
    });
    let load = tokio::spawn(at_once(load.collect::<Vec<_>>()));
    for update in 1..=UPDATES {
        let (next, expected) = if update % 2 == 1 { (&closed, 403) } else { (&open, 200) };
        listeners.replace(next);
        let arrived = async {
            while crate::world::read(&mut Peer::connect(address).await, &token).await != expected {}
        };
        soon("the other policy", arrived).await;
        let goal = answered.load(Ordering::Relaxed) + BETWEEN;
        let loaded = async {
            while answered.load(Ordering::Relaxed) < goal {
                tokio::task::yield_now().await;
            }
        };
        soon("requests", loaded).await;
    }
    is_over.store(true, Ordering::Relaxed);
    let seen = load.await.expect("no client was wronged");
    let by_alice = seen.iter().skip(1).step_by(2);
    assert!(
        by_alice.clone().any(|seen| seen[0] > 0) && by_alice.clone().any(|seen| seen[1] > 0),
        "{seen:?}"
    );
    assert_eq!(world.stat("listener_manager.listener_create_failure"), 0);
    println!("{} requests over {UPDATES} updates", seen.iter().flatten().sum::<u32>());
}

/// The listeners of a configuration, in a file that Envoy watches.
struct Listeners {
    file: PathBuf,
    port: u16,
}

impl Listeners {
    fn of(configuration: &Value) -> Self {
        let name = format!("listeners-{}.json", std::process::id());
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        // A listener that is replaced keeps its sockets if it keeps its port, and 0 is another one.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let listeners = Self { file, port: free.expect("a port").port() };
        listeners.replace(configuration);
        listeners
    }

    /// The configuration without its listeners, which are in the file.
    fn main(&self, configuration: &Value) -> Value {
        let mut main = configuration.clone();
        *at(&mut main, "/static_resources/listeners") = json!([]);
        main["node"] = json!({ "id": "gate", "cluster": "gate" });
        main["dynamic_resources"] =
            json!({ "lds_config": { "path_config_source": { "path": self.file } } });
        main
    }

    /// Puts other listeners in the file: Envoy looks at it when it is moved to its place.
    fn replace(&self, configuration: &Value) {
        let mut listener = at(&mut configuration.clone(), LISTENER).take();
        listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
        *at(&mut listener, "/address/socket_address/port_value") = json!(self.port);
        let partial = self.file.with_extension("partial");
        let text = json!({ "resources": [listener] }).to_string();
        fs::write(&partial, text).and_then(|()| fs::rename(&partial, &self.file)).expect("a file");
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}
