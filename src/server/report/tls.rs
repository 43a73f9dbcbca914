//! INFO tls, as Valkey 9.1 has it: which certificates are in use, and how long they hold. This server is never the client of another one,
//! and so has no client's certificate.

use super::{Sample, Statistic, Value};
use crate::server::Server;
use crate::server::certificates::{CertificateFacts, Certificates};

pub(super) const ROWS: &[Statistic] = &[
    Statistic::new("tls_server_cert_serial", |s| serial(s.certificates.server.as_ref())),
    Statistic::new("tls_server_cert_expires_in_seconds", |s| seconds_left(s, s.certificates.server.as_ref())),
    Statistic::new("tls_client_cert_serial", |_| serial(None)),
    Statistic::zero("tls_client_cert_expires_in_seconds"),
    Statistic::new("tls_ca_cert_serial", |s| serial(s.certificates.authority.as_ref())),
    Statistic::new("tls_ca_cert_expires_in_seconds", |s| seconds_left(s, s.certificates.authority.as_ref())),
    Statistic::unlisted(certificates)
        .gauge("tls_certificate_expires_seconds", "When a certificate in use expires, in seconds since 1970."),
];

/// Those that there are: an alert must not take a server without TLS for one whose certificate has expired.
fn certificates(server: &Server) -> Value {
    let Certificates { server: own, authority } = &server.certificates;
    let sample = |(of, facts): (&str, &Option<CertificateFacts>)| {
        let labels = vec![("of", of.to_string())];
        facts.as_ref().map(|facts| Sample { labels, value: facts.until_seconds as f64 })
    };
    Value::Samples([("server", own), ("authority", authority)].into_iter().filter_map(sample).collect())
}

fn serial(certificate: Option<&CertificateFacts>) -> Value {
    Value::text(certificate.map_or("none", |certificate| &certificate.serial))
}

fn seconds_left(server: &Server, certificate: Option<&CertificateFacts>) -> Value {
    let now_seconds = (server.time.wall_us / 1_000_000) as i64;
    Value::Count(certificate.map_or(0, |certificate| (certificate.until_seconds - now_seconds).max(0) as u64))
}
