//! Fetches: what is asked, what counts as an answer, and in which words there is none.

use linkgate_gateway::{CaSource, Fetch, Fetcher, Header};
use rcgen::{BasicConstraints, IsCa};

use crate::tls::{Ca, serve_tls};
use crate::wire::{Upstream, nobody};

#[tokio::test]
async fn a_fetch_is_sent_as_it_is_and_its_answer_is_given_whole() {
    let endpoint = Upstream::bind().await;
    let url = format!("http://{}/keys?v=1", endpoint.address);
    let server = async {
        let mut peer = endpoint.accept().await;
        let head = peer.head().await;
        assert_eq!(
            head,
            format!("GET /keys?v=1 HTTP/1.1\r\nhost: {}\r\naccept: a/b\r\n\r\n", endpoint.address)
        );
        let answer = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nx: 1\r\nx: 2\r\n\
                      content-length: 5\r\n\r\nthere";
        peer.send(answer).await;
    };
    let (fetcher, fetch) = (plain(), get(&url));
    let (answer, ()) = tokio::join!(fetcher.fetch(&fetch), server);
    let answer = answer.expect("an answer, although of no use");
    assert_eq!((answer.status, &answer.body[..]), (302, &b"there"[..]));
    let x = answer.headers.iter().filter(|header| header.name == "x");
    assert_eq!(x.map(|header| &header.value[..]).collect::<Vec<_>>(), [b"1", b"2"]);
    assert!(endpoint.is_left_alone(), "one connection, no redirect followed");
}

#[tokio::test]
async fn a_url_without_a_path_asks_for_the_root() {
    let endpoint = Upstream::bind().await;
    for (tail, target) in [("", "/"), ("?v=1", "/?v=1")] {
        let url = format!("http://{}{tail}", endpoint.address);
        let server = async {
            let mut peer = endpoint.accept().await;
            let head = peer.head().await;
            assert!(head.starts_with(&format!("GET {target} HTTP/1.1\r\n")), "{head}");
            peer.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        };
        let (fetcher, fetch) = (plain(), get(&url));
        let (answer, ()) = tokio::join!(fetcher.fetch(&fetch), server);
        assert_eq!(answer.expect("an answer").status, 204);
    }
}

#[tokio::test]
async fn what_is_no_answer_is_said_in_words_for_the_operator() {
    let sized = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (name, sent, expected) in [
        ("hangs up", String::new(), "expected an answer, found the connection closed"),
        (
            "speaks something else",
            "SSH-2.0-x\r\n\r\n".to_owned(),
            "expected an answer of HTTP/1.1, found none: invalid HTTP version parsed",
        ),
        ("cut off", sized(9) + "four", "expected the whole body, found it cut off"),
        (
            "cut off, in chunks",
            format!("{chunked}4\r\nfour\r\n"),
            "expected the whole body, found it cut off",
        ),
        ("says that it is large", sized(1001), "expected at most 1000 bytes, found more"),
        (
            "is large",
            format!("{chunked}3e9\r\n{}\r\n", "x".repeat(1001)),
            "expected at most 1000 bytes, found more",
        ),
    ] {
        let endpoint = Upstream::bind().await;
        let fetcher = plain();
        let fetch = get(&format!("http://{}/", endpoint.address));
        let server = async {
            let mut peer = endpoint.accept().await;
            peer.head().await;
            peer.send(sent).await;
            peer.finish().await;
        };
        let (answer, ()) = tokio::join!(fetcher.fetch(&fetch), server);
        assert_eq!(answer.expect_err(name), expected, "{name}");
    }
}

#[tokio::test]
async fn all_parts_of_a_fetch_share_its_time() {
    for (name, sent, expected) in [
        ("silent", "", "expected an answer within 0.3 s, found none"),
        (
            "half a body",
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour",
            "expected the whole body within 0.3 s, found none",
        ),
    ] {
        let endpoint = Upstream::bind().await;
        let fetcher = plain();
        let fetch = Fetch { timeout_ms: 300, ..get(&format!("http://{}/", endpoint.address)) };
        let server = async {
            let mut peer = endpoint.accept().await;
            peer.head().await;
            peer.send(sent).await;
            assert_eq!(peer.rest().await, "", "the connection ends");
        };
        let (answer, ()) = tokio::join!(fetcher.fetch(&fetch), server);
        assert_eq!(answer.expect_err(name), expected, "{name}");
    }
}

