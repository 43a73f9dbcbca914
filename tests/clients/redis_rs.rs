//! redis-rs, in this process, under RESP2 and RESP3.

use std::collections::HashMap;
use std::sync::mpsc;
use std::time::Duration;

use redis::streams::{StreamPendingReply, StreamReadOptions, StreamReadReply};
use redis::{Commands, Connection, PushKind, Value};

use crate::support::{PATIENCE, Server, wait_until};

fn connect(server: &Server, protocol: &str) -> Connection {
    let address = format!("redis://127.0.0.1:{}/?protocol={protocol}", server.port());
    let connection = redis::Client::open(address).unwrap().get_connection().unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    connection
}

/// Runs a check under each protocol, each time on a fresh server.
#[track_caller]
fn under_each_protocol(check: impl Fn(&Server, &str)) {
    for protocol in ["resp2", "resp3"] {
        check(&Server::start(&[]), protocol);
    }
}

fn wait_until_blocked(server: &Server) {
    let mut watcher = server.client();
    wait_until("a blocked client", || watcher.info("blocked_clients") == "1");
}

#[test]
fn redis_rs_calls() {
    under_each_protocol(|server, protocol| {
        let mut c = connect(server, protocol);
        let _: () = c.set_ex("s", "v", 60).unwrap();
        assert_eq!(c.get::<_, Option<String>>("none").unwrap(), None);
        assert_eq!(c.incr::<_, _, f64>("f", 0.1).unwrap(), 0.1);
        let _: () = c.hset_multiple("h", &[("a", 1), ("b", 2)]).unwrap();
        assert_eq!(c.hgetall::<_, HashMap<String, i64>>("h").unwrap(), [("a".into(), 1), ("b".into(), 2)].into());
        let _: () = c.zadd_multiple("z", &[(1.0, "a"), (2.5, "b"), (f64::INFINITY, "c")]).unwrap();
        let pairs: Vec<(String, f64)> = c.zrange_withscores("z", 0, -1).unwrap();
        assert_eq!(pairs, [("a".into(), 1.0), ("b".into(), 2.5), ("c".into(), f64::INFINITY)]);
        assert!(c.sadd::<_, _, bool>("t", "a").unwrap() && c.sismember::<_, _, bool>("t", "a").unwrap());
        let mut keys: Vec<String> = c.scan().unwrap().map(Result::unwrap).collect();
        keys.sort();
        assert_eq!(keys, ["f", "h", "s", "t", "z"]);
        let error = c.incr::<_, _, i64>("h", 1).unwrap_err();
        assert_eq!(error.code(), Some("WRONGTYPE"));
        let info: redis::InfoDict = redis::cmd("INFO").query(&mut c).unwrap();
        assert_eq!(info.get::<String>("redis_mode").as_deref(), Some("standalone"));
    });
}

#[test]
fn redis_rs_pipelines() {
    under_each_protocol(|server, protocol| {
        let mut c = connect(server, protocol);
        let mut pipe = redis::pipe();
        for i in 0..10_000 {
            pipe.set(i, i).ignore().incr(i, 1);
        }
        let replies: Vec<i64> = pipe.query(&mut c).unwrap();
        assert_eq!(replies, (1..=10_000).collect::<Vec<i64>>());
        let value: Vec<u8> = (0..3_000_000u32).map(|i| i as u8).collect();
        let _: () = c.set("large", &value).unwrap();
        assert_eq!(c.get::<_, Vec<u8>>("large").unwrap(), value);
    });
}

#[test]
fn redis_rs_transactions_are_tried_again() {
    under_each_protocol(|server, protocol| {
        let increase = || {
            let mut c = connect(server, protocol);
            for _ in 0..50 {
                let _: (i64,) = redis::transaction(&mut c, &["counter"], |c, pipe| {
                    let value: Option<i64> = c.get("counter")?;
                    pipe.set("counter", value.unwrap_or(0) + 1).ignore().get("counter").query(c)
                })
                .unwrap();
            }
        };
        std::thread::scope(|threads| (0..8).for_each(|_| drop(threads.spawn(increase))));
        let mut c = connect(server, protocol);
        assert_eq!(c.get::<_, i64>("counter").unwrap(), 400);
        let _: () = c.hset("h", "f", "v").unwrap();
        let outcome = redis::pipe().atomic().set("k", 1).incr("h", 1).query::<(String, i64)>(&mut c);
        assert!(outcome.unwrap_err().to_string().contains("WRONGTYPE"));
        assert_eq!(c.get::<_, i64>("k").unwrap(), 1, "what stands before the failing call is done");
    });
}

