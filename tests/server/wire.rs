//! Bytes in, bytes out: however they are cut, however many, however big.

use crate::support::{Client, PATIENCE, Reply, Server, encode, wait_until};
use std::time::Duration;

#[test]
fn requests_may_be_split_at_any_byte() {
    let server = Server::start(&[]);
    let mut other = server.client();
    let request = [
        encode(&["SET", "key", "a\r\nb"]),
        b"APPEND key \"\\x20c\"\r\n".to_vec(),
        encode(&["GET", "key"]),
        b"\r\n".to_vec(),
        encode(&["DEL", "key"]),
    ]
    .concat();
    let replies = b"+OK\r\n:6\r\n$6\r\na\r\nb c\r\n:1\r\n";
    for at in 1..request.len() {
        let mut client = server.client();
        client.send_raw(&request[..at]);
        assert_eq!(other.run("PING"), "PONG", "the loop goes round in between");
        client.send_raw(&request[at..]);
        client.close_writing().unwrap();
        assert_eq!(client.read_to_end(), replies, "split at {at}");
    }
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let server = Server::start(&[]);
    let (mut client, mut other) = (server.client(), server.client());
    for byte in encode(&["ECHO", "slowly"]) {
        client.send_raw(&[byte]);
        other.run("PING");
    }
    assert_eq!(client.read_reply(), "slowly");
}

#[test]
fn a_pipeline_of_ten_thousand_calls_is_answered_in_order() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let calls: Vec<&[&str]> = vec![&["INCR", "n"]; 10_000];
    for (i, reply) in client.pipeline(&calls).iter().enumerate() {
        assert_eq!(reply.integer(), i as i64 + 1);
    }
}

/// What is wrong behind a call that waits was answered before it.
#[test]
fn errors_behind_a_call_that_waits_stand_behind_its_answer() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.send_raw(b"BLPOP k 0.01\r\nLSET\r\nNOSUCH\r\nPING\r\n*1\r\nx");
    let replies = String::from_utf8(client.read_to_end()).unwrap();
    let first_words: Vec<&str> = replies.lines().map(|line| line.split(' ').nth(1).unwrap_or(line)).collect();
    assert_eq!(first_words, ["*-1", "wrong", "unknown", "+PONG", "Protocol"]);
}

#[test]
fn inline_calls_are_quoted_as_in_redis() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.send_raw(b"set a \"x\\x41\\n\\\"\"\r\nget a\nset b 'it\\'s'\r\nget b\r\n");
    let replies: Vec<Reply> = (0..4).map(|_| client.read_reply()).collect();
    assert_eq!(replies, ["OK", "xA\n\"", "OK", "it's"]);
    client.send_raw(b"set a 'open\r\n");
    assert_eq!(client.read_to_end(), b"-ERR Protocol error: unbalanced quotes in request\r\n");
}

#[test]
fn big_arguments_come_back_as_they_went() {
    let server = Server::start(&[]);
    let mut client = server.client();
    for len in [16_384, 65_535, 1 << 20, 100 << 20] {
        let pattern: Vec<u8> = (0..4099_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let value: Vec<u8> = pattern.repeat(len / pattern.len() + 1)[..len].to_vec();
        assert_eq!(client.call(&[b"SET".as_slice(), b"big", &value]), "OK");
        let Reply::Bulk(bytes) = client.run("GET big") else { panic!("no value of {len} bytes") };
        assert!(bytes == value, "{len} bytes came back changed");
    }
}

#[test]
fn a_big_argument_may_be_followed_by_more_calls() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let value = vec![b'v'; 300_000];
    let request =
        [encode(&[b"SET".as_slice(), b"a", &value]), encode(&["STRLEN", "a"]), encode(&["PING"])].concat().repeat(3);
    client.send_raw(&request);
    for _ in 0..3 {
        assert_eq!(client.read_reply(), "OK");
        assert_eq!(client.read_reply(), 300_000);
        assert_eq!(client.read_reply(), "PONG");
    }
}

#[test]
fn what_is_not_the_protocol_ends_the_connection_with_the_words_of_redis() {
    let server = Server::start(&[]);
    for (bytes, words) in [
        (&b"*x\r\n"[..], "invalid multibulk length"),
        (b"*2147483648\r\n", "invalid multibulk length"),
        (b"*1\r\nPING\r\n", "expected '$', got 'P'"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n$536870913\r\n", "invalid bulk length"),
        (b"*1\r\n$x\r\n", "invalid bulk length"),
        (&[b'a'; 70_000], "too big inline request"),
        (&[b"*".as_slice(), &[b'1'; 70_000]].concat(), "too big mbulk count string"),
    ] {
        let mut client = server.client();
        // The server may close before it has read all of it.
        let _ = client.try_send_raw(bytes);
        let answer = String::from_utf8_lossy(&client.read_to_end()).into_owned();
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
        assert!(
            answer == format!("-ERR Protocol error: {words}\r\n") || (answer.is_empty() && bytes.len() > 60_000),
            "{shown:?} was answered {answer:?}"
        );
    }
}

/// More than 1,048,576 words were refused, as by Redis up to 6: a client that deletes so many keys at once lost its connection.
#[test]
fn a_call_of_more_than_a_million_words_was_no_protocol() {
    const KEYS: usize = 600_000;
    let mut server = Server::start(&["--appendonly", "yes"]);
    let mut client = server.client();
    let keys: Vec<String> = (0..KEYS).map(|number| format!("{number:x}")).collect();
    let pairs: Vec<&str> = keys.iter().flat_map(|key| [key.as_str(), "v"]).collect();
    assert_eq!(client.call(&[&["MSET"][..], &pairs].concat()), "OK");
    server.restart_with_log();
    let mut client = server.client();
    assert_eq!(client.run("DBSIZE"), KEYS as i64);
    assert_eq!(client.call(&[&["DEL"][..], &pairs].concat()), KEYS as i64);
}

#[test]
fn calls_before_a_protocol_error_are_answered() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.send_raw(b"SET a 1\r\nGET a\r\n*z\r\nGET a\r\n");
    assert_eq!(client.read_to_end(), b"+OK\r\n$1\r\n1\r\n-ERR Protocol error: invalid multibulk length\r\n");
}

