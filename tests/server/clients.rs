//! Many clients, large ones and silent ones: each meets its limit, and the others are served meanwhile.

use crate::support::{Client, Server, encode, wait_until};

/// A half request: so many bytes of a bulk string that never ends.
fn half_request(bytes: usize) -> Vec<u8> {
    [format!("*2\r\n$4\r\nECHO\r\n${}\r\n", bytes + 1).into_bytes(), vec![b'x'; bytes]].concat()
}

#[test]
fn the_largest_clients_are_evicted_and_no_more_than_needed() {
    let server = Server::start(&["--maxmemory-clients", "6mb"]);
    let mut control = server.client();
    assert_eq!(control.run("CLIENT NO-EVICT ON"), "OK");
    let mut large: Vec<Client> = [1, 2, 4]
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
    assert!(left.contains("name=mib1 ") && left.contains("name=mib2 ") && !left.contains("name=mib4 "), "{left}");
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
fn a_transaction_of_very_many_calls_holds_up_nobody_while_it_is_queued() {
    let server = Server::start(&[]);
    let (mut client, mut other) = (server.client(), server.client());
    const CALLS: usize = 200_000;
    client.send_raw(&[encode(&["MULTI"]), encode(&["INCR", "n"]).repeat(CALLS), encode(&["EXEC"])].concat());
    assert_eq!(other.run("PING"), "PONG");
    assert_eq!(client.read_reply(), "OK");
    (0..CALLS).for_each(|_| assert_eq!(client.read_reply(), "QUEUED"));
    assert_eq!(client.read_reply().items().len(), CALLS);
    assert_eq!(other.run("GET n"), CALLS.to_string());
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
fn a_hundred_thousand_patterns_end_with_their_client() {
    let server = Server::start(&[]);
    let (mut client, mut other) = (server.client(), server.client());
    let patterns: Vec<String> = (0..100_000).map(|i| format!("{i}*")).collect();
    for together in patterns.chunks(1000) {
        let call: Vec<&str> = ["PSUBSCRIBE"].into_iter().chain(together.iter().map(String::as_str)).collect();
        client.send(&call);
        (0..together.len()).for_each(|_| drop(client.read_reply()));
    }
    assert_eq!(other.run("PUBSUB NUMPAT").integer(), 100_000);
    assert_eq!(other.run("PUBLISH 77777 hi").integer(), 5);
    drop(client);
    wait_until("the end of all patterns", || other.run("PUBSUB NUMPAT").integer() == 0);
}

#[test]
fn a_storm_of_connections_that_come_and_go_leaves_nothing_behind() {
    let server = Server::start(&[]);
    let mut control = server.client();
    for round in 0..20 {
        let mut storm: Vec<Client> = (0..50).map(|_| server.client()).collect();
        for (i, client) in storm.iter_mut().enumerate() {
            // Some say nothing, some half a request, some all and no more, some listen.
            match i % 4 {
                0 => {}
                1 => client.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\n"),
                2 => client.close_writing().unwrap(),
                _ => client.send_raw(b"CLIENT TRACKING ON BCAST\r\nSUBSCRIBE c\r\nGET x\r\n"),
            }
        }
        assert_eq!(control.run("PING"), "PONG", "round {round}");
    }
    wait_until("the end of all connections", || control.info("connected_clients") == "1");
    let rest = ["pubsub_clients", "pubsub_channels", "tracking_clients", "tracking_total_prefixes", "blocked_clients"];
    assert_eq!(rest.map(|field| control.info(field)), ["0"; 5]);
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
