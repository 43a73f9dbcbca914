//! A file system of 8 MB: a tmpfs in a mount namespace of its own, so that no rights are needed where the system lets users have one.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::server::Server;
use super::wait::wait_until;

const MOUNT: &str = "mount -t tmpfs -o size=8m none \"$0\" && echo mounted && exec cat";

/// The file system; it is gone at the test's end.
pub struct SmallDisk {
    /// Holds the namespace for as long as its standard input is open.
    holder: Child,
    /// How to get into it.
    ways_in: &'static [&'static str],
    directory: tempfile::TempDir,
}

impl SmallDisk {
    /// Mounts one. None where the system does not let us, which is said; where `CI` is set it must.
    pub fn mount() -> Option<SmallDisk> {
        let disk = SmallDisk::try_mount(&["-r", "-m"], &["-U", "--preserve-credentials", "-m"])
            .or_else(|| SmallDisk::try_mount(&["-m"], &["-m"]));
        if disk.is_none() {
            eprintln!("no file system of 8 MB: the system lets us have no mount namespace");
            assert!(std::env::var_os("CI").is_none(), "CI must let us mount a file system (unshare -rm)");
        }
        disk
    }

    fn try_mount(ways_out: &[&str], ways_in: &'static [&'static str]) -> Option<SmallDisk> {
        let directory = tempfile::tempdir().ok()?;
        let mut command = Command::new("unshare");
        command.args(ways_out).args(["sh", "-c", MOUNT]).arg(directory.path());
        let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let mut said = String::new();
        BufReader::new(holder.stdout.as_mut()?).read_line(&mut said).ok()?;
        let disk = SmallDisk { holder, ways_in, directory };
        (said == "mounted\n").then_some(disk)
    }

    /// Starts the binary under test with its files there.
    #[track_caller]
    pub fn start(&self, arguments: &[&str]) -> Server {
        let (holder, directory) = (self.holder.id().to_string(), self.directory.path().display().to_string());
        let enter = [self.ways_in, &["-t", &holder, env!("CARGO_BIN_EXE_ferrodis"), "--dir", &directory]].concat();
        let arguments = [&enter[..], arguments].concat();
        Server::start_program("nsenter", &arguments).unwrap_or_else(|trouble| panic!("{trouble}"))
    }

    /// Takes up room with a file that is not the server's. What a file took that was removed is free when nobody has it open any more.
    #[track_caller]
    pub fn take_room(&self, bytes: usize) {
        wait_until("room", || fs::write(self.ballast(), vec![b'b'; bytes]).is_ok());
    }

    /// Gives that room back.
    pub fn give_room(&self) {
        fs::remove_file(self.ballast()).expect("it is there");
    }

    /// Seen from here, the namespace is below its holder's root.
    fn ballast(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        let inside = self.directory.path().strip_prefix("/").expect("an absolute path");
        root.join(inside).join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
