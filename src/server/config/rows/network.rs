//! Sockets that clients come through, and the metrics port.

use super::prelude::*;

/// The topic "Network".
pub(crate) const TOPIC: Topic = Topic {
    title: "Network",
    intro: "Where the server listens, and how it treats the sockets it accepts.",
    directives: DIRECTIVES,
};

const DIRECTIVES: &[Directive] = &[
    Directive::special("bind", BIND, "* -::*").multi().doc(
        "Addresses to listen on, separated by blanks: IPv4, IPv6, or `*` and `::*` for every interface. An address \
         with a leading `-` may be missing on this machine. An empty value listens on none.",
    ),
    Directive::optional_text("bind-source-addr", text!(bind_source_addr), "")
        .no_effect("the server opens no outgoing connections yet")
        .doc("Local address of outgoing connections (replication)."),
    Directive::integer("port", int!(port), 0, PORT_MAX, "6379")
        .doc("TCP port for clients; 0 means no TCP port at all."),
    Directive::integer("tcp-backlog", int!(tcp_backlog), 0, INT_MAX, "511")
        .at_start()
        .doc("Length of the accept queue. The kernel caps it at `net.core.somaxconn`."),
    Directive::integer("tcp-keepalive", int!(tcp_keepalive_seconds), 0, INT_MAX, "300")
        .seconds()
        .doc("A silent peer is probed after this time and dropped when it does not answer; 0 leaves it to the kernel."),
    Directive::integer("timeout", int!(timeout_seconds), 0, INT_MAX, "0").seconds().doc(
        "Closes a connection that sent and took nothing for this long; 0 never does. Who waits for a key, \
             listens to a channel or watches all calls is spared.",
    ),
    Directive::boolean("protected-mode", flag!(protected_mode), "yes").doc(
        "While no password is set for the default user, answers only clients of this machine, so that a server \
         left open by mistake is not open to the network.",
    ),
    Directive::optional_text("unixsocket", text!(unixsocket), "")
        .at_start()
        .doc("Path of a Unix socket to listen on as well; a stale one is replaced."),
    Directive::integer("unixsocketperm", int!(unixsocketperm), 0, 0o777, "0")
        .octal()
        .at_start()
        .doc("Permissions of the Unix socket, in octal; 0 leaves them to the umask."),
    Directive::optional_text("unixsocketgroup", text!(unixsocketgroup), "")
        .at_start()
        .hidden()
        .doc("Group that owns the Unix socket (Valkey)."),
    Directive::integer("max-new-connections-per-cycle", int!(max_new_connections_per_cycle), 1, 1000, "10")
        .doc("Connections accepted in one turn of the loop, so that a storm of them does not stall the others."),
    Directive::integer("socket-mark-id", int!(socket_mark_id), 0, UINT_MAX, "0")
        .at_start()
        .doc("Mark (SO_MARK) of listening sockets, for routing and filtering."),
    Directive::boolean("mptcp", flag!(mptcp), "no").at_start().hidden().doc("Listens with Multipath TCP (Valkey)."),
    Directive::integer("metrics-port", int!(metrics_port), 0, PORT_MAX, "0")
        .doc("HTTP port for `/metrics`, `/healthz` and `/readyz`, served by the same loop; 0 turns it off."),
    Directive::special("metrics-bind", METRICS_BIND, "127.0.0.1").multi().doc(
        "Addresses of the metrics port, written as for `bind`. A password (`requirepass`) holds here too, by HTTP's \
         Basic scheme, but nothing is encrypted: keep it off open networks.",
    ),
    Directive::optional_text("rdma-bind", text!(rdma_bind), "")
        .refused("RDMA is not supported")
        .doc("Addresses to listen on with RDMA (Valkey)."),
    Directive::integer("rdma-port", int!(rdma_port), 0, PORT_MAX, "0")
        .refused("RDMA is not supported")
        .doc("Port to listen on with RDMA (Valkey)."),
    Directive::integer("rdma-rx-size", int!(rdma_rx_size_bytes), 65536, 16 << 20, "1048576")
        .memory()
        .at_start()
        .hidden()
        .no_effect("RDMA is not supported")
        .doc("Receive buffer of an RDMA connection (Valkey)."),
    Directive::integer("rdma-completion-vector", int!(rdma_completion_vector), -1, 1024, "-1")
        .at_start()
        .hidden()
        .no_effect("RDMA is not supported")
        .doc("Completion vector of RDMA connections (Valkey)."),
];
