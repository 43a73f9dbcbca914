//! What the words of the command line ask for: to serve, or one of the small tasks.

use crate::persistence::aof::check::Mend;
use crate::persistence::check_rdb::{TARGETS, Target as Reader};
use crate::server::config::Invocation;
use std::ffi::OsStr;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What `--help` prints.
pub const HELP: &str = "\
Usage: ferrodis [CONFIG] [--DIRECTIVE VALUE ...] [-]
       ferrodis check-config FILE|-
       ferrodis check-aof FILE|DIRECTORY [--fix] [--for TARGET]
       ferrodis check-rdb FILE [--for TARGET]
       ferrodis ping [--host HOST] [--port PORT] [--unixsocket PATH]
       ferrodis --version | --help

CONFIG is a configuration file as Redis and Valkey read it; `-` reads more of it from standard input.
Any directive may be given as an option, and wins over the file: --port 6380 --appendonly yes
check-config tells what is wrong with a configuration file, by line and column.
check-aof tells whether an append-only log is whole; --fix cuts a torn end off, and keeps it beside the log.
check-rdb tells what an RDB file holds and where it is damaged.
--for tells whether TARGET (redis-7.0, redis-7.2, redis-7.4, redis-8.0, valkey-7.2, valkey-8.0, valkey-8.1, valkey-9.0,
valkey-9.1) can load that log or file, and what of it cannot.
ping exits with 0 when a server answers, for health checks.
";

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// To be a server.
    Serve(Invocation),
    /// To say the version.
    Version,
    /// To say how it is called.
    Help,
    /// To check a configuration file.
    CheckConfig(PathBuf),
    /// To check a log.
    CheckAof {
        /// A directory, a manifest or a file.
        path: PathBuf,
        /// Whether to mend it.
        mend: Mend,
        /// For whom it is to be.
        target: Option<Reader>,
    },
    /// To describe an RDB file.
    CheckRdb {
        /// The file.
        path: PathBuf,
        /// For whom it is to be.
        target: Option<Reader>,
    },
    /// To ask a server whether it is there.
    Ping(Target),
    /// Nothing: the words make no sense, for this reason.
    Misuse(String),
}

/// Which server to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By TCP.
    Tcp(String, u16),
    /// By its Unix socket.
    Unix(PathBuf),
}

impl Task {
    /// Reads the words behind the program's name. A task's name is one only as the first word, and only when no file of that
    /// name could be meant: a configuration file with such a name is given as `./ping`.
    pub fn parse(words: &[Vec<u8>]) -> Task {
        let Some((first, rest)) = words.split_first() else { return Task::Serve(Invocation::default()) };
        match (first.as_slice(), rest) {
            (b"-v" | b"--version", []) => Task::Version,
            (b"-h" | b"--help", []) => Task::Help,
            (b"check-config" | b"check-aof" | b"check-rdb" | b"ping", [help]) if help == b"--help" => Task::Help,
            (b"check-config", [path]) => Task::CheckConfig(path_of(path)),
            (b"check-config", _) => Task::Misuse("check-config takes one file".into()),
            (b"check-aof", rest) => check_aof(rest),
            (b"check-rdb", rest) => check_rdb(rest),
            (b"ping", rest) => ping(rest),
            _ => Task::Serve(Invocation::parse(words)),
        }
    }
}

fn check_aof(words: &[Vec<u8>]) -> Task {
    let mend = if words.iter().any(|word| word == b"--fix") { Mend::Cut } else { Mend::No };
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).filter(|word| word != b"--fix").collect();
    match path_and_target("check-aof", &words) {
        Ok((path, target)) => Task::CheckAof { path, mend, target },
        Err(None) => Task::Misuse("check-aof takes one file or directory, --fix, and --for TARGET".into()),
        Err(Some(misuse)) => misuse,
    }
}

fn check_rdb(words: &[Vec<u8>]) -> Task {
    match path_and_target("check-rdb", &words.iter().map(Vec::as_slice).collect::<Vec<_>>()) {
        Ok((path, target)) => Task::CheckRdb { path, target },
        Err(misuse) => misuse.unwrap_or_else(|| Task::Misuse("check-rdb takes one file, and --for TARGET".into())),
    }
}

