//! Configuration from file, standard input and arguments.

use super::super::values::{OutputLimit, SaveRule};
use super::super::{Invocation, Limit, MaxmemoryPolicy};
use super::*;

fn no_files(path: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    if path.contains('*') { Ok(Vec::new()) } else { Err("No such file or directory".to_string()) }
}

fn load(text: &str) -> Result<Loaded, Box<ConfigError>> {
    Config::from_sources(Sources { file: Some(("redis.conf", text.as_bytes())), ..Sources::default() }, &mut no_files)
}

fn load_words(file: &str, words: &[&str]) -> Result<Config, String> {
    let invocation = Invocation::parse(words);
    let sources =
        Sources { file: Some(("redis.conf", file.as_bytes())), options: &invocation.options, ..Sources::default() };
    Config::from_sources(sources, &mut no_files).map(|loaded| loaded.config).map_err(|error| error.to_string())
}

#[test]
fn a_file_is_read_with_quotes_comments_and_old_names() {
    let text = "# a comment\n\n  PORT 6380\r\nmaxmemory \"100mb\"\nmaxmemory-policy 'allkeys-lru'\nslave-read-only no\n\
                hash-max-ziplist-entries 7\nlogfile \"\"\nunixsocketperm 700\nbind 127.0.0.1 -::1\n";
    let config = load(text).expect("valid").config;
    assert_eq!(config.port, 6380);
    assert_eq!(config.maxmemory, Limit::Bytes(100 << 20));
    assert_eq!(config.maxmemory_policy, MaxmemoryPolicy::AllkeysLru);
    assert!(!config.replica_read_only);
    assert_eq!(config.hash_max_listpack_entries, 7);
    assert_eq!(config.unixsocketperm, 0o700);
    assert_eq!(config.bind, ["127.0.0.1", "-::1"]);
}

#[test]
fn save_lines_add_up_once_the_first_has_replaced_the_default() {
    let rules = |text: &str| load(text).expect("valid").config.save;
    assert_eq!(rules("").len(), 3);
    assert_eq!(rules("save 900 1\nsave 100 100").len(), 2);
    assert_eq!(
        rules("save \"900 1 300 10\""),
        [SaveRule { seconds: 900, changes: 1 }, SaveRule { seconds: 300, changes: 10 }]
    );
    assert_eq!(rules("save 900 1\nsave \"\""), []);
    let config = load_words("save 900 1", &["--save", "100", "100"]).expect("valid");
    assert_eq!(config.save.len(), 2);
    assert_eq!(load_words("save 900 1", &["--save"]).expect("valid").save, []);
}

#[test]
fn the_command_line_wins_over_the_file() {
    let config = load_words(
        "port 1\nloglevel debug",
        &["--port", "2", "--maxmemory 700mb", "--maxmemory-policy 'volatile-lru'"],
    );
    let config = config.expect("valid");
    assert_eq!(config.port, 2);
    assert_eq!(config.maxmemory, Limit::Bytes(700 << 20));
    assert_eq!(config.maxmemory_policy, MaxmemoryPolicy::VolatileLru);
}

#[test]
fn later_output_limits_keep_the_classes_they_do_not_name() {
    let config = load("client-output-buffer-limit replica 1mb 2kb 3\nclient-output-buffer-limit pubsub 0 0 0")
        .expect("valid")
        .config;
    let replica = OutputLimit { hard_bytes: 1 << 20, soft_bytes: 2048, soft_seconds: 3 };
    assert_eq!(config.client_output_buffer_limit, [OutputLimit::default(), replica, OutputLimit::default()]);
}