#[test]
fn redis_rs_hears_messages() {
    under_each_protocol(|server, protocol| {
        let mut c = connect(server, protocol);
        let mut subscriber = connect(server, protocol);
        let mut subscriber = subscriber.as_pubsub();
        subscriber.subscribe("news").unwrap();
        subscriber.psubscribe("n*").unwrap();
        assert_eq!(c.publish::<_, _, i64>("news", "hello").unwrap(), 2);
        let seen: Vec<_> = (0..2).map(|_| subscriber.get_message().unwrap()).collect();
        assert_eq!(seen.iter().map(|m| m.get_payload::<String>().unwrap()).collect::<Vec<_>>(), ["hello", "hello"]);
        assert_eq!(seen.iter().map(|m| m.get_channel_name()).collect::<Vec<_>>(), ["news", "news"]);
        assert_eq!((seen[0].from_pattern(), seen[1].get_pattern::<String>().unwrap()), (false, "n*".into()));
    });
}

#[test]
fn redis_rs_waits_for_elements() {
    under_each_protocol(|server, protocol| {
        std::thread::scope(|threads| {
            let popped = threads.spawn(|| {
                let mut c = connect(server, protocol);
                c.blpop::<_, (String, String)>(&["none", "list"], PATIENCE.as_secs_f64()).unwrap()
            });
            wait_until_blocked(server);
            assert_eq!(connect(server, protocol).rpush::<_, _, i64>("list", "late").unwrap(), 1);
            assert_eq!(popped.join().unwrap(), ("list".into(), "late".into()));
        });
        let nothing: Option<(String, String)> = connect(server, protocol).brpop("none", 0.02).unwrap();
        assert_eq!(nothing, None);
    });
}

#[test]
fn redis_rs_reads_streams_as_a_group() {
    under_each_protocol(|server, protocol| {
        let read = || {
            let options = StreamReadOptions::default().group("g", "anna").block(PATIENCE.as_millis() as usize);
            let reply: StreamReadReply =
                connect(server, protocol).xread_options(&["stream"], &[">"], &options).unwrap();
            assert_eq!((reply.keys.len(), reply.keys[0].key.as_str()), (1, "stream"));
            reply.keys[0].ids.iter().map(|id| (id.id.clone(), id.get("n").unwrap())).collect::<Vec<(String, i64)>>()
        };
        let mut c = connect(server, protocol);
        let ids: Vec<String> = (0..5).map(|n| c.xadd("stream", "*", &[("n", n)]).unwrap()).collect();
        let _: () = c.xgroup_create("stream", "g", "0").unwrap();
        assert_eq!(read(), ids.iter().cloned().zip(0..5).collect::<Vec<_>>());
        assert_eq!(c.xack::<_, _, _, i64>("stream", "g", &ids[1..]).unwrap(), 4);
        let StreamPendingReply::Data(pending) = c.xpending("stream", "g").unwrap() else { panic!("one is pending") };
        assert_eq!((pending.count, &pending.start_id, &pending.end_id), (1, &ids[0], &ids[0]));
        assert_eq!((pending.consumers[0].name.as_str(), pending.consumers[0].pending), ("anna", 1));
        std::thread::scope(|threads| {
            let next = threads.spawn(read);
            wait_until_blocked(server);
            let late: String = c.xadd("stream", "*", &[("n", 9)]).unwrap();
            assert_eq!(next.join().unwrap(), [(late, 9)]);
        });
    });
}

#[test]
fn redis_rs_is_told_what_to_forget() {
    let server = Server::start(&[]);
    let mut c = connect(&server, "resp3");
    let (sender, pushes) = mpsc::channel();
    c.set_push_sender(sender);
    redis::cmd("CLIENT").arg(&["TRACKING", "ON"]).exec(&mut c).unwrap();
    assert_eq!(c.get::<_, Option<String>>("key").unwrap(), None);
    let _: () = connect(&server, "resp3").set("key", "v").unwrap();
    // A push is read with the next reply.
    assert_eq!(c.get::<_, String>("key").unwrap(), "v");
    let push = pushes.recv_timeout(Duration::ZERO).unwrap();
    assert_eq!(push.kind, PushKind::Invalidate);
    assert_eq!(push.data, [Value::Array(vec![Value::BulkString(b"key".into())])]);
}
