//! What a configuration makes of TLS: certificates, versions, suites, who must show a certificate.

use super::certificates::Authorities;
use super::stream::TlsStream;
use super::version_1::ClientVerifier;
use super::x509::Certificate;
use super::{certificates, sessions, suites};
use crate::server::certificates::Certificates;
use crate::server::config::{Config, TlsAuthClients};
use mio::net::TcpStream;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What new connections are set up with.
#[derive(Clone)]
pub struct Context {
    config: Arc<ServerConfig>,
    certificates: Certificates,
    /// The files it was made of, and when they had last been changed.
    files: Vec<(PathBuf, Option<SystemTime>)>,
    names: Vec<String>,
}

impl Context {
    /// Reads the files that a configuration names.
    ///
    /// # Errors
    /// What is missing or cannot be read, in a sentence for the log.
    pub fn new(config: &Config) -> Result<Context, String> {
        if config.tls_cert_file.is_empty() {
            return Err("No tls-cert-file configured!".into());
        }
        if config.tls_key_file.is_empty() {
            return Err("No tls-key-file configured!".into());
        }
        let names = [&config.tls_cert_file, &config.tls_key_file, &config.tls_ca_cert_file, &config.tls_ca_cert_dir];
        let names: Vec<String> = names.into_iter().filter(|name| !name.is_empty()).cloned().collect();
        let files = certificates::files(&names);
        let provider = CryptoProvider {
            cipher_suites: suites::suites(&config.tls_ciphers, &config.tls_ciphersuites)?,
            ..ring::default_provider()
        };
        let provider = Arc::new(provider);
        let certified = certified_key(config, &provider)?;
        let failed = |e: rustls::Error| format!("Failed to configure TLS: {e}");
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&suites::versions(&config.tls_protocols)?)
            .map_err(failed)?;
        let authorities = authorities(config)?;
        let certificates = Certificates {
            server: certificates::facts(&certified.cert[0]),
            authority: authorities.as_ref().and_then(|authorities| authorities.facts.clone()),
        };
        let mut made = match authorities {
            Some(authorities) => builder.with_client_cert_verifier(verifier(config, authorities.roots, provider)?),
            None => builder.with_no_client_auth(),
        }
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        made.ignore_client_order = config.tls_prefer_server_ciphers;
        made.session_storage = if config.tls_session_caching {
            let lifetime = Duration::from_secs(u64::from(config.tls_session_cache_timeout_seconds));
            Arc::new(sessions::Sessions::new(config.tls_session_cache_size as usize, lifetime))
        } else {
            Arc::new(NoServerSessionStorage {})
        };
        if !config.tls_session_caching {
            made.send_tls13_tickets = 0;
        }
        Ok(Context { config: Arc::new(made), certificates, files, names })
    }

    /// Which certificates these are.
    pub fn certificates(&self) -> Certificates {
        self.certificates.clone()
    }

    /// Whether a file has changed since it was read.
    pub fn is_outdated(&self) -> bool {
        certificates::files(&self.names) != self.files
    }

    /// A stream over a socket that has just been accepted. The handshake goes on with what is read and written.
    pub fn accept(&self, socket: TcpStream) -> io::Result<TlsStream> {
        let session = ServerConnection::new(self.config.clone()).map_err(io::Error::other)?;
        Ok(TlsStream::new(socket, session))
    }
}

/// The chain that the server shows, and the key that belongs to its first certificate. Whether it does is looked at here: rustls would
/// have to understand the certificate, and there are some that it does not.
fn certified_key(config: &Config, provider: &CryptoProvider) -> Result<CertifiedKey, String> {
    let chain = certificates::chain(&config.tls_cert_file)?;
    let key = certificates::key(&config.tls_key_file, config.tls_key_file_pass.expose())?;
    let failed = |why: &dyn std::fmt::Display| format!("Failed to load private key: {}: {why}", config.tls_key_file);
    let key = provider.key_provider.load_private_key(key).map_err(|e| failed(&e))?;
    let shown = Certificate::read(&chain[0])
        .ok_or_else(|| format!("Failed to load certificate: {}: there is none in it", config.tls_cert_file))?;
    if key.public_key().is_some_and(|own| own.as_ref() != shown.key) {
        return Err(failed(&"it belongs to another certificate"));
    }
    Ok(CertifiedKey::new(chain, key))
}

/// Who signs the clients' certificates; `None`: nobody looks at those.
fn authorities(config: &Config) -> Result<Option<Authorities>, String> {
    if config.tls_auth_clients == TlsAuthClients::No {
        return Ok(None);
    }
    if config.tls_ca_cert_file.is_empty() && config.tls_ca_cert_dir.is_empty() {
        return Err(
            "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-auth-clients is enabled!".into()
        );
    }
    Authorities::of(&config.tls_ca_cert_file, &config.tls_ca_cert_dir).map(Some)
}

/// Who checks the clients' certificates.
fn verifier(
    config: &Config,
    authorities: RootCertStore,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let authorities = Arc::new(authorities);
    let algorithms = provider.signature_verification_algorithms;
    let builder = WebPkiClientVerifier::builder_with_provider(authorities.clone(), provider);
    let builder = match config.tls_auth_clients {
        TlsAuthClients::Optional => builder.allow_unauthenticated(),
        _ => builder,
    };
    let others = builder.build().map_err(|e| format!("Failed to configure CA certificates: {e}"))?;
    Ok(Arc::new(ClientVerifier { others, authorities, algorithms }))
}