#[test]
fn errors_are_in_the_words_of_redis() {
    for (words, shown, message) in [
        (&["--foo"][..], "'foo'", "Bad directive or wrong number of arguments"),
        (&["--port"], "'port'", "wrong number of arguments"),
        (&["--port", "6379", "6380"], "'port \"6379\" \"6380\"'", "wrong number of arguments"),
        (&["--port", "--loglevel", "verbose"], "'port \"--loglevel\" \"verbose\"'", "wrong number of arguments"),
        (
            &["--port", "--bla", "--loglevel", "verbose"],
            "'port \"--bla\"'",
            "argument couldn't be parsed into an integer",
        ),
        (&["--loglevel", "--bla"], "'loglevel \"--bla\"'", "argument(s) must be one of the following: debug, verbose"),
        (&["--shutdown-on-sigint"], "'shutdown-on-sigint'", "argument(s) must be one of the following: default, save"),
        (&["--replicaof", "127.0.0.1", "abc"], "'replicaof \"127.0.0.1\" \"abc\"'", "Invalid master port"),
        (&["--replicaof", "--127.0.0.1", "--abc"], "'replicaof \"--127.0.0.1\"'", "wrong number of arguments"),
        (&["--replicaof"], "'replicaof'", "wrong number of arguments"),
        (&["--save", "1"], "'save \"1\"'", "Invalid save parameters"),
        (&["--user", "a", "--user", "a"], "'user (hidden)'", "Duplicate user found"),
        (&["--port", "99999"], "'port \"99999\"'", "argument must be between 0 and 65535 inclusive"),
        (
            &["--include", "missing.conf"],
            "'include \"missing.conf\"'",
            "can't open config file 'missing.conf': No such file",
        ),
    ] {
        let error = load_words("", words).expect_err("refused");
        assert!(error.contains("*** FATAL CONFIG FILE ERROR"), "{error}");
        assert!(error.contains(&format!(">>> {shown}")), "{error}");
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn an_error_has_its_line_its_column_and_a_suggestion() {
    let error = load("port 1\n\n  maxmemroy 10\n").expect_err("misspelt").0;
    assert_eq!((error.place.line, error.place.column, error.suggestion), (3, 3, Some("maxmemory")));
    let error = load("port 1\n  maxmemory  10x\n").expect_err("no size").0;
    assert_eq!((error.place.line, error.place.column), (2, 14));
    assert_eq!(error.message, "argument must be a memory or percent value");
    let error = load("port 1\nmaxmemory \"10\n").expect_err("open quote").to_string();
    assert!(error.contains("at line 2") && error.contains("Unbalanced quotes in configuration line"), "{error}");
}

#[test]
fn check_finds_everything_and_a_start_stops_at_the_first() {
    let text = "prt 1\nport x\nio-threads 4\ntimeout 5\ntimeout 6\n";
    let sources = Sources { file: Some(("f", text.as_bytes())), ..Sources::default() };
    let findings = check(sources, &mut no_files);
    let seen: Vec<(Severity, usize)> = findings.iter().map(|finding| (finding.severity, finding.place.line)).collect();
    assert_eq!(seen, [(Severity::Error, 1), (Severity::Error, 2), (Severity::Note, 5), (Severity::Warning, 3)]);
    assert_eq!(
        findings[0].to_string(),
        "f:1:1: error: Bad directive or wrong number of arguments; did you mean 'port'?"
    );
    assert_eq!(load(text).expect_err("refused").0.place.line, 1);
}

#[test]
fn what_has_no_effect_is_said_only_when_it_was_asked_for() {
    let loaded =
        load("lazyfree-lazy-user-del no\nactiverehashing no\nio-threads 4\nio-threads 1\nlua-replicate-commands yes")
            .expect("valid");
    let said: Vec<&str> =
        loaded.warnings.iter().map(|warning| warning.message.split('\'').nth(1).unwrap_or("")).collect();
    assert_eq!(said, ["lua-replicate-commands", "activerehashing"]);
}

#[test]
fn what_is_refused_ends_the_start_unless_it_is_the_default() {
    assert!(load("tls-port 0\ncluster-enabled no\naclfile \"\"\nactivedefrag no").is_ok());
    for text in ["rdma-port 6380", "cluster-enabled yes", "replicaof a 1", "loadmodule x.so"] {
        assert!(load(text).is_err(), "{text}");
    }
}

#[test]
fn secrets_never_show_in_messages() {
    for text in ["requirepass hunter2 x", "requirpass hunter2", "masterauth \"hunter2", "tls-key-file-pass hunter2 x"] {
        let error = load(text).expect_err("refused");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    let loaded = load("masterauth hunter2\nhash-seed hunter2\nuser a >hunter2").expect("valid");
    assert_eq!(loaded.warnings.len(), 2);
    assert!(!format!("{:?} {:?} {:?}", loaded.warnings, loaded.config, loaded.given).contains("hunter2"));
}

#[test]
fn included_files_are_read_in_place() {
    let mut files = |path: &str| match path {
        "conf.d/*.conf" => {
            Ok(vec![("a.conf".to_string(), b"port 1\nhz 20".to_vec()), ("b.conf".to_string(), b"port 2".to_vec())])
        }
        "bad.conf" => Ok(vec![("bad.conf".to_string(), b"\nfoo".to_vec())]),
        "itself" => Ok(vec![("itself".to_string(), b"include itself".to_vec())]),
        _ => no_files(path),
    };
    let mut read = |text: &str| {
        Config::from_sources(Sources { file: Some(("main", text.as_bytes())), ..Sources::default() }, &mut files)
    };
    let config = read("port 9\ninclude conf.d/*.conf\nhz 30\ninclude nothing-*").expect("valid").config;
    assert_eq!((config.port, config.hz), (2, 30));
    let error = read("include bad.conf").expect_err("bad");
    assert_eq!((error.0.place.source.as_str(), error.0.place.line), ("bad.conf", 2));
    assert!(read("include itself").is_err());
}

/// A name that nobody has was taken, and so the command that was meant stayed; two commands could get one name.
#[test]
fn a_rename_of_no_command_or_to_anothers_name_was_accepted() {
    let judge_command: JudgeCommand = |name| match name.to_ascii_lowercase().as_slice() {
        b"get" | b"set" | b"config" => Known::Here,
        b"eval" => Known::Elsewhere,
        _ => Known::Nowhere,
    };
    let judge = |text: &str| {
        let sources = Sources { file: Some(("c", text.as_bytes())), ..Sources::default() };
        Config::from_sources(Sources { judge_command: Some(judge_command), ..sources }, &mut no_files)
    };
    let refusal = |text: &str| judge(text).expect_err("refused").0.to_string();
    const NO_COMMAND: &str = "error: No such command in rename-command";
    assert_eq!(refusal("hz 9\nrename-command CONFG \"\""), format!("c:2:1: {NO_COMMAND}"));
    assert_eq!(refusal("rename-command get \"\"\nrename-command get x"), format!("c:2:1: {NO_COMMAND}"));
    assert_eq!(refusal("rename-command get SET"), "c:1:1: error: Target command name already exists");
    assert_eq!(
        refusal("rename-command get x\nrename-command set X"),
        "c:2:1: error: Target command name already exists"
    );
    let loaded =
        judge("rename-command eval \"\"\nrename-command GET x\nrename-command x y\nrename-command set get").unwrap();
    let names: Vec<_> = loaded.config.renamed_commands.iter().map(|r| (r.from.as_slice(), r.to.as_slice())).collect();
    assert_eq!(names, [(b"GET".as_slice(), b"y".as_slice()), (b"set", b"get")]);
    assert_eq!(loaded.warnings[0].to_string(), "c:1:1: warning: this version has no command 'eval' to rename");
}

#[test]
fn statements_are_kept_for_those_who_act_on_them() {
    let config = load("rename-command CONFIG \"\"\nrename-command get fetch").expect("valid").config;
    assert_eq!(config.renamed_commands[0], RenamedCommand { from: b"CONFIG".to_vec(), to: Vec::new() });
    assert_eq!(config.renamed_commands[1].to, b"fetch");
    assert!(load("rename-command get").is_err());
    assert!(
        load("sentinel monitor x")
            .expect_err("refused")
            .to_string()
            .contains("sentinel directive while not in sentinel mode")
    );
}

/// No bytes end the process: every prefix of a long file, and the file with every third byte replaced, is read or
/// refused.
#[test]
fn damaged_text_is_read_or_refused() {
    let text = b"bind * -::1\nsave 900 1 \"300 10\"\nclient-output-buffer-limit normal 1 2 3\nunixsocketperm \
    777\nuser a >b\n\
                 latency-tracking-info-percentiles 1 2\noom-score-adj-values 1 2 3\n\
                 notify-keyspace-events \"K\\xe4\"\n";
    let read = |bytes: &[u8]| {
        let findings = check(Sources { file: Some(("f", bytes)), ..Sources::default() }, &mut no_files);
        assert!(findings.iter().all(|finding| finding.place.line > 0));
    };
    for end in 0..=text.len() {
        read(&text[..end]);
    }
    for index in (0..text.len()).step_by(3) {
        for byte in [0, b'"', b'\\', b'\n', b'9', 0xff] {
            let mut damaged = text.to_vec();
            damaged[index] = byte;
            read(&damaged);
        }
    }
}
