//! Certificates and keys, from PEM files; the names in a certificate.

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fs;
use std::path::Path;

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

/// The authorities that clients are checked against: of a file, of all files of a directory, or of both.
///
/// # Errors
/// Something cannot be read, or there is no authority in it.
pub(super) fn authorities(file: &str, directory: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if !file.is_empty() {
        for certificate in chain(file)? {
            roots.add(certificate).map_err(|e| format!("Failed to configure CA certificate: {file}: {e}"))?;
        }
    }
    if !directory.is_empty() {
        add_directory(directory, &mut roots)?;
    }
    if roots.is_empty() {
        Err("There is no CA certificate in what tls-ca-cert-file and tls-ca-cert-dir name".into())
    } else {
        Ok(roots)
    }
}

/// A directory may hold other things than certificates: those are left.
fn add_directory(directory: &str, roots: &mut RootCertStore) -> Result<(), String> {
    let entries = fs::read_dir(directory).map_err(|e| format!("Failed to read tls-ca-cert-dir: {directory}: {e}"))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    for path in paths {
        match path.to_str().map(chain) {
            Some(Ok(found)) => drop(roots.add_parsable_certificates(found)),
            _ => log::debug!("No certificate in {}", path.display()),
        }
    }
    Ok(())
}

/// When a file was last changed, as far as the file system knows; files that are not named are always the same.
pub(super) fn changed(path: &str) -> Option<std::time::SystemTime> {
    fs::metadata(Path::new(path)).and_then(|data| data.modified()).ok()
}
