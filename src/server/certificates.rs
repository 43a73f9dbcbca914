//! The certificates that connections with TLS are set up with, as far as INFO tells of them. Who reads them (`net`) says what they are.

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Its serial number, in upper-case hexadecimal digits.
    pub serial: String,
    /// When it ends, in seconds since 1970.
    pub until_seconds: i64,
}

/// Those in use; none while there is no port for TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    /// What clients are shown.
    pub server: Option<CertificateFacts>,
    /// Of the authorities that clients are checked against, the one that ends first.
    pub authority: Option<CertificateFacts>,
}
