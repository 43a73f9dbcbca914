//! A client that hides nothing: blocking, one socket, any bytes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::reply::{Reply, ReplyReader};
use super::wait::PATIENCE;

/// A connection to a server. Waiting for a reply is bounded by [`PATIENCE`], or by what [`Client::set_patience`] says.
pub struct Client {
    socket: Arc<Socket>,
    replies: ReplyReader<SharedSocket>,
}

enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Client {
    /// Connects by TCP.
    pub fn connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        Client::over(Socket::Tcp(stream))
    }

    /// Connects by a Unix socket.
    pub fn connect_unix(path: &Path) -> io::Result<Client> {
        Client::over(Socket::Unix(UnixStream::connect(path)?))
    }

    fn over(socket: Socket) -> io::Result<Client> {
        let socket = Arc::new(socket);
        let client = Client { replies: ReplyReader::new(SharedSocket(socket.clone())), socket };
        client.set_patience(PATIENCE)?;
        Ok(client)
    }

    /// Bounds each wait for the server, when reading and when writing.
    pub fn set_patience(&self, patience: Duration) -> io::Result<()> {
        match &*self.socket {
            Socket::Tcp(stream) => {
                stream.set_read_timeout(Some(patience)).and(stream.set_write_timeout(Some(patience)))
            }
            Socket::Unix(stream) => {
                stream.set_read_timeout(Some(patience)).and(stream.set_write_timeout(Some(patience)))
            }
        }
    }

    /// Sends a command and reads its reply. Panics when the connection fails or the reply does not come.
    #[track_caller]
    pub fn call<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Reply {
        self.send(arguments);
        self.read_reply()
    }

    /// [`Client::call`] with a line split at blanks, for arguments without blanks in them.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> Reply {
        self.call(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Sends a command and reads the bytes of its reply as they come.
    #[track_caller]
    pub fn call_raw<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Vec<u8> {
        self.send(arguments);
        self.replies.read_raw().unwrap_or_else(|trouble| panic!("no reply: {trouble}"))
    }

    /// Sends a command and does not wait.
    #[track_caller]
    pub fn send<A: AsRef<[u8]>>(&mut self, arguments: &[A]) {
        self.send_raw(&encode(arguments));
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.try_send_raw(bytes).unwrap_or_else(|trouble| panic!("cannot send: {trouble}"));
    }

    /// Sends bytes as they are; fails when the peer has gone or does not take them.
    pub fn try_send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        (&*self.socket).write_all(bytes)
    }

    /// Reads a reply (or a push). Panics when none comes.
    #[track_caller]
    pub fn read_reply(&mut self) -> Reply {
        self.try_read_reply().unwrap_or_else(|trouble| panic!("no reply: {trouble}"))
    }

    /// Reads a reply; fails with `TimedOut` when none comes in time, with `UnexpectedEof` or `ConnectionReset` when the peer has gone.
    pub fn try_read_reply(&mut self) -> io::Result<Reply> {
        self.replies.read().map_err(|trouble| match trouble.kind() {
            ErrorKind::WouldBlock => io::Error::new(ErrorKind::TimedOut, "the server did not answer in time"),
            _ => trouble,
        })
    }

    /// Sends all commands at once and reads all replies, while the sending goes on.
    #[track_caller]
    pub fn pipeline<A: AsRef<[u8]>>(&mut self, commands: &[&[A]]) -> Vec<Reply> {
        let bytes: Vec<u8> = commands.iter().flat_map(|arguments| encode(arguments)).collect();
        let socket = self.socket.clone();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| (&*socket).write_all(&bytes));
            let replies = commands.iter().map(|_| self.read_reply()).collect();
            writer.join().expect("the writing thread").expect("a pipeline is sent");
            replies
        })
    }

    /// Reads up to the end of the connection, and gives what came before it. Panics when the peer leaves it open.
    #[track_caller]
    pub fn read_to_end(&mut self) -> Vec<u8> {
        match self.replies.read_to_end() {
            Ok(bytes) => bytes,
            Err(trouble) if trouble.kind() == ErrorKind::ConnectionReset => Vec::new(),
            Err(trouble) => panic!("the connection was not closed: {trouble}"),
        }
    }

    /// Sends a line and reads up to the end of the connection, which it brings about.
    #[track_caller]
    pub fn run_to_end(&mut self, line: &str) -> Vec<u8> {
        self.send_raw(format!("{line}\r\n").as_bytes());
        self.read_to_end()
    }

    /// Whether a line gets an answer that is no error; false also when the connection fails.
    pub fn call_if_open(&mut self, line: &str) -> bool {
        let sent = self.try_send_raw(format!("{line}\r\n").as_bytes());
        sent.is_ok() && self.try_read_reply().is_ok_and(|reply| !reply.is_error())
    }

    /// Says that no more will be sent, and goes on reading.
    pub fn close_writing(&self) -> io::Result<()> {
        match &*self.socket {
            Socket::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Socket::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    /// Switches to RESP3 and returns HELLO's reply.
    #[track_caller]
    pub fn hello3(&mut self) -> Reply {
        let reply = self.call(&["HELLO", "3"]);
        assert!(matches!(reply, Reply::Map(_)), "HELLO 3 answered {reply:?}");
        reply
    }

    /// A field of INFO, of any section. Panics when there is no such field.
    #[track_caller]
    pub fn info(&mut self, field: &str) -> String {
        let text = self.call(&["INFO", "everything"]).text();
        let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.unwrap_or_else(|| panic!("INFO has no {field}:\n{text}")).to_owned()
    }
}

/// A command in RESP.
pub fn encode<A: AsRef<[u8]>>(arguments: &[A]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        let argument = argument.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

struct SharedSocket(Arc<Socket>);

impl Read for SharedSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &*self.0 {
            Socket::Tcp(stream) => (&*stream).read(buffer),
            Socket::Unix(stream) => (&*stream).read(buffer),
        }
    }
}

impl Write for &Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => (&*stream).write(bytes),
            Socket::Unix(stream) => (&*stream).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
