//! INFO keysizes and INFO prefixes: keys by size, type and prefix, as the last census (`keyspace/census`) has them.

use super::{Kind, Sample, Statistic, Value};
use crate::keyspace::census::{KINDS, Share, Sizes};
use crate::server::Server;
use crate::values;

/// Prefixes that are shown.
const PREFIXES: usize = 50;

/// What INFO calls the sizes of a type. Streams are counted as metrics only, as in Redis.
const NAMES: [(values::Kind, &str); 5] = [
    (values::Kind::String, "strings_sizes"),
    (values::Kind::List, "lists_items"),
    (values::Kind::Set, "sets_items"),
    (values::Kind::SortedSet, "zsets_items"),
    (values::Kind::Hash, "hashes_items"),
];

pub(super) const KEYSIZES: &[Statistic] = &[
    Statistic::new("db", keysizes),
    Statistic::unlisted(keys_by_type).metric(
        "keys_by_type",
        Kind::Gauge,
        "Keys by database and type, at the last census.",
    ),
];

pub(super) const PREFIX_ROWS: &[Statistic] = &[
    Statistic::new("prefix", prefixes),
    Statistic::new("other_prefixes", |s| Value::Text(share_text(&s.census.last().others))),
    Statistic::unlisted(|s| by_prefix(s, |share| share.keys)).metric(
        "prefix_keys",
        Kind::Gauge,
        "Keys by what stands before their first colon, at the last census: the prefixes that take the most.",
    ),
    Statistic::unlisted(|s| by_prefix(s, |share| share.bytes)).metric(
        "prefix_memory_bytes",
        Kind::Gauge,
        "Bytes of keys and values by what stands before the first colon of the key, at the last census.",
    ),
];

fn keysizes(server: &Server) -> Value {
    let databases = server.census.last().databases.iter();
    Value::Lines(
        databases.flat_map(|(number, sizes)| NAMES.iter().filter_map(|row| line(*number, sizes, row))).collect(),
    )
}

fn line(number: usize, sizes: &Sizes, (kind, name): &(values::Kind, &str)) -> Option<(String, String)> {
    let bins: Vec<String> = sizes.of(*kind).map(|(size, keys)| format!("{}={keys}", short(size))).collect();
    (!bins.is_empty()).then(|| (format!("{number}_distrib_{name}"), bins.join(",")))
}

/// A power of two as Redis prints it: 512, 1K, 2K.
fn short(size: u64) -> String {
    let unit = ["", "K", "M", "G", "T"].iter().enumerate().rfind(|(power, _)| size >> (10 * power) > 0);
    unit.map_or_else(|| "0".into(), |(power, unit)| format!("{}{unit}", size >> (10 * power)))
}

fn keys_by_type(server: &Server) -> Value {
    let databases = server.census.last().databases.iter();
    let samples = databases.flat_map(|(number, sizes)| {
        KINDS.iter().filter(|kind| sizes.keys(**kind) > 0).map(move |kind| Sample {
            labels: vec![("db", format!("db{number}")), ("type", kind.name().to_string())],
            value: sizes.keys(*kind) as f64,
        })
    });
    Value::Samples(samples.collect())
}

fn prefixes(server: &Server) -> Value {
    let all = server.census.last().largest_prefixes(PREFIXES);
    let text = |(prefix, share): &(&[u8], Share)| format!("name={},{}", prefix.escape_ascii(), share_text(share));
    Value::Lines(all.iter().map(text).enumerate().map(|(place, text)| (place.to_string(), text)).collect())
}

fn share_text(share: &Share) -> String {
    format!("keys={},bytes={}", share.keys, share.bytes)
}

fn by_prefix(server: &Server, value: fn(&Share) -> u64) -> Value {
    let sample = |(prefix, share): (&[u8], Share)| Sample {
        labels: vec![("prefix", prefix.escape_ascii().to_string())],
        value: value(&share) as f64,
    };
    Value::Samples(server.census.last().largest_prefixes(PREFIXES).into_iter().map(sample).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_redis_prints_them() {
        let sizes = [0, 1, 512, 1 << 10, 8 << 10, 1 << 20, 1 << 30, 1 << 40];
        assert_eq!(sizes.map(short), ["0", "1", "512", "1K", "8K", "1M", "1G", "1T"]);
    }
}
