//! Client libraries of other hands, unmodified, against the real binary: what people's programs do with them, and nothing of ours
//! in between. Python and Node scripts lie beside this file; `tests/clients/install` fetches what they import. The dashboard's client
//! is a browser: `FERRODIS_CHROMIUM` names it, otherwise it is looked for.

#[path = "../support/mod.rs"]
mod support;

mod redis_rs;

use std::net::TcpListener;
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

    /// Runs these checks of a script against a server.
    #[track_caller]
    fn run(&self, script: &str, checks: &[&str], server: &Server) {
        self.run_with(script, checks, server, &[]);
    }

    /// The same, with these in its environment.
    #[track_caller]
    fn run_with(&self, script: &str, checks: &[&str], server: &Server, environment: &[(&str, &str)]) {
        let mut command = Command::new("timeout");
        command.arg(SCRIPT_LIMIT_S).arg(self.interpreter());
        command.arg(root().join("tests/clients").join(script)).args(checks);
        command.env("PORT", server.port().to_string()).env("PACKAGES", packages("node").join("node_modules"));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.envs(environment.iter().copied());
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
        library.run(script, checks, &Server::start(&["--appendonly", "yes"]));
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
    let (port, files) = (port.to_string(), certificates.directory().to_string_lossy().into_owned());
    library.run_with(script, &["encrypted"], &server, &[("TLS_PORT", &port), ("FILES", &files)]);
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

/// The browser for the dashboard; `None`, and a word about it, where there is none.
fn chromium() -> Option<String> {
    let names =
        std::env::var("FERRODIS_CHROMIUM").map_or(vec!["chromium".into(), "google-chrome".into()], |name| vec![name]);
    let runs = |name: &String| {
        let run = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        run.is_ok_and(|status| status.success())
    };
    let path = |name: &String| {
        let found = Command::new("sh").arg("-c").arg("command -v \"$0\"").arg(name).output().ok()?;
        Some(String::from_utf8(found.stdout).ok()?.trim().to_owned())
    };
    let found = names.iter().find(|name| runs(name)).and_then(path);
    if found.is_none() {
        eprintln!("left out: there is no Chromium to look at the dashboard with; FERRODIS_CHROMIUM names one");
    }
    found
}

/// Runs checks of the dashboard in a browser, against a server with a configuration file, so that it can be started again as it is.
#[track_caller]
fn check_dashboard(checks: &[&str]) {
    let Some(chromium) = chromium().filter(|_| Library::Node.is_there()) else { return };
    let files = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap().port();
    let file = files.path().join("ferrodis.conf");
    std::fs::write(&file, format!("metrics-port {port}\nenable-debug-command yes\nappendonly yes\n")).unwrap();
    let server = Server::start(&[file.to_str().unwrap()]);
    let page = format!("http://127.0.0.1:{port}/");
    Library::Node.run_with("dashboard.mjs", checks, &server, &[("CHROMIUM", &chromium), ("PAGE", &page)]);
}

#[test]
fn the_dashboard_shows_what_happens_at_two_sizes_in_two_schemes() {
    check_dashboard(&["charts"]);
}

#[test]
fn the_dashboard_has_bars_for_what_is_under_way() {
    check_dashboard(&["progress"]);
}

#[test]
fn the_dashboard_asks_for_the_password() {
    check_dashboard(&["password"]);
}
