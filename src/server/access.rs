//! Who may come in: connection limits, protected mode, and what a connection is at first.

use super::acl::DEFAULT;
use super::clients::{Client, ClientIndex};
use super::{Server, gates};
use crate::formats::resp::reply::Protocol;

/// Answered to a connection beyond `maxclients`.
const TOO_MANY: &str = "ERR max number of clients reached";
/// Answered to a connection from another machine while protected mode holds.
const PROTECTED: &str = "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the \
    default user. In this mode connections are only accepted from the loopback interface. To let other machines connect, set a \
    password for the default user (requirepass), or, if the network is trusted, turn the mode off: 'CONFIG SET protected-mode no' \
    from this machine (CONFIG REWRITE makes it permanent), 'protected-mode no' in the configuration file, or the option \
    '--protected-mode no' at start.";

/// A connection that has just been accepted.
#[derive(Debug, Clone, Default)]
pub struct Newcomer {
    /// Where it comes from, `ip:port`, or the socket's path and `:0`.
    pub address: String,
    /// Our address that it came to.
    pub local_address: String,
    /// Its socket's descriptor.
    pub descriptor: i32,
    /// Whether it came by the Unix socket.
    pub is_local_socket: bool,
}

impl Server {
    /// Lets a connection in, or says what to answer it (without the `-`) before it is closed.
    pub fn admit(&mut self, newcomer: Newcomer) -> Result<ClientIndex, &'static str> {
        let Newcomer { address, local_address, descriptor, is_local_socket } = newcomer;
        let now_ms = self.time.monotonic_ms();
        let client = Client {
            address,
            local_address,
            descriptor,
            is_local_socket,
            protocol: self.first_protocol(),
            connected_ms: now_ms,
            active_ms: now_ms,
            ..Client::default()
        };
        if self.clients.len() >= self.config.maxclients as usize {
            self.counters.rejected_connections += 1;
            return Err(TOO_MANY);
        }
        if self.config.protected_mode && self.acl.get(DEFAULT).needs_no_password && !client.is_local() {
            self.counters.rejected_connections += 1;
            return Err(PROTECTED);
        }
        self.counters.connections += 1;
        let index = self.clients.add(client);
        self.enter_as_default(index);
        Ok(index)
    }

    /// Makes a client what it was when it connected (RESET); what it said of its library stays.
    pub fn start_over(&mut self, index: ClientIndex) {
        let protocol = self.first_protocol();
        self.clients.monitors.retain(|&monitor| monitor != index);
        self.clients.unwatch(index);
        self.clients.unsubscribe_all(index);
        self.clients.untrack(index);
        let client = self.clients.get_mut(index);
        client.end_transaction();
        client.db = 0;
        client.protocol = protocol;
        client.raised = 0;
        client.name.clear();
        client.answers = Default::default();
        client.is_monitor = false;
        client.shown = Vec::new();
        client.no_evict = false;
        client.no_touch = false;
        self.enter_as_default(index);
    }

    /// The client sees all calls from now on (MONITOR).
    pub fn watch_calls(&mut self, index: ClientIndex) {
        let client = self.clients.get_mut(index);
        if !client.is_monitor {
            client.is_monitor = true;
            client.raised |= gates::WATCHER;
            self.clients.monitors.push(index);
        }
        self.raised |= gates::MONITOR;
    }

    fn first_protocol(&self) -> Protocol {
        if self.config.client_default_resp == 3 { Protocol::Resp3 } else { Protocol::Resp2 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Config;
    use super::*;
    use crate::base::clock::ManualClock;
    use std::sync::Arc;

    fn server(pairs: &[(&str, &str)]) -> Server {
        let mut config = Config::default();
        let pairs: Vec<(&[u8], &[u8])> =
            pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        config.set(&pairs, Default::default()).unwrap();
        Server::new(config, Arc::new(ManualClock::at(1_700_000_000_000)), [1; 16], 1)
    }

    fn from(address: &str) -> Newcomer {
        Newcomer { address: address.into(), ..Newcomer::default() }
    }

    #[test]
    fn protected_mode_lets_in_only_this_machine_while_there_is_no_password() {
        let mut open = server(&[]);
        for address in ["127.0.0.1:5000", "127.9.9.9:1", "[::1]:5000", "[::ffff:127.0.0.1]:7"] {
            assert!(open.admit(from(address)).is_ok(), "{address}");
        }
        for address in ["10.0.0.1:5000", "[fe80::1]:5", "[::ffff:10.0.0.1]:7"] {
            let refusal = open.admit(from(address)).unwrap_err();
            assert!(refusal.starts_with("DENIED Redis is running in protected mode"), "{address}");
        }
        let socket = Newcomer { is_local_socket: true, ..from("/tmp/a.sock:0") };
        assert!(open.admit(socket).is_ok());
        assert!(server(&[("protected-mode", "no")]).admit(from("10.0.0.1:5000")).is_ok());
        assert!(server(&[("requirepass", "x")]).admit(from("10.0.0.1:5000")).is_ok());
    }

    #[test]
    fn connections_beyond_maxclients_are_refused_and_counted() {
        let mut server = server(&[("maxclients", "1")]);
        server.admit(from("127.0.0.1:1")).unwrap();
        assert_eq!(server.admit(from("127.0.0.1:2")), Err(TOO_MANY));
        assert_eq!((server.counters.connections, server.counters.rejected_connections), (1, 1));
    }

    #[test]
    fn a_password_raises_the_gate_of_new_clients() {
        let mut server = server(&[("requirepass", "a\0b")]);
        let client = server.admit(from("127.0.0.1:1")).unwrap();
        assert_eq!(server.clients.get(client).raised & gates::AUTH, gates::AUTH);
        assert_eq!(server.acl.log_in(b"default", b"a"), None);
        assert_eq!(server.acl.log_in(b"someone", b"a\0b"), None);
        assert_eq!(server.acl.log_in(b"default", b"a\0b"), Some(DEFAULT));
        server.authenticate(client, DEFAULT);
        assert_eq!(server.clients.get(client).raised, 0);
        server.start_over(client);
        assert_eq!(server.clients.get(client).raised, gates::AUTH);
    }
}
