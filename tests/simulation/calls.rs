//! The calls that simulated clients send: few keys, so that calls meet; every type, so that they meet in the wrong way, too.

use fastrand::Rng;

use crate::model::Call;

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

/// A call on data.
pub fn data_call(rng: &mut Rng, keys: usize) -> Call {
    let word = |text: &str| text.as_bytes().to_vec();
    let (one, other) = (key(rng, keys), key(rng, keys));
    let ms = |rng: &mut Rng| rng.u32(1..3000).to_string().into_bytes();
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
        23 | 24 => vec![word("LMOVE"), one, other, word("LEFT"), word("RIGHT")],
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
        60 if rng.u8(..6) == 0 => vec![word(["FLUSHDB", "FLUSHALL"][rng.usize(..2)])],
        _ => vec![word("SELECT"), word(["0", "1", "2"][rng.usize(..3)])],
    }
}

/// One call, or a transaction.
pub fn calls(rng: &mut Rng, keys: usize) -> Vec<Call> {
    if rng.u8(..8) > 0 {
        return vec![data_call(rng, keys)];
    }
    let mut calls = vec![vec![b"MULTI".to_vec()]];
    calls.extend((0..rng.usize(..6)).map(|_| data_call(rng, keys)));
    calls.push(vec![if rng.u8(..6) == 0 { b"DISCARD".to_vec() } else { b"EXEC".to_vec() }]);
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
