//! Chance is fair: what SRANDMEMBER, SPOP, HRANDFIELD and ZRANDMEMBER pick is uniform in every encoding, by Pearson's chi-square test on
//! fixed seeds.

use crate::harness::Db;
use crate::phrases::sorted;
use std::collections::BTreeMap;

const ELEMENTS: usize = 40;
/// Of 39 degrees of freedom: uniform picks exceed it once in a hundred thousand tests. A test's seed is fixed, so it passes or fails for
/// good; picks that are off by a fifth for every other element exceed it many times.
const CHI_SQUARE_MAX: f64 = 91.0;
/// Picks of each element that are expected.
const EXPECTED: usize = 150;

/// Fills key `k` with elements of an encoding.
struct Form {
    fill: fn(&mut Db),
    encoding: &'static str,
}

/// Texts of lengths that differ, so that a table has pages of several classes, and pages with holes.
fn text(i: usize) -> String {
    format!("{}{i}", "m".repeat(i % 7 * 5))
}

/// Adds elements, more than are to stay, and removes those.
fn fill(db: &mut Db, add: &str, remove: &str, element: impl Fn(usize) -> String) {
    let words = |range: std::ops::Range<usize>| range.map(&element).collect::<Vec<_>>();
    db.run(&format!("{add} k {}", words(0..3 * ELEMENTS).join(" ")));
    let name = |words: String| words.split(' ').next_back().unwrap().to_owned();
    let gone: Vec<String> = words(ELEMENTS..3 * ELEMENTS).into_iter().map(name).collect();
    db.run(&format!("{remove} k {}", gone.join(" ")));
}

const SETS: &[Form] = &[
    Form { fill: |db| fill(db, "SADD", "SREM", |i| i.to_string()), encoding: "intset" },
    Form {
        fill: |db| {
            db.run("CONFIG SET set-max-listpack-entries 1000");
            fill(db, "SADD", "SREM", text);
        },
        encoding: "listpack",
    },
    Form {
        fill: |db| {
            db.run("CONFIG SET set-max-listpack-entries 0");
            fill(db, "SADD", "SREM", text);
        },
        encoding: "hashtable",
    },
];

const HASHES: &[Form] = &[
    Form { fill: |db| fill_hash(db, 1000), encoding: "listpack" },
    Form {
        fill: |db| {
            fill_hash(db, 1000);
            db.run(&format!("HEXPIRE k 1000 FIELDS 2 {} {}", text(3), text(8)));
        },
        encoding: "listpackex",
    },
    Form { fill: |db| fill_hash(db, 0), encoding: "hashtable" },
];

fn fill_hash(db: &mut Db, most: usize) {
    db.run(&format!("CONFIG SET hash-max-listpack-entries {most}"));
    let all: String = (0..3 * ELEMENTS).map(|i| format!(" {} v", text(i))).collect();
    db.run(&format!("HSET k{all}"));
    let gone: String = (ELEMENTS..3 * ELEMENTS).map(|i| format!(" {}", text(i))).collect();
    db.run(&format!("HDEL k{gone}"));
}

const SORTED_SETS: &[Form] = &[
    Form { fill: |db| fill_sorted_set(db, 1000), encoding: "listpack" },
    Form { fill: |db| fill_sorted_set(db, 0), encoding: "skiplist" },
];

fn fill_sorted_set(db: &mut Db, most: usize) {
    db.run(&format!("CONFIG SET zset-max-listpack-entries {most}"));
    fill(db, "ZADD", "ZREM", |i| format!("{} {}", i % 5, text(i)));
}

impl Form {
    fn db(&self) -> Db {
        let mut db = Db::new();
        (self.fill)(&mut db);
        let encoding = db.run("OBJECT ENCODING k");
        assert!(encoding.contains(&format!("\r\n{}\r\n", self.encoding)), "{encoding}");
        db
    }
}

/// Picks by calls until each element is expected `EXPECTED` times, and tests how often each was.
fn is_uniform(form: &Form, mut pick: impl FnMut(&mut Db) -> Vec<String>, what: &str) {
    let (mut db, mut seen, mut picks) = (form.db(), BTreeMap::<String, usize>::new(), 0);
    while picks < EXPECTED * ELEMENTS {
        for element in pick(&mut db) {
            *seen.entry(element).or_default() += 1;
            picks += 1;
        }
    }
    assert_eq!(seen.len(), ELEMENTS, "{what} of a {}: all are picked", form.encoding);
    let expected = picks as f64 / ELEMENTS as f64;
    let chi_square: f64 = seen.values().map(|&count| (count as f64 - expected).powi(2) / expected).sum();
    assert!(chi_square < CHI_SQUARE_MAX, "{what} of a {}: chi-square {chi_square}: {seen:?}", form.encoding);
}

#[test]
fn members_of_sets_are_picked_fairly() {
    for form in SETS {
        // One, few of many, most of them (each way of Redis's has its own), with repetition.
        for call in ["SRANDMEMBER k", "SRANDMEMBER k 3", "SRANDMEMBER k 30", "SRANDMEMBER k -50"] {
            is_uniform(form, |db| sorted(&db.run(call)), call);
        }
    }
}

#[test]
fn members_leave_sets_fairly() {
    for form in SETS {
        for call in ["SPOP k", "SPOP k 3", "SPOP k 30", "SPOP k 38"] {
            let pop = |db: &mut Db| {
                db.run("COPY k kept");
                let popped = sorted(&db.run(call));
                db.run("RENAME kept k");
                popped
            };
            is_uniform(form, pop, call);
        }
    }
}

#[test]
fn fields_of_hashes_are_picked_fairly() {
    for form in HASHES {
        for call in ["HRANDFIELD k", "HRANDFIELD k 3", "HRANDFIELD k 30", "HRANDFIELD k -50"] {
            is_uniform(form, |db| sorted(&db.run(call)), call);
        }
    }
}

#[test]
fn members_of_sorted_sets_are_picked_fairly() {
    for form in SORTED_SETS {
        for call in ["ZRANDMEMBER k", "ZRANDMEMBER k 3", "ZRANDMEMBER k 30", "ZRANDMEMBER k -50"] {
            is_uniform(form, |db| sorted(&db.run(call)), call);
        }
    }
}
