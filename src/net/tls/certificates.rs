//! Certificates and keys, from PEM files; what they are, and whether they have changed.

use super::x509::Certificate;
use crate::server::certificates::CertificateFacts;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

/// The certificates of a file, in its order.
///
/// # Errors
/// It cannot be read, or has none.
pub(super) fn chain(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let failed = |why: &dyn std::fmt::Display| format!("Failed to load certificate: {path}: {why}");
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(|e| failed(&e))?.collect();
    let found = found.map_err(|e| failed(&e))?;
    if found.is_empty() { Err(failed(&"there is none in it")) } else { Ok(found) }
}

/// The private key of a file, behind a passphrase if one is given.
///
/// # Errors
/// It cannot be read, or holds no key, or the passphrase does not open it.
pub(super) fn key(path: &str, passphrase: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let failed = |why: &dyn std::fmt::Display| format!("Failed to load private key: {path}: {why}");
    let text = fs::read_to_string(path).map_err(|e| failed(&e))?;
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
        let locked = pkcs8::SecretDocument::from_pem(&text).map_err(|e| failed(&e))?.1;
        let info: pkcs8::EncryptedPrivateKeyInfoRef<'_> = locked.decode_msg().map_err(|e| failed(&e))?;
        let open = info.decrypt(passphrase).map_err(|_| failed(&"the passphrase does not open it"))?;
        return Ok(PrivatePkcs8KeyDer::from(open.as_bytes().to_vec()).into());
    }
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(failed(
            &"keys of OpenSSL's old encrypted form are not read: write it anew with `openssl pkcs8 -topk8`",
        ));
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|e| failed(&e))
}

/// Those who sign clients' certificates.
pub(super) struct Authorities {
    pub roots: RootCertStore,
    /// Of their certificates, the one that ends first.
    pub facts: Option<CertificateFacts>,
}

impl Authorities {
    /// The authorities of a file, of all files of a directory, or of both.
    ///
    /// # Errors
    /// Something cannot be read, or there is no authority in it.
    pub(super) fn of(file: &str, directory: &str) -> Result<Authorities, String> {
        let mut roots = RootCertStore::empty();
        let mut found = Vec::new();
        if !file.is_empty() {
            for certificate in chain(file)? {
                found.push(certificate.clone());
                roots.add(certificate).map_err(|e| format!("Failed to configure CA certificate: {file}: {e}"))?;
            }
        }
        if !directory.is_empty() {
            let paths = files_of(directory).map_err(|e| format!("Failed to read tls-ca-cert-dir: {directory}: {e}"))?;
            for certificate in paths.iter().flat_map(|path| optional_chain(path)) {
                if roots.add(certificate.clone()).is_ok() {
                    found.push(certificate);
                }
            }
        }
        if roots.is_empty() {
            return Err("There is no CA certificate in what tls-ca-cert-file and tls-ca-cert-dir name".into());
        }
        let facts = found.iter().filter_map(|der| facts(der)).min_by_key(|facts| facts.until_seconds);
        Ok(Authorities { roots, facts })
    }
}

/// What INFO tells of a certificate.
pub(super) fn facts(der: &[u8]) -> Option<CertificateFacts> {
    let certificate = Certificate::read(der)?;
    let digits = certificate.serial.iter().skip_while(|byte| **byte == 0).map(|byte| format!("{byte:02X}"));
    Some(CertificateFacts { serial: digits.collect(), until_seconds: certificate.valid_seconds()?.1 })
}

/// The certificates of a file in a directory, which may hold other things: those are left.
fn optional_chain(path: &Path) -> Vec<CertificateDer<'static>> {
    let found = path.to_str().and_then(|path| chain(path).ok());
    found.unwrap_or_else(|| {
        log::debug!("No certificate in {}", path.display());
        Vec::new()
    })
}

fn files_of(directory: &str) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<_> = fs::read_dir(directory)?.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    Ok(paths)
}

/// The files that these names stand for, those in a directory too, and when each was last changed, as far as the file system knows.
pub(super) fn files(names: &[String]) -> Vec<(PathBuf, Option<SystemTime>)> {
    let inside = names.iter().filter_map(|name| files_of(name).ok()).flatten();
    let all = names.iter().map(PathBuf::from).chain(inside);
    let changed = |path: &PathBuf| fs::metadata(path).and_then(|data| data.modified()).ok();
    all.map(|path| (changed(&path), path)).map(|(changed, path)| (path, changed)).collect()
}
