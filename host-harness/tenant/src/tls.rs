//! TLS for a tenant on this machine: certificates that are made anew with each start, and whose keys no file holds.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

/// A certificate for `localhost`, good for a day, and the CA that signed it. The CA can sign for no other host name than `localhost` and those below it,
/// and its key is gone once it has signed.
#[derive(Clone)]
pub struct LocalTls {
    pub(crate) acceptor: TlsAcceptor,
    ca_pem: String,
}

/// Why there is no certificate.
#[derive(Debug)]
pub struct LocalTlsError(String);

/// How long both are good. A client that keeps the CA gains nothing by it afterwards.
const VALID: Duration = Duration::from_hours(24);

/// How far a client's clock may be behind.
const BACKDATED: Duration = Duration::from_mins(5);

/// The name in the certificate.
const HOST: &str = "localhost";

impl LocalTls {
    /// A new CA and a certificate by it.
    ///
    /// # Errors
    ///
    /// The system gives no randomness.
    pub fn new() -> Result<Self, LocalTlsError> {
        let (ca, ca_pem) = authority()?;
        let mut params = dated(vec![HOST.to_owned()])?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &ca)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|why| LocalTlsError(why.to_owned()))?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), ca_pem })
    }

    /// The CA's certificate, for a client to be given as the one CA that it believes.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }
}

fn authority() -> Result<(Issuer<'static, KeyPair>, String), LocalTlsError> {
    let mut params = dated(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "linkgate tenant, for a day");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    // RFC 5280, section 4.2.1.10.
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName(HOST.to_owned())],
        excluded_subtrees: Vec::new(),
    });
    let key = KeyPair::generate()?;
    let pem = params.self_signed(&key)?.pem();
    Ok((Issuer::new(params, key), pem))
}

fn dated(names: Vec<String>) -> Result<CertificateParams, LocalTlsError> {
    let mut params = CertificateParams::new(names)?;
    let now = SystemTime::now();
    params.not_before = (now - BACKDATED).into();
    params.not_after = (now + VALID).into();
    Ok(params)
}

impl fmt::Debug for LocalTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalTls").finish_non_exhaustive()
    }
}

impl From<rcgen::Error> for LocalTlsError {
    fn from(error: rcgen::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rustls::Error> for LocalTlsError {
    fn from(error: rustls::Error) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for LocalTlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot make a certificate: {}", self.0)
    }
}

impl std::error::Error for LocalTlsError {}
