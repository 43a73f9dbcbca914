//! Many clients, large ones and silent ones: each meets its limit, and the others are served meanwhile.

use crate::support::{Client, Server, encode, wait_until};

/// A half request: so many bytes of a bulk string that never ends.
fn half_request(bytes: usize) -> Vec<u8> {
    [format!("*2\r\n$4\r\nECHO\r\n${}\r\n", bytes + 1).into_bytes(), vec![b'x'; bytes]].concat()
}

/// Clients of about the same size are alike to the server, so the largest is to be far larger than the second.
#[test]
fn the_largest_clients_are_evicted_and_no_more_than_needed() {
    let server = Server::start(&["--maxmemory-clients", "8mb"]);
    let mut control = server.client();
    assert_eq!(control.run("CLIENT NO-EVICT ON"), "OK");
    let mut large: Vec<Client> = [1, 2, 8]
        .map(|mib| (mib, server.client()))
        .map(|(mib, mut client)| {
            client.run(&format!("CLIENT SETNAME mib{mib}"));
            let _ = client.try_send_raw(&half_request(mib << 20));
            client
        })
        .into();
    wait_until("an eviction", || control.info("evicted_clients") == "1");
    assert_eq!(large.pop().unwrap().read_to_end(), b"", "the largest goes");
    let left = control.run("CLIENT LIST").text();
    assert!(left.contains("name=mib1 ") && left.contains("name=mib2 ") && !left.contains("name=mib8 "), "{left}");
    assert_eq!(control.run("CONFIG SET maxmemory-clients 2mb"), "OK");
    wait_until("a second eviction", || control.info("evicted_clients") == "2");
    let left = control.run("CLIENT LIST").text();
    assert!(left.contains("name=mib1 ") && !left.contains("name=mib2 "), "{left}");
    let sizes = control.run("DEBUG CLIENT-EVICTION");
    assert!(sizes.is_error(), "a debug command needs leave: {sizes:?}");
}

#[test]
fn what_a_client_watches_listens_to_and_queues_counts() {
    let server = Server::start(&["--maxmemory-clients", "300kb"]);
    let mut control = server.client();
    assert_eq!(control.run("CLIENT NO-EVICT ON"), "OK");
    let words: Vec<String> = (0..5000).map(|i| format!("word:{i:08}")).collect();
    for (evicted, command) in ["WATCH", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"].iter().enumerate() {
        let mut client = server.client();
        let call: Vec<&str> = [*command].into_iter().chain(words.iter().map(String::as_str)).collect();
        let _ = client.try_send_raw(&encode(&call));
        wait_until(command, || control.info("evicted_clients") == (evicted + 1).to_string());
    }
    let mut client = server.client();
    let _ =
        client.try_send_raw(&[b"MULTI\r\n".to_vec(), encode(&["SET", "k", &"x".repeat(30_000)]).repeat(20)].concat());
    wait_until("MULTI", || control.info("evicted_clients") == "5");
    assert_eq!(control.info("watching_clients"), "0");
    assert_eq!(control.run("PUBSUB NUMPAT").integer(), 0);
}

#[test]
fn a_transaction_beyond_the_query_limit_ends_its_connection() {
    let server = Server::start(&["--client-query-buffer-limit", "1mb"]);
    let mut client = server.client();
    let _ = client.try_send_raw(&[encode(&["MULTI"]), encode(&["SET", "k", &"x".repeat(1000)]).repeat(2000)].concat());
    let heard = client.read_to_end();
    assert!(heard.starts_with(b"+OK\r\n+QUEUED\r\n") || heard.is_empty());
    let mut other = server.client();
    assert_eq!(other.info("client_query_buffer_limit_disconnections"), "1");
    assert_eq!(other.run("EXISTS k").integer(), 0);
}

#[test]
fn a_listener_that_does_not_read_meets_its_limit_and_the_others_hear_all() {
    let server = Server::start(&["--client-output-buffer-limit", "pubsub 1mb 0 0"]);
    let (mut slow, mut quick, mut sender) = (server.client(), server.client(), server.client());
    slow.run("SUBSCRIBE c");
    quick.run("SUBSCRIBE c");
    let message = "x".repeat(50_000);
    const MESSAGES: usize = 400;
    for _ in 0..MESSAGES {
        sender.call(&["PUBLISH", "c", &message]);
        assert_eq!(quick.read_reply().items().len(), 3);
    }
    assert_eq!(sender.info("client_output_buffer_limit_disconnections"), "1");
    assert_eq!(sender.run("PUBLISH c last").integer(), 1);
}

/// Under `timeout`, workers that waited for a job and subscribers were closed as idle, and who was served at last right behind its answer.
#[test]
fn who_waits_and_who_listens_was_closed_as_idle() {
    let server = Server::start(&["--timeout", "1"]);
    let (mut worker, mut subscriber) = (server.client(), server.client());
    worker.send(&["BLPOP", "jobs", "0"]);
    subscriber.run("SUBSCRIBE channel");
    // Each client is looked at once a second: when a second idle one has gone, those have been looked at.
    for _ in 0..2 {
        assert_eq!(server.client().read_to_end(), b"");
    }
    let mut control = server.client();
    assert_eq!(control.run("PUBLISH channel hello"), 1);
    assert_eq!(control.run("RPUSH jobs first"), 1);
    assert_eq!(worker.read_reply(), ["jobs", "first"]);
    assert_eq!(subscriber.read_reply(), ["message", "channel", "hello"]);
    assert_eq!(worker.run("PING"), "PONG");
}

/// Only calls counted as activity: an upload or a download that took longer than `timeout` was cut off.
#[test]
fn bytes_on_their_way_were_idleness() {
    let server = Server::start(&[]);
    let mut control = server.client();
    let (mut sender, mut subscriber) = (server.client(), server.client());
    sender.run("CLIENT SETNAME sender");
    subscriber.run("CLIENT SETNAME subscriber");
    subscriber.run("SUBSCRIBE channel");
    sender.send_raw(&half_request(100_000));
    let mut are_idle = |is_idle: bool| {
        let list = control.run("CLIENT LIST").text().to_string();
        let both = list.lines().filter(|line| line.contains("name=s"));
        both.filter(|line| line.contains(" idle=0 ") != is_idle).count() == 2
    };
    wait_until("both are idle", || are_idle(true));
    sender.send_raw(b"x");
    server.client().run("PUBLISH channel hello");
    wait_until("neither is", || are_idle(false));
}
