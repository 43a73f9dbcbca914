//! The small tasks of the binary: checking files, asking a server whether it is there.

use super::command_line::Target;
use super::config_files::ConfigFiles;
use crate::base::disk::RealDisk;
use crate::persistence::aof::check::{Mend, Report, check};
use crate::persistence::check_rdb;
use crate::persistence::fit::Fit;
use crate::server::config::Severity;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a server may take to answer a ping.
const PING_PATIENCE: Duration = Duration::from_secs(2);

/// Prints what there is to say about a configuration file; 0 when a server would start with it.
pub fn check_config(path: PathBuf) -> i32 {
    let shown = path.display().to_string();
    let checked = match ConfigFiles::of_file(path) {
        Ok(files) => files.check().map_err(|refusal| refusal.to_string()),
        Err(e) => Err(format!("standard input cannot be read: {e}")),
    };
    let findings = match checked {
        Ok(findings) => findings,
        Err(text) => {
            eprintln!("{text}");
            return 1;
        }
    };
    findings.iter().for_each(|finding| println!("{finding}"));
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if errors == 0 {
        println!("{shown}: a server would start with it");
    }
    i32::from(errors > 0)
}

/// Prints whether a log is whole, after mending it if that is wanted, and whether a target could load it; 0 when it is and could.
pub fn check_aof(path: &Path, mend: Mend, target: Option<check_rdb::Target>) -> i32 {
    let report = report_on(path, mend);
    print!("{report}");
    let fit = target.map(|target| Fit::of_log(&RealDisk, &report, target));
    if let Some(fit) = &fit {
        print!("{fit}");
    }
    i32::from(!report.is_whole() || fit.is_some_and(|fit| !fit.is_good()))
}

fn report_on(path: &Path, mend: Mend) -> Report {
    check(Arc::new(RealDisk), path, mend)
}

/// Prints what an RDB file holds, and whether a target could load it; 0 when it is whole and could.
pub fn check_rdb(path: &Path, target: Option<check_rdb::Target>) -> i32 {
    let report = check_rdb::check(&RealDisk, path, target);
    print!("{report}");
    i32::from(!report.is_good())
}

/// Asks a server whether it is there; 0 when it answers `+PONG`, or that it wants a password first.
pub fn ping(target: &Target) -> i32 {
    match answer_to_ping(target) {
        Ok(answer) if answer.starts_with("+PONG") || answer.starts_with("-NOAUTH") => {
            println!("{}", answer.trim_end());
            0
        }
        Ok(answer) => {
            eprintln!("{target}: {}", answer.trim_end());
            1
        }
        Err(e) => {
            eprintln!("{target}: {e}");
            1
        }
    }
}

fn answer_to_ping(target: &Target) -> io::Result<String> {
    match target {
        Target::Tcp(host, port) => {
            let mut last = io::Error::other("the host has no address");
            for address in (host.as_str(), *port).to_socket_addrs()? {
                match TcpStream::connect_timeout(&address, PING_PATIENCE) {
                    Ok(stream) => {
                        stream.set_read_timeout(Some(PING_PATIENCE))?;
                        return exchange(stream);
                    }
                    Err(e) => last = e,
                }
            }
            Err(last)
        }
        Target::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PING_PATIENCE))?;
            exchange(stream)
        }
    }
}

fn exchange(mut stream: impl Read + Write) -> io::Result<String> {
    stream.write_all(b"*1\r\n$4\r\nPING\r\n")?;
    let mut answer = Vec::new();
    let mut piece = [0; 512];
    while !answer.contains(&b'\n') {
        match stream.read(&mut piece)? {
            0 => break,
            n => answer.extend_from_slice(&piece[..n]),
        }
    }
    if answer.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it closed the connection without an answer"));
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn ping_answered_by(answer: &'static str) -> i32 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let peer = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut call = [0; 14];
            stream.read_exact(&mut call).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let code = ping(&Target::Tcp("127.0.0.1".into(), port));
        peer.join().unwrap();
        code
    }

    #[test]
    fn a_server_is_there_when_it_serves_or_wants_a_password() {
        assert_eq!(ping_answered_by("+PONG\r\n"), 0);
        assert_eq!(ping_answered_by("-NOAUTH Authentication required.\r\n"), 0);
        assert_eq!(ping_answered_by("-LOADING Redis is loading the dataset in memory\r\n"), 1);
        assert_eq!(ping_answered_by(""), 1);
    }

    #[test]
    fn a_torn_log_is_found_and_mended() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("appendonly.aof");
        std::fs::write(&path, "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nDE").unwrap();
        assert_eq!(check_aof(&path, Mend::No, None), 1);
        assert_eq!(check_aof(&path, Mend::Cut, None), 0);
        assert_eq!(std::fs::read(&path).unwrap(), b"*1\r\n$4\r\nPING\r\n");
    }

    #[test]
    fn a_configuration_file_is_judged() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.conf");
        std::fs::write(&path, "port 1\n").unwrap();
        assert_eq!(check_config(path.clone()), 0);
        std::fs::write(&path, "prot 1\n").unwrap();
        assert_eq!(check_config(path), 1);
    }
}
