//! A stream that encrypts: a socket, and a session that turns records into bytes and back.
//!
//! ```text
//!   write ──► session ──► records that the socket has not taken ──► socket        unsent: until `flush` has got rid of them
//!   read  ◄── session ◄── records ◄──────────────────────────────── socket
//! ```
//!
//! Reading never writes: what the session wants to say (a handshake's answer, an alert) is unsent, too, and leaves at the end of the
//! round like any reply.

use super::names;
use crate::server::config::TlsAuthClientsUser;
use mio::net::TcpStream;
use rustls::{InvalidMessage, ServerConnection};
use std::io::{self, ErrorKind, IoSlice, Read, Write};

/// Bytes of replies that are encrypted at once, and so wait in the session at most.
const WRITE_BYTES: usize = 64 * 1024;

/// A socket and its session.
pub struct TlsStream {
    socket: TcpStream,
    session: ServerConnection,
    /// Whether the peer's certificate has been asked for, which is once.
    is_known: bool,
    /// Whether the peer speaks no TLS: then nothing is said to it in TLS either, not that it was not understood.
    is_foreign: bool,
}

impl TlsStream {
    /// A stream whose handshake has not begun.
    pub(super) fn new(socket: TcpStream, mut session: ServerConnection) -> TlsStream {
        session.set_buffer_limit(Some(WRITE_BYTES));
        TlsStream { socket, session, is_known: false, is_foreign: false }
    }

    /// The socket underneath.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// The same, to be polled.
    pub fn socket_mut(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    /// Whether there are records that the socket has not taken.
    pub fn has_unsent(&self) -> bool {
        self.session.wants_write() && !self.is_foreign
    }

    /// The name in the certificate that the peer has shown; asked for when the handshake is over, and given once.
    pub fn peer_name(&mut self, field: TlsAuthClientsUser) -> Option<&[u8]> {
        if self.is_known || self.session.is_handshaking() {
            return None;
        }
        self.is_known = true;
        let certificate = self.session.peer_certificates()?.first()?;
        match field {
            TlsAuthClientsUser::Off => None,
            TlsAuthClientsUser::CommonName => names::common_name(certificate),
            TlsAuthClientsUser::Uri => names::uri(certificate),
        }
    }

    /// Says that no more will be sent.
    pub fn end_writing(&mut self) -> io::Result<()> {
        self.session.send_close_notify();
        self.flush()?;
        self.socket.shutdown(std::net::Shutdown::Write)
    }
}

/// A socket that tells whether it had less than there was room for: then it has no more, and need not be asked.
struct Watched<'a> {
    socket: &'a mut TcpStream,
    is_drained: bool,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.socket.read(buffer)?;
        self.is_drained = read < buffer.len();
        Ok(read)
    }
}

impl Read for TlsStream {
    /// As much as there is, up to the buffer's length: less means that there was no more.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        let mut is_drained = false;
        loop {
            match self.session.reader().read(&mut buffer[filled..]) {
                Ok(0) => return Ok(filled),
                Ok(read) => filled += read,
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                // The connection ended without a word: to a server that answers calls it is an end like any other.
                Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(filled),
                Err(e) => return Err(e),
            }
            if filled == buffer.len() {
                return Ok(filled);
            }
            let mut watched = Watched { socket: &mut self.socket, is_drained };
            if is_drained {
                return if filled > 0 { Ok(filled) } else { Err(ErrorKind::WouldBlock.into()) };
            }
            match self.session.read_tls(&mut watched) {
                Ok(_) => is_drained = watched.is_drained,
                Err(e) if e.kind() == ErrorKind::WouldBlock && filled > 0 => return Ok(filled),
                Err(e) => return Err(e),
            }
            if let Err(e) = self.session.process_new_packets() {
                log::debug!("Error accepting a client connection: {e}");
                self.is_foreign = matches!(e, rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType));
                return Err(io::Error::new(ErrorKind::InvalidData, e));
            }
        }
    }
}

impl Write for TlsStream {
    /// Takes up to 64 KiB once the socket has taken all that came before.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.flush()?;
        let taken = self.session.writer().write_vectored(slices)?;
        match self.flush() {
            Err(e) if e.kind() != ErrorKind::WouldBlock => Err(e),
            _ => Ok(taken),
        }
    }

    /// Gives the socket what is unsent.
    fn flush(&mut self) -> io::Result<()> {
        while self.has_unsent() {
            match self.session.write_tls(&mut self.socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

impl Drop for TlsStream {
    /// Tells the peer that this was the end, if the socket takes it.
    fn drop(&mut self) {
        self.session.send_close_notify();
        let _ = self.flush();
    }
}
