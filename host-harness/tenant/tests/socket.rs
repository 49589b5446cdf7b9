//! The shell on a real socket: what goes in as bytes reaches the tenant as bytes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod world;

use std::future::pending;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use linkgate_tenant::{MAX_BODY_BYTES, Operation, TenantHandle, Validity, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use world::*;

struct Served {
    handle: TenantHandle,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

async fn served() -> Served {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let handle = TenantHandle::new(World::new().tenant);
    let (stop, stopped) = oneshot::channel::<()>();
    let server =
        tokio::spawn(serve(listener, handle.clone(), async { stopped.await.unwrap_or_default() }));
    Served { handle, address, stop, server }
}

impl Served {
    /// Sends bytes on a connection of their own and reads until the tenant closes it.
    async fn exchange(&self, bytes: impl Into<Vec<u8>>) -> String {
        let (address, bytes) = (self.address, bytes.into());
        spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            // The tenant may answer and close before a body over its limit is out.
            let _ = stream.write_all(&bytes);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            String::from_utf8(answer).unwrap()
        })
        .await
        .unwrap()
    }
}

fn hour_from_now() -> Validity {
    Validity::new(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(), 3_600)
}

#[tokio::test]
async fn a_browser_links_and_the_log_has_what_it_sent() {
    let served = served().await;
    let (bearer, token) = {
        let tenant = served.handle.tenant();
        let bearer = tenant.mint_access_token(ALICE, "spa", LINK, hour_from_now()).unwrap();
        (bearer, tenant.mint_id_token(ALICE_GOOGLE, "spa", hour_from_now()).unwrap())
    };
    let body = format!("link_with={token}");
    let answer = served
        .exchange(format!(
            "POST /api/v2/users/auth0|alice-5f7c8ec7/identities HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nAuthorization: Bearer {bearer}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert!(
        answer.contains("x-ratelimit-limit: 50\r\n")
            && answer.contains(r#""connection":"google-oauth2""#),
        "{answer}"
    );

    let requests = served.handle.requests();
    let [recorded] = requests.as_slice() else {
        panic!("one request was sent, {} were recorded", requests.len())
    };
    assert_eq!(
        recorded.request.target, "/api/v2/users/auth0|alice-5f7c8ec7/identities",
        "the bar is still raw"
    );
    assert_eq!((recorded.operation, recorded.status, recorded.number), (Operation::Link, 201, 1));
    assert_eq!(recorded.request.body, body.as_bytes());
    assert_eq!(
        recorded.request.header_values("authorization").collect::<Vec<_>>(),
        [format!("Bearer {bearer}")]
    );
    assert_eq!((served.handle.received(), served.handle.count(Operation::Link)), (1, 1));
    assert_eq!(served.handle.tenant().user(ALICE).unwrap().linked_ids(), [ALICE_GOOGLE]);
}

#[tokio::test]
async fn targets_reach_the_tenant_as_they_were_sent() {
    let served = served().await;
    let targets = [
        "/api/v2/users/custom|zoë",
        "/api/v2/users/samlp%7Cmy%20conn%7Cjo%2fhn%40ex.com",
        "/a/../b//c/./%2e%2e/%zz?x=%20&y",
        "http://elsewhere/api/v2/users/auth0|a?x",
        "/back\\slash;p=1",
    ];
    for target in targets {
        served
            .exchange(format!("GET {target} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"))
            .await;
    }
    let received: Vec<String> =
        served.handle.requests().into_iter().map(|recorded| recorded.request.target).collect();
    assert_eq!(received, targets);
}

#[tokio::test]
async fn bodies_are_bounded_and_chunks_are_joined() {
    let served = served().await;
    let head = "POST /oauth/token HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Type: application/json\r\n";
    let too_long = format!(
        "{head}Content-Length: {}\r\n\r\n{}",
        MAX_BODY_BYTES + 1,
        " ".repeat(MAX_BODY_BYTES + 1)
    );
    assert!(served.exchange(too_long).await.starts_with("HTTP/1.1 413 "));
    let chunked =
        format!("{head}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n");
    let answer = served.exchange(chunked).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ")
            && answer.contains("Missing required parameter: grant_type"),
        "{answer}"
    );
    let broken = format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n");
    let answer = served.exchange(broken).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(
        served.handle.count(Operation::SignIn),
        2,
        "a body that never arrived is no request"
    );
}

#[tokio::test]
async fn a_watcher_sees_each_request_and_the_log_can_be_emptied() {
    let served = served().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    served
        .handle
        .watch(move |recorded| sink.lock().unwrap().push((recorded.operation, recorded.status)));
    served
        .exchange("GET /.well-known/jwks.json HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        .await;
    served.exchange("GET /nowhere HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").await;
    assert_eq!(*seen.lock().unwrap(), [(Operation::Jwks, 200), (Operation::Unrouted, 404)]);
    served.handle.forget_requests();
    assert_eq!((served.handle.requests().len(), served.handle.received()), (0, 0));
}

#[tokio::test]
async fn shutdown_ends_idle_connections_and_the_server() {
    let served = served().await;
    let address = served.address;
    let mut idle = spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: t\r\n\r\n").unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        stream
    })
    .await
    .unwrap();
    served.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(4), served.server)
        .await
        .expect("an idle connection does not delay it")
        .unwrap();
    let rest = spawn_blocking(move || idle.read_to_end(&mut Vec::new())).await.unwrap();
    assert!(rest.is_ok(), "the connection was closed, not left hanging: {rest:?}");
    assert!(TcpStream::connect(address).is_err(), "the listener is gone");
}

#[tokio::test]
async fn dropping_the_server_is_enough() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve(listener, TenantHandle::new(World::new().tenant), pending()));
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
    assert!(TcpStream::connect(address).is_err());
}
