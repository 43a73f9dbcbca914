//! Calls that what was restored goes through: looked at from all sides, copied, dumped and restored again, changed, taken apart.

use crate::harness::Db;

/// Read all of a value, or of parts.
const READS: &[(&str, &[&str])] = &[
    ("string", &["GET k", "STRLEN k", "GETRANGE k 1 -2", "BITCOUNT k", "PFCOUNT k", "LCS k k", "SUBSTR k 0 3"]),
    (
        "list",
        &[
            "LRANGE k 0 -1",
            "LLEN k",
            "LINDEX k 0",
            "LINDEX k -1",
            "LINDEX k 7",
            "LPOS k e1",
            "LPOS k 5 RANK -1 COUNT 0",
            "SORT k ALPHA",
        ],
    ),
    (
        "set",
        &[
            "SMEMBERS k",
            "SCARD k",
            "SISMEMBER k e1",
            "SRANDMEMBER k",
            "SRANDMEMBER k -5",
            "SRANDMEMBER k 3",
            "SSCAN k 0",
            "SINTER k k",
            "SUNION k k",
            "SDIFF k nosuch",
            "SMISMEMBER k e1 5 x",
            "SORT k ALPHA",
        ],
    ),
    (
        "zset",
        &[
            "ZRANGE k 0 -1 WITHSCORES",
            "ZRANGE k 0 -1 REV",
            "ZCARD k",
            "ZSCORE k e1",
            "ZRANK k e1",
            "ZREVRANK k 5 WITHSCORE",
            "ZCOUNT k -inf +inf",
            "ZLEXCOUNT k - +",
            "ZRANGEBYSCORE k -5 (5 LIMIT 1 3",
            "ZRANDMEMBER k -5 WITHSCORES",
            "ZSCAN k 0",
            "ZUNION 2 k k",
            "ZRANGE k [a + BYLEX",
        ],
    ),
    (
        "hash",
        &[
            "HGETALL k",
            "HLEN k",
            "HGET k e1",
            "HKEYS k",
            "HVALS k",
            "HSTRLEN k e1",
            "HRANDFIELD k -5 WITHVALUES",
            "HRANDFIELD k 3",
            "HSCAN k 0",
            "HPTTL k FIELDS 2 e1 e2",
            "HEXPIRETIME k FIELDS 1 e1",
            "HMGET k e1 5 x",
        ],
    ),
    (
        "stream",
        &[
            "XRANGE k - +",
            "XREVRANGE k + -",
            "XLEN k",
            "XINFO STREAM k",
            "XINFO STREAM k FULL",
            "XINFO GROUPS k",
            "XINFO CONSUMERS k g0",
            "XPENDING k g0",
            "XPENDING k g0 - + 10",
            "XPENDING k g1 - + 10 c0",
            "XREAD COUNT 3 STREAMS k 0",
            "XRANGE k 3 5 COUNT 2",
        ],
    ),
];

/// Change a value.
const WRITES: &[(&str, &[&str])] = &[
    (
        "string",
        &[
            "APPEND k x",
            "SETRANGE k 3 yy",
            "SETBIT k 77 1",
            "INCR k",
            "INCRBYFLOAT k 1.5",
            "BITFIELD k INCRBY u8 5 3",
            "PFADD k a b",
            "PFMERGE k k",
        ],
    ),
    (
        "list",
        &[
            "RPUSH k a 12345",
            "LPUSH k b",
            "LINSERT k BEFORE e1 x",
            "LINSERT k AFTER a yyyy",
            "LSET k 0 first",
            "LSET k -1 last",
            "LSET k 3 third",
            "LREM k 1 e2",
            "LREM k -2 5",
            "LPOP k",
            "RPOP k",
            "LMOVE k k LEFT RIGHT",
            "LTRIM k 1 -2",
            "RPOPLPUSH k other",
            "LREM k 0 e3",
        ],
    ),
    (
        "set",
        &[
            "SADD k a 1 99999999999",
            "SREM k e1 5",
            "SPOP k",
            "SMOVE k other e2",
            "SINTERSTORE d k k",
            "SUNIONSTORE d k other",
            "SADD k x",
            "SPOP k 2",
            "SREM k a",
        ],
    ),
    (
        "zset",
        &[
            "ZADD k 1 a 2 b",
            "ZADD k XX 5 e1",
            "ZINCRBY k 3 e2",
            "ZREM k e1 5",
            "ZPOPMIN k",
            "ZPOPMAX k",
            "ZREMRANGEBYRANK k 0 0",
            "ZREMRANGEBYSCORE k (1 1.5",
            "ZREMRANGEBYLEX k [e [f",
            "ZUNIONSTORE d 2 k k",
            "ZRANGESTORE d k 0 2",
            "ZADD k 0.5 x",
        ],
    ),
    (
        "hash",
        &[
            "HSET k a 1 e1 2",
            "HDEL k e2 5",
            "HINCRBY k a 3",
            "HINCRBYFLOAT k a 1.5",
            "HSETNX k n v",
            "HPEXPIRE k 100000 FIELDS 2 a e1",
            "HPERSIST k FIELDS 1 a",
            "HGETDEL k FIELDS 1 e3",
            "HGETEX k EX 100 FIELDS 1 n",
            "HSETEX k FIELDS 1 q r",
            "HPEXPIREAT k 1 FIELDS 1 e4",
        ],
    ),
    (
        "stream",
        &[
            "XADD k * f v",
            "XDEL k 1-0 2-1 3-0",
            "XTRIM k MAXLEN 6",
            "XREADGROUP GROUP g0 c9 COUNT 2 STREAMS k >",
            "XREADGROUP GROUP g0 c0 STREAMS k 0",
            "XACK k g0 1-1 2-0",
            "XCLAIM k g0 c8 0 1-1 2-0 3-1",
            "XAUTOCLAIM k g0 c7 0 0 COUNT 3",
            "XGROUP CREATE k new 0",
            "XGROUP SETID k g1 2-0",
            "XGROUP DELCONSUMER k g0 c0",
            "XGROUP CREATECONSUMER k g1 z",
            "XGROUP DESTROY k g1",
            "XSETID k 99999999999999-9",
            "XTRIM k MINID 5-0",
            "XADD k * a b c d",
        ],
    ),
];

