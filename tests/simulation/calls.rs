//! The calls that simulated clients send: few keys, so that calls meet; every type, so that they meet in the wrong way, too.

use fastrand::Rng;

use crate::model::streams::{self, Stream};
use crate::model::{Call, Key, State, Value};

fn key(rng: &mut Rng, keys: usize) -> Vec<u8> {
    format!("key:{}", rng.usize(..keys)).into_bytes()
}

fn member(rng: &mut Rng) -> Vec<u8> {
    match rng.u8(..4) {
        0 => rng.i32(-50..50).to_string().into_bytes(),
        _ => format!("m{}", rng.u8(..40)).into_bytes(),
    }
}

/// Numbers, words, noise in which zeros and line ends stand, and now and then something long.
fn value(rng: &mut Rng) -> Vec<u8> {
    let len = match rng.u8(..40) {
        0 => rng.usize(..20_000),
        1..4 => rng.usize(..1500),
        _ => rng.usize(..40),
    };
    match rng.u8(..3) {
        0 => rng.i32(..).to_string().into_bytes(),
        _ => (0..len).map(|_| if rng.u8(..6) == 0 { b"\0\r\n#*$"[rng.usize(..6)] } else { rng.u8(..) }).collect(),
    }
}

fn number(rng: &mut Rng) -> Vec<u8> {
    rng.i32(-1000..1000).to_string().into_bytes()
}

