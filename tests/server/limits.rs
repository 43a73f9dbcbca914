//! Limits hold, and what is over them is told so; the server goes on.

use crate::support::{Client, Server, wait_until};

#[test]
fn more_clients_than_allowed_are_told_so() {
    let server = Server::start(&["--maxclients", "10"]);
    let mut first = vec![server.client()];
    wait_until("the end of those who looked whether it is up", || first[0].info("connected_clients") == "1");
    first.extend((1..10).map(|_| server.client()));
    for client in &mut first {
        assert_eq!(client.run("PING"), "PONG");
    }
    assert_eq!(server.client().read_to_end(), b"-ERR max number of clients reached\r\n");
    assert_eq!(first[0].info("rejected_connections"), "1");
    drop(first.pop());
    wait_until("a free place", || server.client().call_if_open("PING"));
}

#[test]
fn out_of_descriptors_the_listener_recovers() {
    let program = env!("CARGO_BIN_EXE_ferrodis");
    let limited = ["-c", "ulimit -n 60; exec \"$0\" \"$@\"", program, "--maxclients", "10000"];
    let server = Server::start_program("sh", &limited).unwrap();
    let mut many: Vec<Client> = (0..80).map(|_| server.client()).collect();
    assert_eq!(many[0].run("PING"), "PONG", "whoever is in is served");
    many.truncate(1);
    wait_until("the listener's recovery", || server.client().call_if_open("PING"));
    assert_eq!(many[0].run("PING"), "PONG");
}

#[test]
fn memory_stays_below_the_limit_while_more_is_loaded() {
    const LIMIT: u64 = 20 << 20;
    for (policy, value_bytes) in [("allkeys-lru", 50_000), ("allkeys-lfu", 10_000), ("volatile-ttl", 10_000)] {
        let server = Server::start(&["--maxmemory", "20mb", "--maxmemory-policy", policy]);
        let mut client = server.client();
        let value = "x".repeat(value_bytes);
        for round in 0..20 {
            let keys: Vec<String> = (0..100).map(|i| format!("key:{round}:{i}")).collect();
            let calls: Vec<[&str; 5]> =
                keys.iter().map(|key| ["SET", key.as_str(), value.as_str(), "EX", "1000"]).collect();
            let calls: Vec<&[&str]> = calls.iter().map(|call| call.as_slice()).collect();
            assert!(client.pipeline(&calls).iter().all(|reply| *reply == "OK"), "{policy}");
            let used: u64 = client.info("used_memory_dataset").parse().unwrap();
            // The allocator's figure: what was evicted last may still be on its way to be freed.
            assert!(used < LIMIT + (4 << 20), "{policy}: {used} bytes are used");
        }
        let mut kept = 0;
        wait_until("counts that agree: the tick may evict between the two", || {
            kept = client.run("DBSIZE").integer() as u64;
            client.info("evicted_keys") == (2000 - kept).to_string()
        });
        assert!(kept * (value_bytes as u64 + 100) > LIMIT / 2, "{policy}: more was evicted than needed");
    }
}

/// What new clients take besides their buffers was weighed twice in a while only: under a limit that was nearly reached, hundreds of
/// them took memory over it for up to 200 ms.
#[test]
fn what_new_clients_take_counts_towards_the_limit_at_once() {
    let server = Server::start(&["--maxmemory-policy", "allkeys-lru"]);
    let mut client = server.client();
    let used = |client: &mut Client| client.info("used_memory").parse::<u64>().unwrap();
    used(&mut client);
    let limit = used(&mut client) + (2 << 20);
    assert_eq!(client.call(&["CONFIG", "SET", "maxmemory", &limit.to_string()]), "OK");
    let value = "x".repeat(1000);
    (0..3000).for_each(|i| drop(client.call(&["SET", &i.to_string(), &value])));
    let mut others: Vec<Client> = (0..500).map(|_| server.client()).collect();
    others.iter_mut().for_each(|other| assert_eq!(other.run("PING"), "PONG"));
    assert!(used(&mut client) < limit + 4096, "{} bytes over the limit", used(&mut client) - limit);
}

#[test]
fn what_new_clients_take_counts_beside_a_log_too() {
    let server = Server::start(&["--appendonly", "yes"]);
    let mut client = server.client();
    let counted = |client: &mut Client| client.info("counted_memory").parse::<u64>().unwrap();
    counted(&mut client);
    let before = counted(&mut client);
    let others: Vec<Client> = (0..500).map(|_| server.client()).collect();
    wait_until("the clients' weight", || counted(&mut client) > before + 500 * 300);
    drop(others);
}

#[test]
fn a_limit_that_is_lowered_is_reached_and_one_without_a_policy_refuses() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let value = "x".repeat(1000);
    let keys: Vec<String> = (0..10_000).map(|i| format!("key:{i}")).collect();
    let calls: Vec<[&str; 3]> = keys.iter().map(|key| ["SET", key.as_str(), value.as_str()]).collect();
    client.pipeline(&calls.iter().map(|call| call.as_slice()).collect::<Vec<&[&str]>>());
    assert_eq!(client.run("CONFIG SET maxmemory 5mb"), "OK");
    let refused = client.run("SET another value");
    assert_eq!(refused, "-OOM command not allowed when used memory > 'maxmemory'.");
    assert_eq!(client.run("GET key:1").text().len(), 1000);
    assert_eq!(client.run("CONFIG SET maxmemory-policy allkeys-lru"), "OK");
    wait_until("room", || client.run("DBSIZE").integer() < 5000);
    assert_eq!(client.run("SET another value"), "OK");
}

/// The few bytes before a big bulk were kept in a buffer of the loop, of 32 KiB at times.
#[test]
fn the_head_of_a_big_bulk_held_a_large_buffer() {
    const BULK_BYTES: usize = 1 << 20;
    let server = Server::start(&[]);
    let mut reader = server.client();
    reader.call(&["SET", "key", &"x".repeat(20_000)]);
    let mut senders: Vec<Client> = (0..4).map(|_| server.client()).collect();
    for (number, sender) in senders.iter_mut().enumerate() {
        assert_eq!(sender.run(&format!("CLIENT SETNAME sender{number}")), "OK");
        reader.run("GET key");
        sender.send_raw(&[&b"*2\r\n$1048576\r\n"[..], &b"v".repeat(BULK_BYTES)[..]].concat());
    }
    let taken = |line: &str| line.split("tot-mem=").nth(1)?.split(' ').next()?.parse::<usize>().ok();
    wait_until("all that was sent", || {
        let list = reader.run("CLIENT LIST").text().to_string();
        let senders: Vec<&str> = list.lines().filter(|line| line.contains("name=sender")).collect();
        let has_come = |line: &&str| line.contains(&format!("qbuf={BULK_BYTES}"));
        senders.iter().all(has_come) && senders.iter().all(|line| taken(line).unwrap() < BULK_BYTES + 2048)
    });
}