/// Take elements away, some at a time: called until the key has gone.
const POPS: &[(&str, &[&str])] = &[
    ("string", &["DEL k"]),
    ("list", &["LPOP k", "RPOP k", "LPOP k 9"]),
    ("set", &["SPOP k", "SPOP k 9"]),
    ("zset", &["ZPOPMIN k", "ZPOPMAX k", "ZPOPMIN k 9"]),
    ("hash", &[]),
    ("stream", &["XTRIM k MAXLEN 0", "DEL k"]),
];

fn calls_of<'t>(table: &'t [(&str, &'t [&'t str])], kind: &str) -> Result<&'t [&'t str], String> {
    table.iter().find(|(name, _)| *name == kind).map(|(_, calls)| *calls).ok_or(format!("a value of type {kind}"))
}

/// Every call is answered, and what is copied is equal.
pub(super) fn run_all(db: &mut Db, rng: &mut fastrand::Rng) -> Result<(), String> {
    let kind = db.run("TYPE k").trim_matches(['+', '\r', '\n']).to_string();
    if kind == "none" {
        return Ok(()); // its elements had expired
    }
    look(db, &kind)?;
    // Fields of a hash may have expired, and the last of them takes the key along.
    if db.run("EXISTS k") == ":0\r\n" {
        return Ok(());
    }
    copy(db)?;
    for call in calls_of(WRITES, &kind)? {
        if rng.u8(..4) > 0 {
            db.run(call);
        }
    }
    if db.run("EXISTS k") == ":1\r\n" {
        look(db, &kind)?;
        copy(db)?;
    }
    take_apart(db, rng, &kind)?;
    // Fields may have deadlines; those of the copy are let pass.
    db.advance_ms(200_000);
    db.run("HGETALL copied");
    Ok(())
}

fn look(db: &mut Db, kind: &str) -> Result<(), String> {
    for call in calls_of(READS, kind)?.iter().chain(&[
        "OBJECT ENCODING k",
        "MEMORY USAGE k",
        "DEBUG OBJECT k",
        "DEBUG LISTPACK k",
        "DEBUG QUICKLIST k 1",
    ]) {
        if db.run(call).is_empty() {
            return Err(format!("{call} is not answered"));
        }
    }
    Ok(())
}

fn copy(db: &mut Db) -> Result<(), String> {
    let dump = db.call(&[b"DUMP", b"k"]);
    let start = dump.iter().position(|byte| *byte == b'\n').ok_or("DUMP answers nothing")? + 1;
    let payload = dump[start..].strip_suffix(b"\r\n").ok_or("DUMP has nothing to give")?;
    let reply = db.call(&[b"RESTORE", b"again", b"0", payload, b"REPLACE"]);
    if reply != b"+OK\r\n" {
        return Err(format!("what DUMP gave is refused: {} of {}", reply.escape_ascii(), payload.escape_ascii()));
    }
    db.run("COPY k copied REPLACE");
    let digests = db.run("DEBUG DIGEST-VALUE k again copied");
    let lines: Vec<&str> = digests.lines().skip(1).collect();
    if lines.windows(2).all(|two| two[0] == two[1]) || has_negative_zero(db) {
        return Ok(());
    }
    Err(format!("digests of the value, its dump and its copy: {lines:?}"))
}

/// Whether it may be a sorted set with a score of -0: that keeps its sign in a table and loses it in a listpack, as in Redis, and a
/// sorted set that shrank is dumped as a table and restored packed.
fn has_negative_zero(db: &mut Db) -> bool {
    db.run("ZRANGE k 0 -1 WITHSCORES").contains("\r\n-0\r\n")
}

fn take_apart(db: &mut Db, rng: &mut fastrand::Rng, kind: &str) -> Result<(), String> {
    let calls = calls_of(POPS, kind)?;
    for _ in 0..5000 {
        if db.run("EXISTS k") == ":0\r\n" {
            return Ok(());
        }
        if kind == "hash" {
            let field = db.call(&[b"HRANDFIELD", b"k"]);
            let start = field.iter().position(|byte| *byte == b'\n').ok_or("HRANDFIELD answers nothing")? + 1;
            let field = field[start..].strip_suffix(b"\r\n").ok_or("HRANDFIELD finds no field")?.to_vec();
            if db.call(&[b"HDEL", b"k", &field]) != b":1\r\n" {
                return Err(format!("a field of it is not there: {}", field.escape_ascii()));
            }
            continue;
        }
        let mut reply = db.run(calls[rng.usize(..calls.len())]);
        if reply.contains("unknown command") {
            reply = db.run("DEL k");
        }
        if reply.starts_with('-') {
            return Err(format!("taking it apart: {reply}"));
        }
    }
    Err("it does not become empty".into())
}
