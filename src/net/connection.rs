//! A connection: a socket, encrypted or not, and half a request when there is one. All else about a client is in `server::clients`.

use super::tls::TlsStream;
use crate::dispatch::Partial;
use crate::server::clients::Client;
use crate::server::config::TlsAuthClientsUser;
use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

/// A client with so many unsent bytes is not read from until it has taken some, as long as it takes any.
pub(super) const OUTPUT_PAUSE_BYTES: usize = 1 << 20;

/// A stream of any kind.
pub enum Socket {
    /// IPv4 or IPv6.
    Tcp(TcpStream),
    /// A path.
    Unix(UnixStream),
    /// IPv4 or IPv6, encrypted.
    Tls(Box<TlsStream>),
}

impl Socket {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Socket::Tcp(stream) => stream,
            Socket::Unix(stream) => stream,
            Socket::Tls(stream) => stream.socket_mut(),
        }
    }

    /// Begins to listen for events, of both directions: edges do not repeat, so there is nothing to switch later.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(self.source(), token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Sets up what TCP has options for: no delay, and probes of a peer that is silent for so long (0: the kernel's way). An option
    /// that cannot be set is done without.
    pub fn tune(&self, keepalive_seconds: u32) {
        let stream = match self {
            Socket::Tcp(stream) => stream,
            Socket::Tls(stream) => stream.socket(),
            Socket::Unix(_) => return,
        };
        let _ = stream.set_nodelay(true);
        if keepalive_seconds > 0 {
            let patience = Duration::from_secs(u64::from(keepalive_seconds));
            let between = (patience / 3).max(Duration::from_secs(1));
            let probes = TcpKeepalive::new().with_time(patience).with_interval(between).with_retries(3);
            let _ = SockRef::from(stream).set_tcp_keepalive(&probes);
        }
    }

    /// The descriptor.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Tcp(stream) => stream.as_fd(),
            Socket::Unix(stream) => stream.as_fd(),
            Socket::Tls(stream) => stream.socket().as_fd(),
        }
    }

    /// Says that no more will be sent; what the peer sends can still be read.
    pub fn end_writing(&mut self) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Socket::Unix(stream) => stream.shutdown(Shutdown::Write),
            Socket::Tls(stream) => stream.end_writing(),
        }
    }

    /// Whether it has taken bytes that have not left: records of TLS, answers of a handshake among them.
    #[inline]
    pub fn has_unsent(&self) -> bool {
        matches!(self, Socket::Tls(stream) if stream.has_unsent())
    }

    /// The name in the certificate that a peer has just shown, in this field of it.
    #[inline]
    pub fn peer_name(&mut self, field: TlsAuthClientsUser) -> Option<&[u8]> {
        match self {
            Socket::Tls(stream) => stream.peer_name(field),
            Socket::Tcp(_) | Socket::Unix(_) => None,
        }
    }

    /// Whether so much can be read that the peer may be stuck in sending. How much that is goes with the system's buffer, which grows
    /// only as it is read from: half of it counts for bytes, and TCP may hold back until half of those are free.
    pub fn is_filled(&self) -> bool {
        let socket = match self {
            Socket::Tcp(stream) => SockRef::from(stream),
            Socket::Unix(stream) => SockRef::from(stream),
            Socket::Tls(stream) => SockRef::from(stream.socket()),
        };
        let mut probe = [MaybeUninit::uninit(); 64 * 1024];
        let bytes = socket.recv_buffer_size().map_or(probe.len(), |whole| (whole / 8).clamp(1, probe.len()));
        socket.peek(&mut probe[..bytes]).is_ok_and(|found| found == bytes)
    }

    /// The descriptor's number, for CLIENT LIST.
    pub fn number(&self) -> i32 {
        self.descriptor().as_raw_fd()
    }
}

