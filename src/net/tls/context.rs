//! What a configuration makes of TLS: certificates, versions, suites, who must show a certificate.

use super::stream::TlsStream;
use super::{certificates, sessions, suites};
use crate::server::config::{Config, TlsAuthClients};
use mio::net::TcpStream;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ServerConfig, ServerConnection};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What new connections are set up with.
#[derive(Clone)]
pub struct Context {
    config: Arc<ServerConfig>,
    /// The files it was made of, and when they had last been changed.
    files: Vec<(String, Option<SystemTime>)>,
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
        let files = names.into_iter().filter(|name| !name.is_empty());
        let files = files.map(|name| (name.clone(), certificates::changed(name))).collect();
        let provider = CryptoProvider {
            cipher_suites: suites::suites(&config.tls_ciphers, &config.tls_ciphersuites)?,
            ..ring::default_provider()
        };
        let provider = Arc::new(provider);
        let chain = certificates::chain(&config.tls_cert_file)?;
        let key = certificates::key(&config.tls_key_file, config.tls_key_file_pass.expose())?;
        let failed = |e: rustls::Error| format!("Failed to configure TLS: {e}");
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&suites::versions(&config.tls_protocols)?)
            .map_err(failed)?;
        let mut made = match verifier(config, provider)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        }
        .with_single_cert(chain, key)
        .map_err(|e| format!("Failed to load private key: {}: {e}", config.tls_key_file))?;
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
        Ok(Context { config: Arc::new(made), files })
    }

    /// Whether a file has changed since it was read.
    pub fn is_outdated(&self) -> bool {
        self.files.iter().any(|(name, changed)| certificates::changed(name) != *changed)
    }

    /// A stream over a socket that has just been accepted. The handshake goes on with what is read and written.
    pub fn accept(&self, socket: TcpStream) -> io::Result<TlsStream> {
        let session = ServerConnection::new(self.config.clone()).map_err(io::Error::other)?;
        Ok(TlsStream::new(socket, session))
    }
}

/// Who checks the clients' certificates; `None`: nobody does.
fn verifier(config: &Config, provider: Arc<CryptoProvider>) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
    if config.tls_auth_clients == TlsAuthClients::No {
        return Ok(None);
    }
    if config.tls_ca_cert_file.is_empty() && config.tls_ca_cert_dir.is_empty() {
        return Err(
            "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-auth-clients is enabled!".into()
        );
    }
    let roots = certificates::authorities(&config.tls_ca_cert_file, &config.tls_ca_cert_dir)?;
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match config.tls_auth_clients {
        TlsAuthClients::Optional => builder.allow_unauthenticated(),
        _ => builder,
    };
    builder.build().map(Some).map_err(|e| format!("Failed to configure CA certificates: {e}"))
}
