//! The server that ours is compared with: Debian's `redis-server`, or the program that `FERRODIS_REFERENCE` names.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use super::server::Server;

/// The reference server.
pub struct Reference;

impl Reference {
    /// Starts it without persistence, and with these arguments.
    ///
    /// When there is none on this machine, says on standard error what is left out and gives `None`; but where `CI` is set, which
    /// promises that all tools are there, panics.
    #[track_caller]
    pub fn start(arguments: &[&str]) -> Option<Server> {
        let program = Reference::program()?;
        let all: Vec<&str> = arguments.iter().copied().chain(["--save", "", "--appendonly", "no"]).collect();
        Some(Server::start_program(&program, &all).unwrap_or_else(|trouble| panic!("{trouble}")))
    }

    /// Starts it with these arguments only, for tests that have it write and read files.
    #[track_caller]
    pub fn start_with_persistence(arguments: &[&str]) -> Option<Server> {
        let program = Reference::program()?;
        Some(Server::start_program(&program, arguments).unwrap_or_else(|trouble| panic!("{trouble}")))
    }

    /// The program, if it can be run.
    #[track_caller]
    pub fn program() -> Option<OsString> {
        let program = std::env::var_os("FERRODIS_REFERENCE").unwrap_or_else(|| "redis-server".into());
        let run = Command::new(&program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if run.is_ok_and(|status| status.success()) {
            return Some(program);
        }
        let what = format!("the reference server `{}` cannot be run", program.display());
        assert!(std::env::var_os("CI").is_none(), "{what}, and CI must have it: install Debian's redis-server");
        eprintln!(
            "left out: {what}; install redis-server, or set FERRODIS_REFERENCE to a program that takes its arguments"
        );
        None
    }
}
