//! A server process of a test: on a free port, in a directory of its own, gone at the test's end.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use super::client::Client;
use super::reply::Reply;
use super::wait::{PATIENCE, holds_within, wait_until};

/// Ports that are tried when others take them first.
const PORT_ATTEMPTS: usize = 5;
const READY: &str = "Ready to accept connections";

/// A running server, or one that was stopped and can be started again in its directory.
pub struct Server {
    program: PathBuf,
    arguments: Vec<String>,
    port: u16,
    process: Child,
    exit: Option<ExitStatus>,
    /// Where in the output the present process began to write.
    output_start: usize,
    home: tempfile::TempDir,
}

impl Server {
    /// Starts the binary under test with these arguments behind a free port and a fresh directory, and waits until it is ready. A first
    /// argument without dashes is a configuration file. Panics with the server's output when it does not come up.
    #[track_caller]
    pub fn start(arguments: &[&str]) -> Server {
        Server::try_start(arguments).unwrap_or_else(|trouble| panic!("{trouble}"))
    }

    /// [`Server::start`] that fails with the server's output when it does not come up.
    pub fn try_start(arguments: &[&str]) -> Result<Server, String> {
        Server::start_program(env!("CARGO_BIN_EXE_ferrodis"), arguments)
    }

    /// Starts another program that takes Redis's arguments.
    pub fn start_program(program: impl AsRef<OsStr>, arguments: &[&str]) -> Result<Server, String> {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let program = PathBuf::from(program.as_ref());
        let mut outcome = Err(String::new());
        for _ in 0..PORT_ATTEMPTS {
            outcome = Server::start_once(program.clone(), arguments.clone());
            match &outcome {
                // Another process took the port between our look and the server's.
                Err(trouble) if trouble.contains("in use") => {}
                _ => break,
            }
        }
        outcome
    }

    fn start_once(program: PathBuf, arguments: Vec<String>) -> Result<Server, String> {
        let home = tempfile::tempdir().map_err(|trouble| format!("no directory for a server: {trouble}"))?;
        fs::create_dir(home.path().join("data")).map_err(|trouble| format!("no directory for a server: {trouble}"))?;
        let port = free_port().map_err(|trouble| format!("no free port: {trouble}"))?;
        let process = spawn(&program, &arguments, port, home.path())
            .map_err(|trouble| format!("{} cannot be run: {trouble}", program.display()))?;
        let mut server = Server { program, arguments, port, process, exit: None, output_start: 0, home };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Its working directory: logs and snapshots are here.
    pub fn directory(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// A new connection to it.
    #[track_caller]
    pub fn client(&self) -> Client {
        Client::connect(self.address()).unwrap_or_else(|trouble| panic!("cannot connect: {trouble}\n{}", self.log()))
    }

    /// What it has written to its standard output and error, over all its lives. What goes to a `logfile` is not here.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.output()).into_owned()
    }

    /// Kills it without warning, and waits until it is gone.
    pub fn kill(&mut self) {
        if self.exit.is_none() {
            self.process.kill().expect("a process of ours can be killed");
            self.wait_for_exit();
        }
    }

    /// Asks it to stop by SIGTERM, and waits until it is gone.
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait_for_exit()
    }

