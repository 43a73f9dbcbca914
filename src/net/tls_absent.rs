//! What stands in place of the module `tls` in a build without it: a context that nobody can have.

use crate::server::certificates::Certificates;
use crate::server::config::{Config, TlsAuthClientsUser};
use mio::net::TcpStream;
use std::io::{self, IoSlice, Read, Write};

/// What a configuration asks of TLS: nothing that this build has.
#[derive(Clone)]
pub enum Context {}

impl Context {
    /// Fails.
    ///
    /// # Errors
    /// This build has no TLS.
    pub fn new(_: &Config) -> Result<Context, String> {
        Err("this build has no TLS".into())
    }

    /// Nobody asks.
    pub fn is_outdated(&self) -> bool {
        match *self {}
    }

    /// Nobody asks.
    pub fn certificates(&self) -> Certificates {
        match *self {}
    }

    /// Nobody asks.
    pub fn accept(&self, _: TcpStream) -> io::Result<TlsStream> {
        match *self {}
    }
}

/// A stream of this build: there is none.
pub enum TlsStream {}

impl TlsStream {
    /// Nobody asks.
    pub fn socket(&self) -> &TcpStream {
        match *self {}
    }

    /// Nobody asks.
    pub fn socket_mut(&mut self) -> &mut TcpStream {
        match *self {}
    }

    /// Nobody asks.
    pub fn has_unsent(&self) -> bool {
        match *self {}
    }

    /// Nobody asks.
    pub fn peer_name(&mut self, _: TlsAuthClientsUser) -> Option<&[u8]> {
        match *self {}
    }

    /// Nobody asks.
    pub fn end_writing(&mut self) -> io::Result<()> {
        match *self {}
    }
}

impl Read for TlsStream {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }
}

impl Write for TlsStream {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    fn write_vectored(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        match *self {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match *self {}
    }
}