fn word(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn words(text: &str) -> Call {
    text.split(' ').map(word).collect()
}

fn ms(rng: &mut Rng) -> Vec<u8> {
    rng.u32(1..3000).to_string().into_bytes()
}

/// A call on data, which may know what there is, as a client does that has looked.
fn data_call(rng: &mut Rng, keys: usize, state: &State) -> Call {
    match rng.u8(..100) {
        0..65 => plain_call(rng, keys),
        65..82 => stream_call(rng, keys, state),
        82..95 => field_call(rng, keys, state),
        _ => waiting_call(rng, keys),
    }
}

fn plain_call(rng: &mut Rng, keys: usize) -> Call {
    let (one, other) = (key(rng, keys), key(rng, keys));
    match rng.u8(..64) {
        0..6 => {
            let mut call = vec![word("SET"), one, value(rng)];
            match rng.u8(..6) {
                0 => call.extend([word("PX"), ms(rng)]),
                1 => call.push(word("NX")),
                2 => call.extend([word("XX"), word("KEEPTTL")]),
                _ => {}
            }
            call
        }
        6..9 => vec![word("GET"), one],
        9 => vec![word("GETDEL"), one],
        10..13 => vec![word("APPEND"), one, value(rng)],
        13..16 => vec![word("INCRBY"), one, number(rng)],
        16..19 => vec![word(["RPUSH", "LPUSH"][rng.usize(..2)]), one, value(rng), member(rng)],
        19 | 20 => vec![word(["LPOP", "RPOP"][rng.usize(..2)]), one],
        21 => vec![word("LRANGE"), one, word("0"), word("-1")],
        22 => vec![word("LSET"), one, word("0"), value(rng)],
        23 | 24 => vec![word("LMOVE"), one, other, side(rng), side(rng)],
        25..29 => vec![word("HSET"), one, member(rng), value(rng), member(rng), value(rng)],
        29 => vec![word("HDEL"), one, member(rng)],
        30 => vec![word("HGET"), one, member(rng)],
        31 => vec![word("HINCRBY"), one, member(rng), number(rng)],
        32..36 => vec![word("SADD"), one, member(rng), member(rng)],
        36 => vec![word("SREM"), one, member(rng)],
        37 => vec![word("SISMEMBER"), one, member(rng)],
        38 | 39 => vec![word("SPOP"), one],
        40 => vec![word("SCARD"), one],
        41..45 => vec![word("ZADD"), one, number(rng), member(rng), number(rng), member(rng)],
        45 => vec![word("ZINCRBY"), one, number(rng), member(rng)],
        46 => vec![word("ZREM"), one, member(rng)],
        47 => vec![word("ZSCORE"), one, member(rng)],
        48 => vec![word("ZCARD"), one],
        49..52 => vec![word("DEL"), one, other],
        52..55 => vec![word("PEXPIRE"), one, if rng.u8(..8) == 0 { word("-1") } else { ms(rng) }],
        55 => vec![word("PERSIST"), one],
        56 if one != other => vec![word("RENAME"), one, other],
        57 if one != other => vec![word("COPY"), one, other, word("REPLACE")],
        58 => vec![word("EXISTS"), one],
        59 if rng.u8(..4) == 0 => vec![word("SWAPDB"), word("0"), word(["1", "2"][rng.usize(..2)])],
        61 => vec![word("MOVE"), one, word(["0", "1", "2"][rng.usize(..3)])],
        60 if rng.u8(..6) == 0 => vec![word(["FLUSHDB", "FLUSHALL"][rng.usize(..2)])],
        _ => vec![word("SELECT"), word(["0", "1", "2"][rng.usize(..3)])],
    }
}

fn side(rng: &mut Rng) -> Vec<u8> {
    word(["LEFT", "RIGHT"][rng.usize(..2)])
}

/// A key: mostly one whose value `is_one`.
fn key_with(rng: &mut Rng, keys: usize, state: &State, is_one: impl Fn(&Value) -> bool) -> Vec<u8> {
    let found: Vec<&Vec<u8>> =
        state.iter().filter(|(_, entry)| is_one(&entry.value)).map(|((_, name), _)| name).collect();
    if found.is_empty() || rng.u8(..4) == 0 { key(rng, keys) } else { found[rng.usize(..found.len())].clone() }
}

fn stream_call(rng: &mut Rng, keys: usize, state: &State) -> Call {
    let name = key_with(rng, keys, state, |value| matches!(value, Value::Stream(_)));
    let stream = state.iter().find_map(|((_, key), entry)| match &entry.value {
        Value::Stream(stream) if *key == name => Some(stream),
        _ => None,
    });
    let group = word(["g1", "g2"][rng.usize(..2)]);
    let consumer = word(["ann", "bob", "cyd"][rng.usize(..3)]);
    let start = word(["0", "0", "$"][rng.usize(..3)]);
    let count = rng.u8(1..6).to_string().into_bytes();
    let mut call = match rng.u8(..20) {
        0..5 => {
            let mut call = vec![word("XADD"), name];
            match rng.u8(..8) {
                0 => call.push(word("NOMKSTREAM")),
                1 => call.extend([word("MAXLEN"), rng.u8(1..8).to_string().into_bytes()]),
                2 => call.extend([word("MINID"), id(rng, stream)]),
                _ => {}
            }
            call.push(if rng.u8(..12) == 0 { id(rng, stream) } else { word("*") });
            call.extend([member(rng), value(rng)]);
            return call;
        }
        5 => vec![word("XTRIM"), name, word("MAXLEN"), rng.u8(..6).to_string().into_bytes()],
        6 => vec![word("XTRIM"), name, word("MINID"), id(rng, stream)],
        7 => vec![word("XDEL"), name, id(rng, stream), id(rng, stream)],
        8 => vec![word("XLEN"), name],
        9 => vec![word("XRANGE"), name, word("-"), word("+")],
        10 => vec![word("XGROUP"), word("CREATE"), name, group, start, word("MKSTREAM")],
        11 => match rng.u8(..5) {
            0 => vec![word("XGROUP"), word("DESTROY"), name, group],
            1 => vec![word("XGROUP"), word("SETID"), name, group, start],
            2 => vec![word("XGROUP"), word("DELCONSUMER"), name, group, consumer],
            _ => vec![word("XGROUP"), word("CREATECONSUMER"), name, group, consumer],
        },
        12..16 => {
            let mut call = vec![word("XREADGROUP"), word("GROUP"), group, consumer, word("COUNT"), count];
            match rng.u8(..6) {
                0 => call.extend([word("BLOCK"), rng.u16(..1500).to_string().into_bytes()]),
                1 => call.push(word("NOACK")),
                _ => {}
            }
            call.extend([word("STREAMS"), name, word(">")]);
            return call;
        }
        16 | 17 => return vec![word("XACK"), name, group, id(rng, stream), id(rng, stream)],
        18 => vec![word("XCLAIM"), name, group, consumer, word("0"), id(rng, stream), id(rng, stream)],
        _ => vec![word("XAUTOCLAIM"), name, group, consumer, word("0"), id(rng, stream), word("COUNT"), count],
    };
    if call[0].ends_with(b"CLAIM") && rng.bool() {
        call.push(word("JUSTID"));
    }
    call
}

/// An ID of the stream's: of an entry, or of one that is pending and may be gone.
fn id(rng: &mut Rng, stream: Option<&Stream>) -> Vec<u8> {
    let pending = stream.iter().flat_map(|stream| stream.groups.values()).flat_map(|group| group.pending.keys());
    let known: Vec<_> = stream.iter().flat_map(|stream| stream.entries.keys()).chain(pending).copied().collect();
    streams::text(if known.is_empty() { (1, rng.u64(1..9)) } else { known[rng.usize(..known.len())] })
}

fn field_call(rng: &mut Rng, keys: usize, state: &State) -> Call {
    let name = key_with(rng, keys, state, |value| matches!(value, Value::Hash(_)));
    let fields = state.iter().find_map(|((_, key), entry)| match &entry.value {
        Value::Hash(hash) if *key == name => Some(hash.keys().collect::<Vec<_>>()),
        _ => None,
    });
    let field = match fields {
        Some(fields) if !fields.is_empty() && rng.u8(..4) > 0 => fields[rng.usize(..fields.len())].clone(),
        _ => member(rng),
    };
    let of_it = [words("FIELDS 1"), vec![field]].concat();
    let head = |text: &str, options: Call| [vec![word(text), name.clone()], options, of_it.clone()].concat();
    match rng.u8(..12) {
        0..3 => head("HPEXPIRE", vec![if rng.u8(..8) == 0 { word("0") } else { ms(rng) }]),
        3 => head("HEXPIRE", vec![rng.u8(1..4).to_string().into_bytes()]),
        4 => head("HPERSIST", Vec::new()),
        5 => head("HPEXPIRETIME", Vec::new()),
        6 => head("HGETEX", vec![word("PX"), ms(rng)]),
        7 => head("HGETEX", words("PERSIST")),
        8 => head("HGETDEL", Vec::new()),
        _ => {
            let mut options = if rng.u8(..4) == 0 { words(["FNX", "FXX"][rng.usize(..2)]) } else { Vec::new() };
            match rng.u8(..4) {
                0 => options.push(word("KEEPTTL")),
                1 | 2 => options.extend([word("PX"), ms(rng)]),
                _ => {}
            }
            let mut call = head("HSETEX", options);
            call.push(value(rng));
            call
        }
    }
}

/// A call that waits for a key.
fn waiting_call(rng: &mut Rng, keys: usize) -> Call {
    let timeout_s = word(["0.05", "0.4", "1.5", "0"][rng.usize(..4)]);
    match rng.u8(..5) {
        0 | 1 => vec![word(["BLPOP", "BRPOP"][rng.usize(..2)]), key(rng, keys), key(rng, keys), timeout_s],
        2 | 3 => vec![word("BLMOVE"), key(rng, keys), key(rng, keys), side(rng), side(rng), timeout_s],
        _ => vec![word("BZPOPMIN"), key(rng, keys), key(rng, keys), timeout_s],
    }
}

/// What somebody who waits for `key` waits for.
pub fn what_is_awaited(rng: &mut Rng, call: &Call, (db, key): &Key) -> Vec<Call> {
    let write = match &call[0][..] {
        b"BZPOPMIN" => vec![word("ZADD"), key.clone(), word("7"), member(rng)],
        _ => vec![word("RPUSH"), key.clone(), member(rng)],
    };
    vec![words(&format!("SELECT {db}")), write]
}

/// One call, or a transaction, perhaps over keys that are watched.
pub fn calls(rng: &mut Rng, keys: usize, state: &State) -> Vec<Call> {
    match rng.u8(..48) {
        0..6 => {}
        6 => return vec![words("WAITAOF 1 0 2000")],
        _ => return vec![data_call(rng, keys, state)],
    }
    let mut calls = Vec::new();
    if rng.bool() {
        calls.push(vec![word("WATCH"), key(rng, keys), key(rng, keys)]);
        if rng.bool() {
            calls.push(data_call(rng, keys, state));
        }
        if rng.u8(..8) == 0 {
            calls.push(words("UNWATCH"));
        }
    }
    calls.push(words("MULTI"));
    calls.extend((0..rng.usize(..6)).map(|_| data_call(rng, keys, state)));
    calls.push(words(if rng.u8(..6) == 0 { "DISCARD" } else { "EXEC" }));
    calls
}

/// A call as a client sends it.
pub fn encode(call: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", call.len()).into_bytes();
    for word in call {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}
