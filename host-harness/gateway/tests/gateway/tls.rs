//! An upstream over TLS: whom the gateway believes, and what a failed handshake is.

use std::num::NonZeroUsize;
use std::sync::Arc;

use linkgate_gateway::{
    AnswerHead, CaSource, Event, Failure, Gateway, Head, Limits, StartError, Step, TlsPair, Trap,
    Upstream,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::script::{Note, Stage, forward_then_relay};
use crate::wire::{last, nobody, say};

#[expect(clippy::unnecessary_wraps, reason = "the form of a script that may trap")]
fn play(head: &Head, events: &[Event]) -> Result<Step, Trap> {
    Ok(forward_then_relay(head, events))
}

#[tokio::test]
async fn a_certificate_is_checked_before_a_byte_of_the_request_leaves() {
    let ours = Ca::new();
    let valid = (2020, 4000);
    let sent = Event::Forwarded(Ok(AnswerHead { status: 201, headers: vec![] }));
    let not_sent = Event::Forwarded(Err(Failure::NotSent));
    for (name, signer, certified, (from, until), expected) in [
        ("good", &ours, "127.0.0.1", valid, &sent),
        ("wrong name", &ours, "tenant.test", valid, &not_sent),
        ("untrusted CA", &Ca::new(), "127.0.0.1", valid, &not_sent),
        ("expired", &ours, "127.0.0.1", (2020, 2021), &not_sent),
        ("not valid yet", &ours, "127.0.0.1", (3000, 4000), &not_sent),
    ] {
        let port = serve_tls(signer.certify(certified, from, until)).await;
        let upstream: Upstream = format!("https://127.0.0.1:{port}").parse().expect("an upstream");
        let upstream = upstream.trusting(CaSource::Pem(ours.pem.clone().into_bytes()));
        let mut stage = Stage::of(NonZeroUsize::MIN, upstream, Limits::default(), play).await;
        let answer = say(stage.address, last("POST", "/a")).await;
        stage.head().await;
        assert_eq!(stage.event().await, *expected, "{name}: {answer}");
        if expected == &sent {
            assert!(answer.ends_with("over tls"), "{answer}");
        }
    }
}

#[tokio::test]
async fn an_upstream_that_speaks_no_tls_is_not_sent_to() {
    let plain = crate::wire::Upstream::bind().await;
    let upstream: Upstream = format!("https://{}", plain.address).parse().expect("an upstream");
    let upstream = upstream.trusting(CaSource::Pem(Ca::new().pem.into_bytes()));
    let mut stage = Stage::of(NonZeroUsize::MIN, upstream, Limits::default(), play).await;
    let server = async {
        let mut server = plain.accept().await;
        server.send("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        assert!(!server.rest().await.contains("POST"), "a request left in the clear");
    };
    let (answer, ()) = tokio::join!(say(stage.address, last("POST", "/a")), server);
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    stage.head().await;
    stage.hears(Note::Event(Event::Forwarded(Err(Failure::NotSent)))).await;
}

#[tokio::test]
async fn a_ca_that_is_none_is_told_before_anything_listens() {
    for (ca, expected) in [
        (CaSource::Pem(b"nonsense".to_vec()), "the PEM text holds no certificate in PEM form"),
        (CaSource::File("/nowhere/ca.pem".into()), "cannot read `/nowhere/ca.pem`: "),
    ] {
        let upstream: Upstream =
            format!("https://{}", nobody().await).parse().expect("an upstream");
        let make = || -> Result<crate::script::Script, StartError> { panic!("not needed") };
        let built = Gateway::with_evaluators(
            make,
            NonZeroUsize::MIN,
            upstream.trusting(ca),
            Limits::default(),
            |_: linkgate_gateway::Decision, _: &linkgate_gateway::Timings| {},
        );
        let Err(error) = built else { panic!("a gateway was built") };
        let error = error.to_string();
        assert!(error.starts_with("cannot speak TLS: "), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

/// A certificate authority of the test's own.
pub(crate) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Ca {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for `name`, and its key.
    pub(crate) fn pair(&self, name: &str) -> TlsPair {
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        TlsPair { certificate: certificate.pem().into(), key: key.serialize_pem().into() }
    }

    /// A server that shows a certificate for `name`, valid between two years.
    pub(crate) fn certify(&self, name: &str, from: i32, until: i32) -> ServerConfig {
        self.certify_as(name, from, until, IsCa::NoCa)
    }

    /// The same, as a CA or not: `openssl req -x509` makes a CA of every certificate.
    pub(crate) fn certify_as(
        &self,
        name: &str,
        from: i32,
        until: i32,
        is_ca: IsCa,
    ) -> ServerConfig {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        params.is_ca = is_ca;
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a certificate with its key")
    }
}

/// Answers one request of 22 bytes of body, if its client gets that far.
pub(crate) async fn serve_tls(config: ServerConfig) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.expect("a connection");
        let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(socket).await else {
            return;
        };
        let mut request = Vec::new();
        while !request.ends_with(br#"{"link_with":"theirs"}"#) {
            if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let answer = "HTTP/1.1 201 Created\r\ncontent-length: 8\r\n\r\nover tls";
        stream.write_all(answer.as_bytes()).await.ok();
        stream.shutdown().await.ok();
    });
    port
}