    /// Sends it a signal by name: `HUP`, `INT`, `USR1`, `STOP`, `CONT`.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        assert!(self.exit.is_none(), "the server has ended");
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.pid())).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIG{name} cannot be sent");
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        wait_until("the server's end", || self.has_ended());
        self.exit.expect("it has ended")
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        if self.exit.is_none() {
            self.exit = self.process.try_wait().expect("a process of ours can be asked");
        }
        self.exit.is_some()
    }

    /// Starts it again with the same arguments, port and directory, stopping it first by SIGTERM if it runs.
    #[track_caller]
    pub fn restart(&mut self) {
        self.try_restart().unwrap_or_else(|trouble| panic!("{trouble}"));
    }

    /// Starts it again with other arguments.
    #[track_caller]
    pub fn restart_with(&mut self, arguments: &[&str]) {
        self.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        self.restart();
    }

    /// Starts it with these arguments, which it has to refuse with all these words.
    #[track_caller]
    pub fn restart_refused(&mut self, arguments: &[&str], words: &[&str]) {
        self.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let trouble = self.try_restart().expect_err("it was to be refused");
        for word in words {
            assert!(trouble.contains(word), "{word:?} is missing from: {trouble}");
        }
    }

    /// Starts the binary under test in the directory of a server that was started by other means, with a log.
    #[track_caller]
    pub fn restart_with_log(&mut self) {
        if !self.has_ended() {
            self.terminate();
        }
        self.program = PathBuf::from(env!("CARGO_BIN_EXE_ferrodis"));
        self.restart_with(&["--appendonly", "yes"]);
    }

    /// [`Server::restart`] that fails with the server's output when it does not come up.
    #[track_caller]
    pub fn try_restart(&mut self) -> Result<(), String> {
        let arguments = self.arguments.clone();
        self.spawn_again(&arguments)
            .map_err(|trouble| format!("{} cannot be run: {trouble}", self.program.display()))?;
        self.wait_until_ready()
    }

    /// Starts it again with other arguments, this time only, and does not wait until it is ready.
    #[track_caller]
    pub fn restart_in_part(&mut self, arguments: &[&str]) {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        self.spawn_again(&arguments)
            .unwrap_or_else(|trouble| panic!("{} cannot be run: {trouble}", self.program.display()));
    }

    #[track_caller]
    fn spawn_again(&mut self, arguments: &[String]) -> io::Result<()> {
        if !self.has_ended() {
            self.terminate();
        }
        self.output_start = self.output().len();
        self.process = spawn(&self.program, arguments, self.port, self.home.path())?;
        self.exit = None;
        Ok(())
    }

    /// Waits until it has ended, which is true, or is ready.
    #[track_caller]
    pub fn ends_before_it_is_ready(&mut self) -> bool {
        wait_until("its end, or until it is ready", || self.has_ended() || self.is_ready());
        self.has_ended()
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let is_up = holds_within(PATIENCE, &mut || self.has_ended() || self.is_ready());
        match (self.exit, is_up) {
            (Some(status), _) => {
                Err(format!("{} ended ({status}) before it was ready:\n{}", self.program.display(), self.present_log()))
            }
            (None, false) => Err(format!("{} was not ready in time:\n{}", self.program.display(), self.present_log())),
            (None, true) => Ok(()),
        }
    }

    /// It says that it is ready; or, if that goes elsewhere, it answers, and it is it that does.
    fn is_ready(&self) -> bool {
        self.present_log().contains(READY) || self.answers().unwrap_or(false)
    }

    fn answers(&self) -> io::Result<bool> {
        let mut client = Client::connect(self.address())?;
        client.try_send_raw(b"PING\r\nINFO server\r\n")?;
        let pong = client.try_read_reply()?;
        Ok(match client.try_read_reply()? {
            Reply::Bulk(info) => {
                let own_line = format!("process_id:{}\r", self.pid());
                pong == "PONG" && String::from_utf8_lossy(&info).lines().any(|line| format!("{line}\r") == own_line)
            }
            // A server that wants a password tells nothing more.
            refusal => refusal.is_error() && refusal.text().starts_with("NOAUTH"),
        })
    }

    /// What the present process has written.
    pub fn present_log(&self) -> String {
        String::from_utf8_lossy(&self.output()[self.output_start..]).into_owned()
    }

    fn output(&self) -> Vec<u8> {
        fs::read(self.home.path().join("output")).expect("the output file is there as long as we are")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !matches!(self.process.try_wait(), Ok(Some(_))) {
            // It may have ended meanwhile; then there is nothing left to do.
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
        if std::thread::panicking() {
            eprintln!("---- output of {} on port {} ----\n{}", self.program.display(), self.port, self.log());
        }
    }
}

fn spawn(program: &Path, arguments: &[String], port: u16, home: &Path) -> io::Result<Child> {
    let output = File::options().create(true).append(true).open(home.join("output"))?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(home.join("data"));
    let data = home.join("data").into_os_string();
    for (name, value) in
        [("--port", OsStr::new(&port.to_string())), ("--bind", OsStr::new("127.0.0.1")), ("--dir", &data)]
    {
        if !arguments.iter().any(|argument| argument == name) {
            command.arg(name).arg(value);
        }
    }
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn()
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
