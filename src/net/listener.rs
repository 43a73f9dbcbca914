//! Where connections come from: TCP addresses and a Unix path.

use super::connection::Socket;
use crate::server::config::Config;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockAddr, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A socket that listens.
pub enum Acceptor {
    /// On an address.
    Tcp(TcpListener),
    /// On a path.
    Unix(UnixListener, PathBuf),
}

/// A listener and whether connections may wait at it.
pub struct Listener {
    /// The socket.
    pub acceptor: Acceptor,
    /// Whether connections may wait: an edge came, and not all were taken.
    pub is_ready: bool,
    /// What it serves.
    pub serves: Serves,
}

/// What comes through a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// RESP.
    Clients,
    /// RESP within TLS.
    TlsClients,
    /// HTTP: metrics and health.
    Metrics,
}

/// What listening sockets are told besides their address.
#[derive(Debug, Clone, Copy, Default)]
pub struct SocketOptions {
    /// Connections that may wait.
    pub backlog: u32,
    /// A mark for routing and filtering; 0: none.
    pub mark: u32,
    /// Whether connections may use several paths.
    pub is_multipath: bool,
}

impl SocketOptions {
    /// What the configuration says.
    pub fn of(config: &Config) -> SocketOptions {
        SocketOptions { backlog: config.tcp_backlog, mark: config.socket_mark_id, is_multipath: config.mptcp }
    }
}

#[cfg(target_os = "linux")]
fn multipath() -> io::Result<Protocol> {
    Ok(Protocol::MPTCP)
}

#[cfg(target_os = "linux")]
fn set_mark(socket: &socket2::Socket, mark: u32) -> io::Result<()> {
    if mark == 0 { Ok(()) } else { socket.set_mark(mark) }
}

/// Elsewhere there is one path.
#[cfg(not(target_os = "linux"))]
fn multipath() -> io::Result<Protocol> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Elsewhere sockets have no marks.
#[cfg(not(target_os = "linux"))]
fn set_mark(_: &socket2::Socket, mark: u32) -> io::Result<()> {
    if mark == 0 { Ok(()) } else { Err(io::ErrorKind::Unsupported.into()) }
}

impl Listener {
    /// Whether clients come through it.
    pub fn is_for_clients(&self) -> bool {
        self.serves != Serves::Metrics
    }

    /// Listens on a TCP address.
    pub fn tcp(address: SocketAddr, options: &SocketOptions, serves: Serves) -> io::Result<Listener> {
        let protocol = if options.is_multipath { multipath()? } else { Protocol::TCP };
        let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(protocol))?;
        socket.set_reuse_address(true)?;
        set_mark(&socket, options.mark)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&SockAddr::from(address))?;
        socket.listen(options.backlog.min(i32::MAX as u32) as i32)?;
        socket.set_nonblocking(true)?;
        let acceptor = Acceptor::Tcp(TcpListener::from_std(socket.into()));
        Ok(Listener { acceptor, is_ready: true, serves })
    }

    /// Listens on a path; a socket file that stands there is replaced. `mode` 0 leaves the permissions to the umask, no `group` the
    /// file to that of the process.
    pub fn unix(path: &Path, backlog: u32, mode: u32, group: Option<u32>) -> io::Result<Listener> {
        if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
            let _ = std::fs::remove_file(path); // of a process that has ended
        }
        let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        if group.is_some() {
            std::os::unix::fs::chown(path, None, group)?;
        }
        if mode != 0 {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        }
        socket.listen(backlog.min(i32::MAX as u32) as i32)?;
        socket.set_nonblocking(true)?;
        let acceptor = Acceptor::Unix(UnixListener::from_std(socket.into()), path.to_owned());
        Ok(Listener { acceptor, is_ready: true, serves: Serves::Clients })
    }

    /// Begins to listen for events.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.acceptor {
            Acceptor::Tcp(listener) => registry.register(listener, token, Interest::READABLE),
            Acceptor::Unix(listener, _) => registry.register(listener, token, Interest::READABLE),
        }
    }

    /// Gives its events another token.
    pub fn reregister(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.acceptor {
            Acceptor::Tcp(listener) => registry.reregister(listener, token, Interest::READABLE),
            Acceptor::Unix(listener, _) => registry.reregister(listener, token, Interest::READABLE),
        }
    }

    /// Takes a waiting connection: the socket, its address and ours, as CLIENT LIST shows them.
    pub fn accept(&self) -> io::Result<(Socket, String, String)> {
        match &self.acceptor {
            Acceptor::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                let local = stream.local_addr().map_or_else(|_| "?:0".into(), |address| address.to_string());
                Ok((Socket::Tcp(stream), peer.to_string(), local))
            }
            Acceptor::Unix(listener, path) => {
                let (stream, _) = listener.accept()?;
                let address = format!("{}:0", path.display());
                Ok((Socket::Unix(stream), address.clone(), address))
            }
        }
    }

    /// The address it listens on, for TCP.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.acceptor {
            Acceptor::Tcp(listener) => listener.local_addr().ok(),
            Acceptor::Unix(..) => None,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Acceptor::Unix(_, path) = &self.acceptor {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The addresses that a word of `bind` stands for: `*`, `::*`, an address, or a host name; and whether it may be missing (`-`).
pub fn addresses(word: &str, port: u16) -> io::Result<(Vec<SocketAddr>, bool)> {
    let (name, is_optional) = match word.strip_prefix('-') {
        Some(name) => (name, true),
        None => (word, false),
    };
    let addresses = match name {
        "*" => vec![SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)],
        "::*" => vec![SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)],
        name => match name.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => std::net::ToSocketAddrs::to_socket_addrs(&(name, port))?.take(1).collect(),
        },
    };
    Ok((addresses, is_optional))
}
