//! Encrypted connections.

use super::prelude::*;

/// The topic "TLS".
pub(crate) const TOPIC: Topic = Topic {
    title: "TLS",
    intro: "This build has no TLS: a `tls-port` other than 0 is refused, the rest is kept for the day it has. Put \
            a TLS proxy (stunnel, HAProxy, ghostunnel) in front meanwhile.",
    directives: DIRECTIVES,
};

const NO_TLS: &str = "this build has no TLS";

const DIRECTIVES: &[Directive] = &[
    Directive::integer("tls-port", int!(tls_port), 0, PORT_MAX, "0")
        .refused(NO_TLS)
        .doc("TCP port for TLS clients; 0 means none."),
    path("tls-cert-file", text!(tls_cert_file)).doc("Certificate of the server, PEM."),
    path("tls-key-file", text!(tls_key_file)).doc("Private key that belongs to `tls-cert-file`, PEM."),
    Directive::secret("tls-key-file-pass", secret!(tls_key_file_pass))
        .no_effect(NO_TLS)
        .doc("Passphrase of `tls-key-file`."),
    path("tls-client-cert-file", text!(tls_client_cert_file))
        .doc("Certificate shown when this server is the client (replication)."),
    path("tls-client-key-file", text!(tls_client_key_file)).doc("Private key that belongs to `tls-client-cert-file`."),
    Directive::secret("tls-client-key-file-pass", secret!(tls_client_key_file_pass))
        .no_effect(NO_TLS)
        .doc("Passphrase of `tls-client-key-file`."),
    path("tls-dh-params-file", text!(tls_dh_params_file)).doc("Diffie-Hellman parameters for old clients."),
    path("tls-ca-cert-file", text!(tls_ca_cert_file))
        .doc("Certificates of the authorities that peers are checked against."),
    path("tls-ca-cert-dir", text!(tls_ca_cert_dir)).doc("Directory of such certificates, by hash."),
    Directive::choice("tls-auth-clients", choice!(tls_auth_clients), "yes")
        .no_effect(NO_TLS)
        .doc("Whether a client must show a certificate."),
    Directive::choice("tls-auth-clients-user", choice!(tls_auth_clients_user), "off")
        .no_effect(NO_TLS)
        .doc("Field of the client's certificate that names its ACL user (Valkey)."),
    Directive::integer("tls-auto-reload-interval", int!(tls_auto_reload_interval_seconds), 0, INT_MAX, "0")
        .seconds()
        .no_effect(NO_TLS)
        .doc("How often certificates are read again; 0 never (Valkey)."),
    Directive::boolean("tls-replication", flag!(tls_replication), "no")
        .no_effect(NO_TLS)
        .doc("Uses TLS towards the primary."),
    Directive::boolean("tls-cluster", flag!(tls_cluster), "no").no_effect(NO_TLS).doc("Uses TLS on the cluster bus."),
    path("tls-protocols", text!(tls_protocols))
        .doc("Versions to offer, as in `\"TLSv1.2 TLSv1.3\"`; empty means the safe ones."),
    path("tls-ciphers", text!(tls_ciphers)).doc("Ciphers of TLS 1.2 and below, in OpenSSL's notation."),
    path("tls-ciphersuites", text!(tls_ciphersuites)).doc("Cipher suites of TLS 1.3."),
    Directive::boolean("tls-prefer-server-ciphers", flag!(tls_prefer_server_ciphers), "no")
        .no_effect(NO_TLS)
        .doc("The server's order of ciphers wins over the client's."),
    Directive::boolean("tls-session-caching", flag!(tls_session_caching), "yes")
        .no_effect(NO_TLS)
        .doc("Lets clients resume sessions."),
    Directive::integer("tls-session-cache-size", int!(tls_session_cache_size), 0, INT_MAX, "20480")
        .no_effect(NO_TLS)
        .doc("Sessions kept; 0 means no limit."),
    Directive::integer("tls-session-cache-timeout", int!(tls_session_cache_timeout_seconds), 0, INT_MAX, "300")
        .seconds()
        .no_effect(NO_TLS)
        .doc("How long a session can be resumed."),
    Directive::integer("max-new-tls-connections-per-cycle", int!(max_new_tls_connections_per_cycle), 1, 1000, "1")
        .no_effect(NO_TLS)
        .doc("TLS connections accepted in one turn of the loop."),
];

const fn path(name: &'static str, field: TextField) -> Directive {
    Directive::optional_text(name, field, "").no_effect(NO_TLS)
}
