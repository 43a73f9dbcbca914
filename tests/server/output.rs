//! Clients that do not take their replies, or ask for more than they may have: `client-output-buffer-limit`.

use crate::support::{Server, wait_until};

/// All that a client gets for these bytes before its connection ends.
fn answer_to(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut client = server.client();
    client.send_raw(bytes);
    client.read_to_end()
}

/// The limit counted what a socket had not taken: a reply that it took whole could be of any length, and CLIENT LIST showed 0.
#[test]
fn a_reply_beyond_the_hard_limit_is_not_sent_and_ends_the_connection() {
    let server = Server::start(&["--client-output-buffer-limit", "normal 100000 0 0"]);
    let mut client = server.client();
    client.run(&format!("SET k {}", "x".repeat(20_000)));
    assert_eq!(client.run("STRLEN k"), 20_000);
    assert_eq!(client.run("MGET k k k k").items().len(), 4);
    assert_eq!(answer_to(&server, b"MGET k k k k k k\r\n"), b"");
    let pipeline = [&b"SET done 1\r\n"[..], &b"GET k\r\n".repeat(6)].concat();
    assert_eq!(answer_to(&server, &pipeline), b"");
    assert_eq!(client.run("GET done"), "1");
    let transaction = [&b"MULTI\r\nSET one 1\r\n"[..], &b"GET k\r\n".repeat(6), b"SET two 2\r\nEXEC\r\n"].concat();
    assert_eq!(answer_to(&server, &transaction), b"");
    assert_eq!(client.run("MGET one two").items(), ["1", "2"], "it was carried out to the end");
    wait_until("all three", || client.info("client_output_buffer_limit_disconnections") == "3");
}

#[test]
fn what_a_subscriber_leaves_unread_is_shown_until_the_limit_ends_it() {
    let server = Server::start(&["--client-output-buffer-limit", "pubsub 1000000 0 0"]);
    let (mut subscriber, mut publisher) = (server.client(), server.client());
    subscriber.run("SUBSCRIBE c");
    let mut most = 0;
    wait_until("the end of the subscriber", || {
        publisher.run(&format!("PUBLISH c {}", "x".repeat(20_000)));
        let list = publisher.run("CLIENT LIST TYPE pubsub").text().to_string();
        let waiting = list.split(' ').find_map(|field| field.strip_prefix("omem=")?.parse().ok());
        most = waiting.unwrap_or(0).max(most);
        list.is_empty()
    });
    assert!((500_000..=1_000_000).contains(&most), "{most} bytes");
}

/// The value of a large SET is handed over to the store: it was gone, and counted as nothing, when COMMANDLOG looked.
#[test]
fn commandlog_shows_the_beginning_of_a_large_value() {
    let server = Server::start(&["--commandlog-request-larger-than", "100000"]);
    let mut client = server.client();
    client.run(&format!("SET k {}", "z".repeat(100_000)));
    client.run(&format!("SET k {}", "z".repeat(90_000)));
    let log = client.run("COMMANDLOG GET -1 large-request");
    assert_eq!(log.items().len(), 1);
    let entry = log.items()[0].items();
    assert_eq!(entry[2], 100_031);
    assert_eq!(entry[3].items()[2], format!("{}... (99872 more bytes)", "z".repeat(128)).as_str());
    // A key that few calls have written, with most of the bytes.
    assert!(
        client.run("INFO hotkeys").text().contains("by_bytes0:key=k,db=0,share=100"),
        "{:?}",
        client.run("INFO hotkeys")
    );
}
