//! Encrypted connections.

use super::prelude::*;

/// The topic "TLS".
pub(crate) const TOPIC: Topic = Topic {
    title: "TLS",
    intro: "A change holds for connections that come after it, and so does a new file of certificates once it is read: at SIGHUP, at \
            CONFIG SET of any of these, or by itself with `tls-auto-reload-interval`. TLS 1.2 and 1.3 are offered. A build without \
            the feature `tls` refuses a `tls-port` other than 0.",
    directives: DIRECTIVES,
};

const NO_CLIENT: &str = "this server is never the client of another one";
const NO_DHE: &str = "there are no cipher suites with finite-field Diffie-Hellman";

const DIRECTIVES: &[Directive] = &[
    Directive::integer("tls-port", int!(tls_port), 0, PORT_MAX, "0").doc("TCP port for TLS clients; 0 means none."),
    file("tls-cert-file", text!(tls_cert_file)).doc("Certificate of the server, PEM."),
    file("tls-key-file", text!(tls_key_file)).doc("Private key that belongs to `tls-cert-file`, PEM."),
    Directive::secret("tls-key-file-pass", secret!(tls_key_file_pass)).doc("Passphrase of `tls-key-file`."),
    text("tls-client-cert-file", text!(tls_client_cert_file))
        .no_effect(NO_CLIENT)
        .doc("Certificate shown when this server is the client (replication)."),
    text("tls-client-key-file", text!(tls_client_key_file))
        .no_effect(NO_CLIENT)
        .doc("Private key that belongs to `tls-client-cert-file`."),
    Directive::secret("tls-client-key-file-pass", secret!(tls_client_key_file_pass))
        .no_effect(NO_CLIENT)
        .doc("Passphrase of `tls-client-key-file`."),
    text("tls-dh-params-file", text!(tls_dh_params_file))
        .no_effect(NO_DHE)
        .doc("Diffie-Hellman parameters for old clients."),
    file("tls-ca-cert-file", text!(tls_ca_cert_file))
        .doc("Certificates of the authorities that peers are checked against."),
    file("tls-ca-cert-dir", text!(tls_ca_cert_dir)).doc("Directory of such certificates, by hash."),
    Directive::choice("tls-auth-clients", choice!(tls_auth_clients), "yes")
        .doc("Whether a client must show a certificate."),
    Directive::choice("tls-auth-clients-user", choice!(tls_auth_clients_user), "off")
        .doc("Field of the client's certificate that names its ACL user (Valkey)."),
    Directive::integer("tls-auto-reload-interval", int!(tls_auto_reload_interval_seconds), 0, INT_MAX, "0")
        .seconds()
        .doc("How often certificates are read again; 0 never (Valkey)."),
    Directive::boolean("tls-replication", flag!(tls_replication), "no")
        .no_effect(NO_CLIENT)
        .doc("Uses TLS towards the primary."),
    Directive::boolean("tls-cluster", flag!(tls_cluster), "no")
        .no_effect(NO_CLIENT)
        .doc("Uses TLS on the cluster bus."),
    text("tls-protocols", text!(tls_protocols))
        .doc("Versions to offer, as in `\"TLSv1.2 TLSv1.3\"`; empty means the safe ones."),
    text("tls-ciphers", text!(tls_ciphers)).doc("Ciphers of TLS 1.2 and below, in OpenSSL's notation."),
    text("tls-ciphersuites", text!(tls_ciphersuites)).doc("Cipher suites of TLS 1.3."),
    Directive::boolean("tls-prefer-server-ciphers", flag!(tls_prefer_server_ciphers), "no")
        .doc("The server's order of ciphers wins over the client's."),
    Directive::boolean("tls-session-caching", flag!(tls_session_caching), "yes").doc("Lets clients resume sessions."),
    Directive::integer("tls-session-cache-size", int!(tls_session_cache_size), 0, INT_MAX, "20480")
        .doc("Sessions kept; 0 means no limit."),
    Directive::integer("tls-session-cache-timeout", int!(tls_session_cache_timeout_seconds), 0, INT_MAX, "300")
        .seconds()
        .doc("How long a session can be resumed."),
    Directive::integer("max-new-tls-connections-per-cycle", int!(max_new_tls_connections_per_cycle), 1, 1000, "1")
        .doc("TLS connections accepted in one turn of the loop."),
];

/// Read again at each CONFIG SET: a certificate is exchanged by a new file of the same name, too.
const fn file(name: &'static str, field: TextField) -> Directive {
    text(name, field).names_outside()
}

const fn text(name: &'static str, field: TextField) -> Directive {
    Directive::optional_text(name, field, "")
}
