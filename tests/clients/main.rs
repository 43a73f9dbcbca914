//! Client libraries of other hands, unmodified, against the real binary: what people's programs do with them, and nothing of ours
//! in between. Python and Node scripts lie beside this file; `tests/clients/install` fetches what they import.

#[path = "../support/mod.rs"]
mod support;

mod redis_rs;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{Certificates, Server};

/// Longer than any script takes; one that hangs is ended and fails.
const SCRIPT_LIMIT_S: &str = "120";

/// What a script is run with.
enum Library {
    RedisPy,
    Arq,
    Node,
}

impl Library {
    /// The interpreter, where the packages are installed.
    fn interpreter(&self) -> PathBuf {
        match self {
            Library::RedisPy => packages("redis-py").join("bin/python"),
            Library::Arq => packages("arq").join("bin/python"),
            Library::Node => "node".into(),
        }
    }

    /// Whether the interpreter runs and the packages are there. Where not, says so; but CI must have them.
    #[track_caller]
    fn is_there(&self) -> bool {
        let name = match self {
            Library::RedisPy => "redis-py",
            Library::Arq => "arq",
            Library::Node => "node",
        };
        let run =
            Command::new(self.interpreter()).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let is_there = run.is_ok_and(|status| status.success()) && packages(name).join("made-from").is_file();
        assert!(
            is_there || std::env::var_os("CI").is_none(),
            "CI must have what tests/clients/install fetches: {name}"
        );
        if !is_there {
            eprintln!("left out: the packages of {name} are not installed; tests/clients/install fetches them");
        }
        is_there
    }

    /// Runs these checks of a script against a server, which has TLS where certificates are given.
    #[track_caller]
    fn run(&self, script: &str, checks: &[&str], server: &Server, tls: Option<(u16, &Certificates)>) {
        let mut command = Command::new("timeout");
        command.arg(SCRIPT_LIMIT_S).arg(self.interpreter());
        command.arg(root().join("tests/clients").join(script)).args(checks);
        command.env("PORT", server.port().to_string()).env("PACKAGES", packages("node").join("node_modules"));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        if let Some((port, certificates)) = tls {
            command.env("TLS_PORT", port.to_string()).env("FILES", certificates.directory());
        }
        let output = command.stdin(Stdio::null()).output().expect("`timeout` is one of the coreutils");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{script} {checks:?}: {}\n{}", output.status, String::from_utf8_lossy(&said));
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where `tests/clients/install` puts a part.
fn packages(part: &str) -> PathBuf {
    root().join("target/clients").join(part)
}

/// Runs checks of a script against a fresh server.
#[track_caller]
fn check(library: Library, script: &str, checks: &[&str]) {
    if library.is_there() {
        library.run(script, checks, &Server::start(&["--appendonly", "yes"]), None);
    }
}

/// Runs a script's check of TLS.
#[track_caller]
fn check_encrypted(library: Library, script: &str) {
    if !library.is_there() {
        return;
    }
    let Some(certificates) = Certificates::make(&["server", "client"]) else { return };
    let (server, port) = certificates.start_server("server", &[]);
    library.run(script, &["encrypted"], &server, Some((port, &certificates)));
}

const REDIS_PY: &str = "redis_py.py";
const IOREDIS: &str = "ioredis.mjs";
const NODE_REDIS: &str = "node_redis.mjs";

#[test]
fn redis_py_calls() {
    check(Library::RedisPy, REDIS_PY, &["handshake", "data", "pipelines"]);
}

#[test]
fn redis_py_transactions_and_locks() {
    check(Library::RedisPy, REDIS_PY, &["transactions", "locks"]);
}

#[test]
fn redis_py_waits() {
    check(Library::RedisPy, REDIS_PY, &["messages", "blocking", "streams"]);
}

#[test]
fn redis_py_keeps_a_cache() {
    check(Library::RedisPy, REDIS_PY, &["caching"]);
}

#[test]
fn redis_py_users_and_tls() {
    check(Library::RedisPy, REDIS_PY, &["users"]);
    check_encrypted(Library::RedisPy, REDIS_PY);
}

#[test]
fn arq_queues_jobs_without_scripts() {
    check(Library::Arq, "arq_jobs.py", &[]);
}

#[test]
fn ioredis_calls_and_transactions() {
    check(Library::Node, IOREDIS, &["handshake", "pipelines", "data", "transactions"]);
}

#[test]
fn ioredis_waits() {
    check(Library::Node, IOREDIS, &["messages", "blocking", "streams"]);
}

#[test]
fn ioredis_users_and_tls() {
    check(Library::Node, IOREDIS, &["users"]);
    check_encrypted(Library::Node, IOREDIS);
}

#[test]
fn node_redis_calls_and_transactions() {
    check(Library::Node, NODE_REDIS, &["handshake", "pipelines", "data", "transactions"]);
}

#[test]
fn node_redis_waits() {
    check(Library::Node, NODE_REDIS, &["messages", "blocking", "streams"]);
}

#[test]
fn node_redis_keeps_a_cache() {
    check(Library::Node, NODE_REDIS, &["caching"]);
}

#[test]
fn node_redis_users_and_tls() {
    check(Library::Node, NODE_REDIS, &["users"]);
    check_encrypted(Library::Node, NODE_REDIS);
}
