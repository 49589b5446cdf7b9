//! TLS towards the upstream and towards issuers: a certificate is checked against its name, always.

use std::error::Error;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::StartError;

/// Whose certificates another's may be signed by, in place of the system's roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaSource {
    /// A PEM file of certificates, read when the gateway is built.
    File(PathBuf),
    /// The text of one.
    Pem(Vec<u8>),
}

/// What is trusted, read once.
pub(crate) struct Roots {
    connector: TlsConnector,
}

impl Roots {
    /// Reads the roots: `ca`, or those of the system. A server is offered `protocols` (RFC 7301), the first before the
    /// others.
    pub(crate) fn read(ca: Option<&CaSource>, protocols: &[&[u8]]) -> Result<Self, StartError> {
        let roots = ca.map_or_else(of_the_system, given)?;
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
                .map_err(|error| StartError::Trust(error.to_string()))?
                .with_root_certificates(roots)
                .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)) })
    }

    /// What it takes to speak TLS with `host`.
    pub(crate) fn tls(&self, host: &str) -> Result<Tls, StartError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_invalid| StartError::Trust(format!("`{host}` is no name for TLS")))?;
        Ok(Tls { connector: self.connector.clone(), name })
    }
}

/// HTTP/1.1 as ALPN has it (RFC 7301 section 6).
pub(crate) const HTTP_1: &[u8] = b"http/1.1";

/// HTTP/2 over TLS as ALPN has it (RFC 9113 section 3.1).
pub(crate) const HTTP_2: &[u8] = b"h2";

/// What it takes to speak TLS with one host.
pub(crate) struct Tls {
    connector: TlsConnector,
    /// Sent as SNI (RFC 6066 section 3) unless it is an address, and checked (RFC 9525) in any case.
    name: ServerName<'static>,
}

impl Tls {
    /// Shakes hands on `socket`. No byte of a request has left when this fails.
    pub(crate) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: S,
    ) -> io::Result<TlsStream<S>> {
        self.connector.connect(self.name.clone(), socket).await
    }
}

/// Whether the server chose HTTP/2. One that knows no ALPN speaks HTTP/1.1.
pub(crate) fn is_http2<S>(stream: &TlsStream<S>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP_2)
}

/// Whether a server shows the certificate of a CA as its own. The library has no name of its own for it.
pub(crate) fn is_of_a_ca(flaw: &CertificateError) -> bool {
    format!("{flaw:?}").contains(CA_AS_SERVER)
}

/// An error in words; of a server with the certificate of a CA in words of ours.
pub(crate) fn in_words(error: &dyn Error) -> String {
    let text = error.to_string();
    if text.contains(CA_AS_SERVER) { OF_A_CA.to_owned() } else { text }
}

/// As the library has it in its text.
const CA_AS_SERVER: &str = "CaUsedAsEndEntity";

/// What to make instead: `openssl req -x509` makes a CA unless it is asked for another.
pub(crate) const OF_A_CA: &str = "expected a certificate of a server, found that of a CA (`CA:TRUE`): make one with `basicConstraints=CA:FALSE`, signed by that CA, and give the CA alone by `--ca`";

fn given(ca: &CaSource) -> Result<RootCertStore, StartError> {
    let (name, pem) = match ca {
        CaSource::File(path) => {
            let name = format!("`{}`", path.display());
            let pem = fs::read(path)
                .map_err(|error| StartError::Trust(format!("cannot read {name}: {error}")))?;
            (name, pem)
        }
        CaSource::Pem(pem) => ("the PEM text".to_owned(), pem.clone()),
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let added = certificate
            .map_err(|error| format!("{error:?}"))
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        added.map_err(|why| {
            StartError::Trust(format!("{name} holds a certificate that is none: {why}"))
        })?;
    }
    if roots.is_empty() {
        return Err(StartError::Trust(format!("{name} holds no certificate in PEM form")));
    }
    Ok(roots)
}

/// One bad certificate among a system's many is passed over; none at all is an error.
fn of_the_system() -> Result<RootCertStore, StartError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _unusable) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = "the system has no usable root certificates: give a CA";
        return Err(StartError::Trust(why.to_owned()));
    }
    Ok(roots)
}
