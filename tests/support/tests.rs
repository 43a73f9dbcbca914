//! The tests' tools at work: on bytes, on a reference server, on programs that are no servers.

use std::io::ErrorKind;
use std::time::Duration;

use super::support::{Reference, Reply, ReplyReader, Server, encode, wait_until};

fn read_all(bytes: &[u8]) -> Vec<Reply> {
    let mut reader = ReplyReader::new(bytes);
    let mut replies = Vec::new();
    loop {
        match reader.read() {
            Ok(reply) => replies.push(reply),
            Err(end) => {
                assert_eq!(end.kind(), ErrorKind::UnexpectedEof, "{end}");
                return replies;
            }
        }
    }
}

#[test]
fn every_type_is_read_and_shown() {
    let bytes = b"+OK\r\n-ERR no\r\n:-5\r\n$4\r\na\r\nb\r\n$-1\r\n*2\r\n:1\r\n*-1\r\n_\r\n#t\r\n#f\r\n,1.5e10\r\n(123\r\n!6\r\nERR no\r\n\
                  =7\r\ntxt:a:b\r\n%1\r\n+a\r\n:1\r\n~1\r\n+a\r\n>2\r\n+message\r\n$0\r\n\r\n|1\r\n+ttl\r\n:9\r\n+value\r\n";
    let shown: Vec<String> = read_all(bytes).iter().map(|reply| format!("{reply:?}")).collect();
    let expected = [
        "+OK",
        "-ERR no",
        ":-5",
        "\"a\\r\\nb\"",
        "$-1",
        "[:1, *-1]",
        "_",
        "#t",
        "#f",
        ",1.5e10",
        "(123",
        "!ERR no",
        "=txt:\"a:b\"",
        "{+a: :1}",
        "~[+a]",
        ">[+message, \"\"]",
        "|{+ttl: :9} +value",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn what_is_not_resp_is_refused() {
    for bytes in ["?1\r\n", "\r\n", "+OK\n", ":one\r\n", "$1\r\nab\r\n", "$-2\r\n", "#x\r\n", "_x\r\n", "=3\r\nabc\r\n"]
    {
        let trouble = ReplyReader::new(bytes.as_bytes()).read().expect_err(bytes);
        assert_eq!(trouble.kind(), ErrorKind::InvalidData, "{bytes:?}: {trouble}");
    }
}

#[test]
fn replies_compare_with_plain_values() {
    assert_eq!(Reply::bulk("a"), "a");
    assert_eq!(Reply::Status("OK".into()), "OK");
    assert_eq!(Reply::Error("ERR no".into()), "-ERR no");
    assert_ne!(Reply::Error("ERR no".into()), "ERR no");
    assert_eq!(Reply::Integer(3), 3);
    assert_ne!(Reply::bulk("3"), 3);
    assert_eq!(Reply::Boolean(true), true);
    assert_eq!(Reply::Array(vec![Reply::bulk("a"), Reply::bulk("b")]), ["a", "b"]);
    assert_eq!(Reply::Array(vec![Reply::Array(vec![Reply::Integer(1)])]), [[1]]);
    assert_ne!(Reply::Array(vec![Reply::bulk("a")]), ["a", "b"]);
}

#[test]
fn commands_are_encoded_as_bulks() {
    assert_eq!(encode(&["SET", "", "a b"]), b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\na b\r\n");
}

#[test]
fn a_client_speaks_with_a_server() {
    let Some(server) = Reference::start(&[]) else { return };
    let mut client = server.client();
    assert_eq!(client.run("SET key value"), "OK");
    assert_eq!(client.call(&[&b"APPEND"[..], b"key", b"\0\r\n\xff"]), 9);
    assert_eq!(client.run("GET key"), Reply::bulk(b"value\0\r\n\xff"));
    assert_eq!(client.run("GET nothing"), Reply::NilBulk);
    assert_eq!(client.call_raw(&["GET", "nothing"]), b"$-1\r\n");
    assert_eq!(client.run("INCR key"), "-ERR value is not an integer or out of range");
    assert_eq!(client.run("MGET key nothing").items().len(), 2);
    assert_eq!(client.info("process_id"), server.pid().to_string());

    client.send_raw(b"PI");
    client.send_raw(b"NG\r\n");
    assert_eq!(client.read_reply(), "PONG");

    client.hello3();
    assert_eq!(client.run("GET nothing"), Reply::Null);
    assert_eq!(client.run("CONFIG GET port").pairs(), [(Reply::bulk("port"), Reply::bulk(server.port().to_string()))]);
    assert!(matches!(client.run("LATENCY DOCTOR"), Reply::Verbatim(format, _) if format == "txt"));

    client.set_patience(Duration::from_millis(50)).unwrap();
    assert_eq!(client.try_read_reply().unwrap_err().kind(), ErrorKind::TimedOut);
}

#[test]
fn a_pipeline_larger_than_all_buffers_comes_through() {
    let Some(server) = Reference::start(&[]) else { return };
    let value = "x".repeat(10_000);
    let command = ["ECHO", value.as_str()];
    let replies = server.client().pipeline(&vec![&command[..]; 2_000]);
    assert_eq!(replies.len(), 2_000);
    assert!(replies.iter().all(|reply| *reply == value));
}

#[test]
fn a_protocol_error_ends_the_connection() {
    let Some(server) = Reference::start(&[]) else { return };
    let mut client = server.client();
    client.send_raw(b"*1\r\n:1\r\n");
    assert_eq!(client.read_reply(), "-ERR Protocol error: expected '$', got ':'");
    assert_eq!(client.read_to_end(), b"");
    let mut client = server.client();
    client.run("SET left here");
    client.close_writing().unwrap();
    assert_eq!(client.read_to_end(), b"");
}

#[test]
fn a_unix_socket_is_spoken_to_alike() {
    let Some(server) = Reference::start(&["--unixsocket", "socket"]) else { return };
    let mut client = super::support::Client::connect_unix(&server.directory().join("socket")).unwrap();
    assert_eq!(client.run("PING"), "PONG");
}

#[test]
fn a_server_is_killed_and_comes_back_in_its_directory() {
    let Some(mut server) =
        Reference::start_with_persistence(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
    else {
        return;
    };
    assert_eq!(server.client().run("SET key value"), "OK");
    server.kill();
    assert!(server.has_ended());
    server.restart();
    assert_eq!(server.client().run("GET key"), "value");
    assert!(server.directory().join("appendonlydir").is_dir());
    assert_eq!(server.log().matches("Ready to accept connections").count(), 2);

    assert!(server.terminate().success());
    server.restart_with(&["--save", "", "--requirepass", "secret", "--logfile", "log"]);
    let mut client = server.client();
    assert_eq!(client.run("AUTH secret"), "OK");
    assert_eq!(client.run("DBSIZE"), 0);
    wait_until("the log file", || server.directory().join("log").is_file());
}

#[test]
fn a_program_that_does_not_serve_is_told_with_its_output() {
    let trouble = |program: &str, arguments: &[&str]| match Server::start_program(program, arguments) {
        Ok(_) => panic!("{program} serves"),
        Err(trouble) => trouble,
    };
    let told = trouble("sh", &["-c", "echo not a server; exit 3"]);
    assert!(told.contains("(exit status: 3) before it was ready:\nnot a server"), "{told}");
    assert!(trouble("/no/such/program", &[]).contains("cannot be run"));
}
