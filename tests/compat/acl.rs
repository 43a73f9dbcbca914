//! Users: the same rules make the same users, which may make the same calls. `FERRODIS_SEED=n` replays a run.

use crate::support::{Reference, Server, encode};
use fastrand::Rng;

const RUNS: u64 = 6;
const STEPS: usize = 400;

fn one_of(rng: &mut Rng, words: &[&str]) -> String {
    words[rng.usize(..words.len())].to_string()
}

fn rule(rng: &mut Rng) -> String {
    let sign = |rng: &mut Rng| one_of(rng, &["+", "-"]);
    match rng.u8(0..14) {
        0 => {
            one_of(rng, &["on", "off", "nopass", "resetpass", "reset", "clearselectors", "sanitize-payload", "ON", ""])
        }
        1 => one_of(rng, &[">a", ">b", "<a", "<b", "#x", "!x", ">"]),
        2 => one_of(rng, &["allkeys", "resetkeys", "allchannels", "resetchannels", "allcommands", "nocommands"]),
        3..=6 => {
            let commands =
                ["get", "SET", "config", "config|get", "client|id", "select|1", "nope", "config|x", "mget", "get|"];
            sign(rng) + &one_of(rng, &commands)
        }
        7 | 8 => {
            sign(rng) + &one_of(rng, &["@all", "@read", "@write", "@hash", "@geo", "@keyspace", "@pubsub", "@nope"])
        }
        9 | 10 => {
            one_of(rng, &["~", "%R~", "%W~", "%rw~", "%RR~", "%~"]) + &one_of(rng, &["a", "a*", "*", "b?", "[ab]*", ""])
        }
        11 => format!("&{}", one_of(rng, &["a", "a*", "*", "b?"])),
        // No parenthesis in a pattern: within a selector Redis shows it in a way that it cannot read back.
        12 => one_of(rng, &["x", "(", ")", "(+get", "%R", "+", "@read"]),
        _ => {
            let rules: Vec<String> = (0..rng.usize(0..4)).map(|_| rule(rng)).collect();
            format!("({})", rules.join(" "))
        }
    }
}

fn call(rng: &mut Rng) -> Vec<String> {
    let words = |line: &str| line.split(' ').map(str::to_string).collect::<Vec<_>>();
    match rng.u8(0..10) {
        0 => words("ACL GETUSER u"),
        1 => words("ACL LIST"),
        2..=4 => {
            let calls = [
                "get a1",
                "get b",
                "set a1 x",
                "set b1 x get",
                "mget a1 b",
                "config get x",
                "config set x y",
                "client id",
                "select 1",
                "select 2",
                "publish a x",
                "subscribe a b",
                "psubscribe a*",
                "del a",
                "exists b",
                "copy a1 b1",
                "ping",
                "auth x y",
                "hset a f v",
                "keys *",
                "nope",
                "get",
                "config nope",
                "zunionstore a 1 b",
                "bitfield a get u8 0",
                "spublish b x",
            ];
            words(&format!("ACL DRYRUN u {}", one_of(rng, &calls)))
        }
        _ => {
            let rules = (0..rng.usize(1..4)).map(|_| rule(rng));
            words("ACL SETUSER u").into_iter().chain(rules).collect()
        }
    }
}

/// What is compared of a reply: 7.0 has other words for what is denied, and sums the rules for commands up in another way.
fn compared(reply: &[u8], is_old: bool) -> String {
    let text = reply.escape_ascii().to_string();
    let is_denial = text.contains(" has no permissions to ");
    let shows_rules = text.contains("commands") || text.contains("user u ");
    match is_old {
        true if is_denial => "denied".into(),
        true if shows_rules => "rules".into(),
        _ => text,
    }
}

#[test]
fn the_same_rules_make_the_same_users() {
    let Some(theirs) = Reference::start(&[]) else { return };
    let ours = Server::start(&[]);
    let is_old = theirs.client().info("redis_version").starts_with("7.0");
    let first = std::env::var("FERRODIS_SEED").ok().map(|seed| seed.parse::<u64>().expect("a number"));
    for seed in first.map_or(0..RUNS, |seed| seed..seed + 1) {
        let mut rng = Rng::with_seed(seed);
        let (mut a, mut b) = (ours.client(), theirs.client());
        for client in [&mut a, &mut b] {
            client.run("ACL DELUSER u");
            client.run("ACL SETUSER u");
        }
        let mut history = Vec::new();
        for _ in 0..STEPS {
            let call = call(&mut rng);
            history.push(encode(&call).escape_ascii().to_string());
            let (x, y) = (compared(&a.call_raw(&call), is_old), compared(&b.call_raw(&call), is_old));
            let before = history[history.len().saturating_sub(12)..].join("\n  ");
            assert_eq!(x, y, "FERRODIS_SEED={seed}: {call:?}, after:\n  {before}");
        }
    }
}
