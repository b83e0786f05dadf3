//! TLS of the relay itself, for those that run it without a proxy.

use std::path::PathBuf;
use std::sync::Arc;

use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file has no certificate or no private key.
    #[error("cannot read {path}: {error}; it must be a PEM file")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: pem::Error,
    },
    /// The certificate and the key cannot be used together.
    #[error("cannot use the certificate in {cert} with the private key in {key}: {error}")]
    Pair {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What is wrong.
        error: rustls::Error,
    },
}

/// A certificate chain and its private key. Clones share them.
#[derive(Clone)]
pub struct Tls {
    cert: PathBuf,
    key: PathBuf,
    current: RustlsConfig,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tls").field("cert", &self.cert).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads PEM files with the certificate chain and the private key.
    ///
    /// # Errors
    /// A [`TlsError`] that names the file.
    pub fn open(cert: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let current = RustlsConfig::from_config(read(&cert, &key)?);
        Ok(Self { cert, key, current })
    }

    /// Reads the files again, for the connections from now on. After an error, the previous certificate stays in use.
    /// It reads files, so it blocks.
    ///
    /// # Errors
    /// As [`Tls::open`].
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.reload_from_config(read(&self.cert, &self.key)?);
        Ok(())
    }

    pub(crate) fn acceptor<A>(&self, inner: A) -> RustlsAcceptor<A> {
        RustlsAcceptor::new(self.current.clone()).acceptor(inner)
    }
}

fn read(cert: &PathBuf, key: &PathBuf) -> Result<Arc<ServerConfig>, TlsError> {
    let file = |path: &PathBuf, error| TlsError::File { path: path.to_owned(), error };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| file(cert, error))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| file(key, error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private));
    let (cert, key) = (cert.to_owned(), key.to_owned());
    let mut config = config.map_err(|error| TlsError::Pair { cert, key, error })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