/// A path, and for whom what is there is to be; or what is wrong with the words, if there is more to say than what is right.
fn path_and_target(task: &str, words: &[&[u8]]) -> Result<(PathBuf, Option<Reader>), Option<Task>> {
    let (path, name) = match *words {
        [path] => (path, None),
        [path, b"--for", name] | [b"--for", name, path] => (path, Some(name)),
        _ => return Err(None),
    };
    if path.starts_with(b"--") {
        return Err(None);
    }
    let target = name.map(|name| {
        Reader::named(name).ok_or_else(|| {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            Task::Misuse(format!("{task} --for takes one of {}", names.join(", ")))
        })
    });
    Ok((path_of(path), target.transpose()?))
}

fn ping(words: &[Vec<u8>]) -> Task {
    let (mut host, mut port, mut path) = ("127.0.0.1".to_string(), 6379, None);
    for pair in words.chunks(2) {
        let [option, value] = pair else {
            return Task::Misuse(format!("ping: {} lacks a value", String::from_utf8_lossy(&pair[0])));
        };
        let text = String::from_utf8_lossy(value).into_owned();
        match option.as_slice() {
            b"--host" | b"-h" => host = text,
            b"--port" | b"-p" => match text.parse() {
                Ok(number) => port = number,
                Err(_) => return Task::Misuse(format!("ping: '{text}' is no port")),
            },
            b"--unixsocket" | b"-s" => path = Some(path_of(value)),
            _ => return Task::Misuse(format!("ping: unknown option {}", String::from_utf8_lossy(option))),
        }
    }
    match path {
        Some(path) => Task::Ping(Target::Unix(path)),
        None => Task::Ping(Target::Tcp(host, port)),
    }
}

fn path_of(word: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(word))
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Tcp(host, port) if host.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) => {
                write!(f, "[{host}]:{port}")
            }
            Target::Tcp(host, port) => write!(f, "{host}:{port}"),
            Target::Unix(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Task {
        Task::parse(&words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>())
    }

    #[test]
    fn tasks_are_told_from_a_start() {
        assert_eq!(parse(&["--version"]), Task::Version);
        assert_eq!((parse(&["-h"]), parse(&["check-aof", "--help"])), (Task::Help, Task::Help));
        assert_eq!(parse(&["check-config", "a.conf"]), Task::CheckConfig("a.conf".into()));
        let mended = |target| Task::CheckAof { path: "dir".into(), mend: Mend::Cut, target };
        assert_eq!(parse(&["check-aof", "--fix", "dir"]), mended(None));
        assert_eq!(parse(&["check-aof", "--for", "redis-7.0", "dir", "--fix"]), mended(Reader::named(b"redis-7.0")));
        let for_redis = Task::CheckRdb { path: "a".into(), target: Reader::named(b"redis-7.0") };
        assert_eq!(parse(&["check-rdb", "a", "--for", "redis-7.0"]), for_redis);
        assert_eq!(parse(&["check-rdb", "a"]), Task::CheckRdb { path: "a".into(), target: None });
        assert_eq!(parse(&["ping"]), Task::Ping(Target::Tcp("127.0.0.1".into(), 6379)));
        assert_eq!(parse(&["ping", "--unixsocket", "/a"]), Task::Ping(Target::Unix("/a".into())));
        assert!(matches!(parse(&["a.conf", "--port", "1"]), Task::Serve(i) if i.file.as_deref() == Some(b"a.conf")));
        assert!(matches!(parse(&["./ping"]), Task::Serve(_)));
    }

    #[test]
    fn what_a_task_cannot_take_is_said() {
        for words in [
            &["check-config"][..],
            &["check-aof", "a", "b"],
            &["check-aof", "a", "--for", "memcached"],
            &["check-rdb", "a", "--for", "memcached"],
            &["ping", "--port"],
            &["ping", "--port", "x"],
        ] {
            assert!(matches!(parse(words), Task::Misuse(_)), "{words:?}");
        }
    }
}