#[test]
fn whoever_stops_talking_still_hears_all_answers() {
    let server = Server::start(&[]);
    server.client().call(&["SET".as_bytes(), b"big", &vec![b'x'; 1 << 20]]);
    let mut client = server.client();
    client.send_raw(b"GET big\r\nGET big\r\nPING\r\n");
    client.close_writing().unwrap();
    let answers = client.read_to_end();
    assert_eq!(answers.len(), 2 * ((1 << 20) + b"$1048576\r\n\r\n".len()) + 7);
    assert!(answers.ends_with(b"+PONG\r\n"));
}

#[test]
fn whoever_does_not_read_is_read_from_no_further_than_a_bound() {
    let server = Server::start(&[]);
    let mut other = server.client();
    other.call(&["SET".as_bytes(), b"big", &vec![b'x'; 1 << 20]]);
    let before: u64 = other.info("used_memory").parse().unwrap();
    let mut slow = server.client();
    slow.send_raw(&encode(&["GET", "big"]).repeat(100));
    let mut used = || other.info("used_memory").parse::<u64>().unwrap();
    wait_until("what is kept for one that does not read", || used() > before + (30 << 20));
    for _ in 0..200 {
        let kept = used().saturating_sub(before);
        assert!(kept < 40 << 20, "{} MiB are kept for one that does not read", kept >> 20);
    }
    for i in 0..100 {
        let Reply::Bulk(bytes) = slow.read_reply() else { panic!("no answer to call {i}") };
        assert_eq!(bytes.len(), 1 << 20);
    }
}

/// Libraries send a whole pipeline before they read its first answer. When the server had stopped to read at 1 MiB of answers, such
/// a client and the server waited for each other for ever.
#[test]
fn a_pipeline_larger_than_all_buffers_may_be_sent_before_its_answers_are_read() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let call = encode(&["ECHO", &"x".repeat(4000)]);
    const CALLS: usize = 20_000;
    client.send_raw(&call.repeat(CALLS));
    client.close_writing().unwrap();
    assert_eq!(client.read_to_end().len(), CALLS * b"$4000\r\n\r\n".len() + CALLS * 4000);
}

#[test]
fn replies_can_be_switched_off_under_always_without_hanging() {
    let server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut client = server.client();
    client.send_raw(b"CLIENT REPLY OFF\r\n");
    for _ in 0..20 {
        client.send_raw(&encode(&["INCR", "n"]));
    }
    client.send_raw(b"CLIENT REPLY ON\r\nGET n\r\n");
    assert_eq!(client.read_reply(), "OK");
    assert_eq!(client.read_reply(), "20");
}

#[test]
fn an_unauthenticated_client_cannot_make_the_server_buffer() {
    let server = Server::start(&["--requirepass", "secret"]);
    for (bytes, words) in [
        (&b"*11\r\n"[..], "unauthenticated multibulk length"),
        (b"*2\r\n$4\r\nAUTH\r\n$16385\r\n", "unauthenticated bulk length"),
    ] {
        let mut client = server.client();
        client.send_raw(bytes);
        let answer = String::from_utf8_lossy(&client.read_to_end()).into_owned();
        assert_eq!(answer, format!("-ERR Protocol error: {words}\r\n"));
    }
    let mut client = server.client();
    assert_eq!(client.run("GET a"), "-NOAUTH Authentication required.");
    assert_eq!(client.run("AUTH secret"), "OK");
    assert_eq!(client.call(&["SET".as_bytes(), b"a", &vec![b'x'; 100_000]]), "OK");
}

#[test]
fn a_query_beyond_its_limit_ends_the_connection() {
    let server = Server::start(&["--client-query-buffer-limit", "1mb"]);
    let mut client = server.client();
    let _ = client.try_send_raw(&[b"*2\r\n$4\r\nECHO\r\n$8000000\r\n".as_slice(), &vec![b'x'; 4 << 20]].concat());
    client.set_patience(PATIENCE).unwrap();
    assert_eq!(client.read_to_end(), b"");
    wait_until("the client's end", || server.client().info("connected_clients") == "1");
}

#[test]
fn http_requests_end_the_connection() {
    let server = Server::start(&[]);
    for request in [&b"POST / HTTP/1.1\r\n"[..], b"Host: localhost\r\nSET a 1\r\n"] {
        let mut client = Client::connect(server.address()).unwrap();
        client.set_patience(Duration::from_secs(10)).unwrap();
        client.send_raw(request);
        assert_eq!(client.read_to_end(), b"");
    }
    assert!(server.client().run("GET a").is_nil());
}
