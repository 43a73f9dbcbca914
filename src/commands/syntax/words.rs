//! What the manual's words mean: types, and customary names of alternatives.

use super::{Argument, Type};

/// Names that the manual gives to alternatives of these tokens and no others.
const CUSTOMARY: &[(&str, &[&str])] = &[
    ("comparison", &["GT", "LT"]),
    ("condition", &["NX", "XX", "GT", "LT", "FNX", "FXX", "IFEQ", "IFNE", "IFDEQ", "IFDNE"]),
    ("expiration", &["EX", "PX", "EXAT", "PXAT", "KEEPTTL", "PERSIST"]),
    ("flush-type", &["ASYNC", "SYNC"]),
    ("where", &["LEFT", "RIGHT"]),
    ("where", &["MIN", "MAX"]),
    ("where", &["BEFORE", "AFTER"]),
    ("order", &["ASC", "DESC"]),
    ("unit", &["BYTE", "BIT"]),
    ("unit", &["M", "KM", "FT", "MI"]),
    ("sortby", &["BYSCORE", "BYLEX"]),
    ("strategy", &["MAXLEN", "MINID"]),
    ("enabled", &["ON", "OFF"]),
    ("mode", &["YES", "NO"]),
    ("save-selector", &["NOSAVE", "SAVE"]),
    ("operation", &["AND", "OR", "XOR", "NOT", "DIFF", "DIFF1", "ANDOR", "ONE"]),
];

/// The name the manual gives to these alternatives, if it has one for them.
pub(super) fn customary_name(alternatives: &[Argument]) -> Option<&'static str> {
    let all_in = |tokens: &[&str]| {
        alternatives.iter().all(|argument| argument.token.as_deref().is_some_and(|token| tokens.contains(&token)))
    };
    CUSTOMARY.iter().find(|(_, tokens)| all_in(tokens)).map(|(name, _)| *name)
}

const KEY_WORDS: &[&str] =
    &["key", "key1", "key2", "newkey", "destkey", "sourcekey", "source", "destination", "src", "dst"];

#[rustfmt::skip]
const INTEGER_WORDS: &[&str] = &[
    "bit", "bits", "client-id", "cluster-bus-port", "config-epoch", "count", "cursor", "db", "decrement", "destination-db", "end",
    "end-slot", "entries-added", "entries-read", "frequency", "increment", "index", "index1", "index2", "len", "limit", "maxage",
    "milliseconds", "min-match-len", "ms", "num-matches", "numfields", "numkeys", "numlocal", "numreplicas", "offset", "port",
    "protover", "rank", "seconds", "slot", "start", "start-slot", "stop", "ttl", "version", "weight",
];

const DOUBLE_WORDS: &[&str] = &["height", "latitude", "longitude", "radius", "score", "timeout", "width"];

/// The type of an argument that the manual calls so.
pub(super) fn type_of_word(word: &str) -> Type {
    match word {
        "pattern" => Type::Pattern,
        "unix-time-seconds" | "unix-time-milliseconds" => Type::UnixTime,
        _ if KEY_WORDS.contains(&word) => Type::Key,
        _ if INTEGER_WORDS.contains(&word) => Type::Integer,
        _ if DOUBLE_WORDS.contains(&word) => Type::Double,
        _ => Type::String,
    }
}

/// The type of a leaf that COMMAND DOCS calls so.
pub(super) fn type_by_name(name: &str) -> Option<Type> {
    let kinds = [Type::String, Type::Integer, Type::Double, Type::Key, Type::Pattern, Type::UnixTime];
    kinds.into_iter().find(|kind| kind.name() == name)
}