#[tokio::test]
async fn nobody_there_and_no_url_are_told_apart() {
    let refused = plain().fetch(&get(&format!("http://{}/", nobody().await))).await;
    let refused = refused.expect_err("no listener");
    assert!(refused.starts_with("expected a connection, found none: "), "{refused}");
    for url in ["127.0.0.1/keys", "ftp://127.0.0.1/", "http://", "http://a@b/"] {
        let refused = plain().fetch(&get(url)).await.expect_err("no URL");
        assert_eq!(refused, format!("expected an absolute URL of http or https, found `{url}`"));
    }
}

#[tokio::test]
async fn an_issuer_is_who_its_certificate_says() {
    let ours = Ca::new();
    let fetcher = Fetcher::new(Some(&CaSource::Pem(ours.pem.clone().into_bytes()))).expect("a CA");
    for (name, signer, certified, until, expected) in [
        ("good", &ours, "127.0.0.1", 4000, Ok(201)),
        (
            "untrusted CA",
            &Ca::new(),
            "127.0.0.1",
            4000,
            Err("expected a certificate that the given CA trusts, found another's"),
        ),
        (
            "wrong name",
            &ours,
            "tenant.test",
            4000,
            Err("expected a certificate that holds for it, found one that does not: certificate \
                 not valid for name \"127.0.0.1\""),
        ),
        (
            "expired",
            &ours,
            "127.0.0.1",
            2021,
            Err("expected a certificate that holds for it, found one that does not: certificate \
                 expired"),
        ),
    ] {
        let port = serve_tls(signer.certify(certified, 2020, until)).await;
        let body = Some(br#"{"link_with":"theirs"}"#.to_vec());
        let fetch = get(&format!("https://127.0.0.1:{port}/"));
        let fetch = Fetch { method: "POST".to_owned(), body, ..fetch };
        let found = fetcher.fetch(&fetch).await.map(|answer| answer.status);
        match (found, expected) {
            (Err(found), Err(expected)) => assert!(found.starts_with(expected), "{name}: {found}"),
            (found, expected) => assert_eq!(found, expected.map_err(str::to_owned), "{name}"),
        }
    }
}

#[tokio::test]
async fn a_server_with_the_certificate_of_a_ca_is_said_in_our_words() {
    let ours = Ca::new();
    let fetcher = Fetcher::new(Some(&CaSource::Pem(ours.pem.clone().into_bytes()))).expect("a CA");
    let is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let port = serve_tls(ours.certify_as("127.0.0.1", 2020, 4000, is_ca)).await;
    let why = fetcher.fetch(&get(&format!("https://127.0.0.1:{port}/"))).await.expect_err("a CA");
    assert!(why.contains("basicConstraints=CA:FALSE") && !why.contains("OtherError"), "{why}");
}

#[tokio::test]
async fn an_issuer_without_tls_is_not_asked_in_the_clear() {
    let endpoint = Upstream::bind().await;
    let fetcher = Fetcher::new(Some(&CaSource::Pem(Ca::new().pem.into_bytes()))).expect("a CA");
    let server = async {
        let mut peer = endpoint.accept().await;
        peer.send("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        assert!(!peer.rest().await.contains("GET"), "a request left in the clear");
    };
    let fetch = get(&format!("https://{}/", endpoint.address));
    let (answer, ()) = tokio::join!(fetcher.fetch(&fetch), server);
    let why = answer.expect_err("no TLS");
    assert!(why.starts_with("expected to shake hands over TLS, found no way to: "), "{why}");
}

/// For `http`; the system may have no roots.
fn plain() -> Fetcher {
    Fetcher::new(None).expect("a fetcher")
}

fn get(url: &str) -> Fetch {
    Fetch {
        source: "keys".to_owned(),
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: vec![Header { name: "accept".to_owned(), value: b"a/b".to_vec() }],
        body: None,
        timeout_ms: 20_000,
        max_answer_bytes: 1000,
    }
}