impl Read for Socket {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.read(buffer),
            Socket::Unix(stream) => stream.read(buffer),
            Socket::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.write(bytes),
            Socket::Unix(stream) => stream.write(bytes),
            Socket::Tls(stream) => stream.write(bytes),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.write_vectored(slices),
            Socket::Unix(stream) => stream.write_vectored(slices),
            Socket::Tls(stream) => stream.write_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Socket::Tls(stream) => stream.flush(),
            Socket::Tcp(_) | Socket::Unix(_) => Ok(()),
        }
    }
}

/// A connection.
pub struct Connection {
    /// The stream.
    pub socket: Socket,
    /// Bytes of a request that is not whole yet; no buffer is held while there are none.
    pub rest: Vec<u8>,
    /// How far that request is parsed.
    pub partial: Partial,
    /// Whether there may be more to read.
    pub is_readable: bool,
    /// Whether the peer has said that no more comes: then a short read is not the last one.
    pub is_read_closed: bool,
    /// Whether the socket takes bytes, as far as is known.
    pub is_writable: bool,
    /// Whether `rest` begins with calls that may be whole: they go before anything that is read.
    pub has_calls: bool,
    /// Whether its next call waits for a gate.
    pub is_parked: bool,
    /// It is not read from while more bytes than this wait to be sent to it.
    pub pause_bytes: usize,
    /// Since when (monotonic ms) it is not read from because of so many bytes.
    pub stalled: Option<(u64, usize)>,
    /// Whether it stands in the list of those whose replies wait for the disk.
    pub is_held: bool,
    /// The part of its output that waits for the disk next.
    held: Option<Held>,
}

/// The first bytes of an output, and the log offset that must be durable before they leave.
struct Held {
    bytes: usize,
    offset: u64,
}

impl Connection {
    /// A connection that has just come.
    pub fn new(socket: Socket) -> Connection {
        Connection {
            socket,
            rest: Vec::new(),
            partial: Partial::default(),
            is_readable: true,
            is_read_closed: false,
            is_writable: true,
            has_calls: false,
            is_parked: false,
            pause_bytes: OUTPUT_PAUSE_BYTES,
            stalled: None,
            is_held: false,
            held: None,
        }
    }

    /// How many bytes of the client's output may leave when the log is durable up to `durable`. What waits is taken together, and what
    /// comes behind it waits for its own turn: a listener under load is told of ever more, and would wait for ever.
    pub fn may_leave(&mut self, client: &Client, durable: u64) -> usize {
        let waits_for = client.waits_for();
        if waits_for <= durable {
            self.held = None;
            return usize::MAX;
        }
        // Another log may have begun meanwhile: then the client waits for less.
        let is_free = |held: &Held| held.offset.min(waits_for) <= durable;
        if self.held.as_ref().is_none_or(|held| held.bytes == 0) {
            self.held = Some(Held { bytes: client.output.len(), offset: waits_for });
        }
        self.held.as_ref().filter(|held| is_free(held)).map_or(0, |held| held.bytes)
    }

    /// So many bytes of the output have left.
    pub fn note_left(&mut self, bytes: usize) {
        if let Some(held) = &mut self.held {
            held.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Where the system had not let the buffer grow, it never held the 64 KiB that were asked for, and client and server waited for
    /// each other.
    #[test]
    fn a_sender_that_was_stuck_in_a_small_buffer_was_not_seen() {
        for buffer_bytes in [4 << 10, 32 << 10, 64 << 10, 1 << 20] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            SockRef::from(&listener).set_recv_buffer_size(buffer_bytes).unwrap();
            let mut peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (stream, _) = listener.accept().unwrap();
            let socket = Socket::Tcp(TcpStream::from_std(stream));
            peer.write_all(b"PING\r\n").unwrap();
            assert!(!socket.is_filled(), "{buffer_bytes}");
            peer.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
            while peer.write(&[b'x'; 16 << 10]).is_ok() {}
            assert!(socket.is_filled(), "{buffer_bytes}");
        }
    }
}
