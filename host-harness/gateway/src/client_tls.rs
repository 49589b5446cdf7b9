//! TLS towards clients: a certificate that can be replaced while the gateway serves.
//!
//! TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN. No early data, which could be replayed (RFC 8446 section 8), no log of keys,
//! no client certificates. A connection keeps the certificate that it began with.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{NoKeyLog, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Semaphore;
use tokio::time::{Duration, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::paced::PacedSocket;

/// A certificate chain, the gateway's own first, and its private key, both PEM. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsPair {
    /// `CERTIFICATE` sections.
    pub certificate: Vec<u8>,
    /// One `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY` section.
    pub key: Vec<u8>,
}

/// What it takes to speak TLS with clients.
pub struct ClientTls {
    config: RwLock<Arc<ServerConfig>>,
    handshakes: Semaphore,
}

/// Why a pair cannot be used: a phrase, without a byte of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsPairError(String);

impl ClientTls {
    /// With that pair.
    ///
    /// # Errors
    ///
    /// It is not PEM, or the key is not that of the first certificate.
    pub fn new(pair: &TlsPair) -> Result<Self, TlsPairError> {
        let config = RwLock::new(server_config(pair)?);
        Ok(Self { config, handshakes: Semaphore::new(HANDSHAKES) })
    }

    /// Another pair, for connections from now on.
    ///
    /// # Errors
    ///
    /// As [`ClientTls::new`]; the pair before it stays.
    pub fn replace(&self, pair: &TlsPair) -> Result<(), TlsPairError> {
        let config = server_config(pair)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// Shakes hands once the client has begun to, and there is room for another handshake. The caller bounds the
    /// wait for both: a client that says nothing holds no room.
    pub(crate) async fn accept(&self, socket: PacedSocket) -> io::Result<ClientStream> {
        socket.readable().await?;
        let _room = self.handshakes.acquire().await.map_err(io::Error::other)?;
        let config = Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner));
        let stream = timeout(HANDSHAKE, TlsAcceptor::from(config).accept(socket)).await??;
        Ok(ClientStream::Tls(Box::new(stream)))
    }
}

/// Handshakes at once; more wait. A handshake costs about a millisecond of CPU and some 20 KiB. Raised, a burst of clients
/// takes more of both from requests that are being served.
const HANDSHAKES: usize = 256;

/// From a client's first byte to the end of its handshake: two round trips, and a lost packet sent again. Raised, clients
/// that begin and do not go on hold the room for longer.
const HANDSHAKE: Duration = Duration::from_secs(5);

fn server_config(pair: &TlsPair) -> Result<Arc<ServerConfig>, TlsPairError> {
    let wrong = |why: &str| TlsPairError(why.to_owned());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pair.certificate)
        .collect::<Result<_, _>>()
        .map_err(|_| wrong("the certificate file is not PEM"))?;
    if chain.is_empty() {
        return Err(wrong("the certificate file holds no certificate in PEM form"));
    }
    // The library's own error could quote what it found.
    let key = PrivateKeyDer::from_pem_slice(&pair.key)
        .map_err(|_| wrong("the key file holds no private key in PEM form"))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| TlsPairError(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.max_early_data_size = 0;
    config.key_log = Arc::new(NoKeyLog);
    Ok(Arc::new(config))
}

/// A client's connection, with TLS or without.
pub(crate) enum ClientStream {
    Plain(PacedSocket),
    /// Boxed, so that a plain connection which says nothing does not pay for it.
    Tls(Box<TlsStream<PacedSocket>>),
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, out),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, out),
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, parts),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl fmt::Debug for TlsPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsPair").finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").finish_non_exhaustive()
    }
}

impl fmt::Display for TlsPairError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsPairError {}
