//! INFO tls, as Valkey 9.1 has it: which certificates are in use, and how long they hold. This server is never the client of another one,
//! and so has no client's certificate.

use super::{Statistic, Value};
use crate::server::Server;
use crate::server::certificates::CertificateFacts;

pub(super) const ROWS: &[Statistic] = &[
    Statistic::new("tls_server_cert_serial", |s| serial(s.certificates.server.as_ref())),
    Statistic::new("tls_server_cert_expires_in_seconds", |s| seconds_left(s, s.certificates.server.as_ref()))
        .gauge("tls_certificate_left_seconds", "Seconds until the certificate that clients are shown expires."),
    Statistic::new("tls_client_cert_serial", |_| serial(None)),
    Statistic::zero("tls_client_cert_expires_in_seconds"),
    Statistic::new("tls_ca_cert_serial", |s| serial(s.certificates.authority.as_ref())),
    Statistic::new("tls_ca_cert_expires_in_seconds", |s| seconds_left(s, s.certificates.authority.as_ref()))
        .gauge("tls_authority_left_seconds", "Seconds until the first of the authorities' certificates expires."),
];

fn serial(certificate: Option<&CertificateFacts>) -> Value {
    Value::text(certificate.map_or("none", |certificate| &certificate.serial))
}

fn seconds_left(server: &Server, certificate: Option<&CertificateFacts>) -> Value {
    let now_seconds = (server.time.wall_us / 1_000_000) as i64;
    Value::Count(certificate.map_or(0, |certificate| (certificate.until_seconds - now_seconds).max(0) as u64))
}
