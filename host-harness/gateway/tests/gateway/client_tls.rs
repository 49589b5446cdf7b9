//! TLS towards clients: versions, protocols, a pair that is replaced, and clients that do not finish their handshake.

use std::sync::Arc;
use std::time::Duration;

use linkgate_gateway::{ClientTls, Event, Head, Limits, Step, TlsPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::script::{Stage, reply};
use crate::tls::Ca;
use crate::wire::{last, say, soon};

fn play(_: &Head, _: &[Event]) -> Step {
    reply(403)
}

async fn stage(pair: &TlsPair, limits: Limits) -> (Stage, Arc<ClientTls>) {
    let tls = Arc::new(ClientTls::new(pair).expect("a pair"));
    (Stage::over_tls(Arc::clone(&tls), limits, play).await, tls)
}

/// A connection of a client that trusts `ca` and offers `alpn`.
async fn connect(
    stage: &Stage,
    ca: &Ca,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem.as_bytes()).expect("a CA")).expect("a root");
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let socket = TcpStream::connect(stage.address).await.expect("a connection");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, socket).await
}

async fn ask(mut stream: TlsStream<TcpStream>) -> String {
    stream.write_all(last("GET", "/a").as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn each_version_and_protocol_is_served() {
    let ca = Ca::new();
    let (stage, _) = stage(&ca.pair("localhost"), Limits::default()).await;
    for (version, expected) in [
        (&rustls::version::TLS13, ProtocolVersion::TLSv1_3),
        (&rustls::version::TLS12, ProtocolVersion::TLSv1_2),
    ] {
        for (alpn, agreed) in
            [(&["http/1.1"][..], Some("http/1.1")), (&["h2", "http/1.1"], Some("h2")), (&[], None)]
        {
            let stream = connect(&stage, &ca, &[version], alpn).await.expect("a handshake");
            let (_, session) = stream.get_ref();
            assert_eq!(session.protocol_version(), Some(expected));
            assert_eq!(session.alpn_protocol(), agreed.map(str::as_bytes), "{alpn:?}");
            if agreed == Some("h2") {
                let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
                tokio::spawn(connection);
                let request =
                    http::Request::get("https://localhost/a").body(()).expect("a request");
                let (answer, _) = client.send_request(request, true).expect("sent");
                assert_eq!(soon("an answer", answer).await.expect("answered").status(), 403);
            } else {
                let answer = soon("an answer", ask(stream)).await;
                assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
            }
        }
    }
}

#[tokio::test]
async fn a_pair_is_replaced_while_serving_and_a_bad_one_is_not_taken() {
    let (old, new) = (Ca::new(), Ca::new());
    let pair = old.pair("localhost");
    let (stage, tls) = stage(&pair, Limits::default()).await;
    let versions: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
    let other_key = TlsPair { key: new.pair("localhost").key, ..pair.clone() };
    for (row, bad) in [
        ("the key of another certificate", other_key),
        ("no certificate", TlsPair { certificate: Vec::new(), ..pair.clone() }),
        ("no key", TlsPair { key: b"nonsense".to_vec(), ..pair.clone() }),
        (
            "a certificate that is none",
            TlsPair {
                certificate: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
                    .to_vec(),
                ..pair.clone()
            },
        ),
    ] {
        assert!(tls.replace(&bad).is_err() && ClientTls::new(&bad).is_err(), "{row}");
        let stream = connect(&stage, &old, versions, &[]).await.expect("still served");
        assert!(ask(stream).await.starts_with("HTTP/1.1 403 "), "{row}");
    }
    let kept = connect(&stage, &old, versions, &[]).await.expect("a handshake");
    tls.replace(&new.pair("localhost")).expect("a good pair");
    assert!(connect(&stage, &old, versions, &[]).await.is_err(), "the old one is not shown");
    assert!(ask(connect(&stage, &new, versions, &[]).await.expect("new")).await.contains(" 403 "));
    assert!(ask(kept).await.contains(" 403 "), "a connection keeps what it began with");
}

#[tokio::test]
async fn who_does_not_shake_hands_is_cut_off() {
    let limits = Limits { head_timeout: Duration::from_millis(200), ..Limits::default() };
    let (mut stage, _) = stage(&Ca::new().pair("localhost"), limits).await;
    let mut silent = TcpStream::connect(stage.address).await.expect("a connection");
    let mut read = Vec::new();
    soon("the end", silent.read_to_end(&mut read)).await.ok();
    assert_eq!(read, b"", "nothing is said to who says nothing");
    let plain = say(stage.address, last("GET", "/a")).await;
    assert!(!plain.starts_with("HTTP/"), "no answer in the clear: {plain}");
    assert_eq!(stage.heard(), None, "no request reached the policy");
}

#[tokio::test]
async fn clients_that_say_nothing_take_no_place_of_others() {
    let ca = Ca::new();
    let limits = Limits { head_timeout: Duration::from_mins(1), ..Limits::default() };
    let (stage, _) = stage(&ca.pair("localhost"), limits).await;
    let mut silent = Vec::new();
    // More than there are places for handshakes.
    for _ in 0..300 {
        silent.push(TcpStream::connect(stage.address).await.expect("a connection"));
    }
    let versions = &[&rustls::version::TLS13];
    let served =
        soon("a handshake", connect(&stage, &ca, versions, &[])).await.expect("a handshake");
    assert!(soon("an answer", ask(served)).await.starts_with("HTTP/1.1 403"));
    drop(silent);
}
