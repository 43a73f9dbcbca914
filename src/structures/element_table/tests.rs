//! The table against a `BTreeMap`, by random changes; its size; its walks, deadlines and moves.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn table() -> ElementTable {
    ElementTable::new(KeyHasher::new([7; 16]))
}

fn add(table: &mut ElementTable, name: &[u8], payload: &[u8]) {
    table.insert(name, payload, None).unwrap();
}

fn member(n: usize) -> Vec<u8> {
    format!("member:{n:012}").into_bytes()
}

fn contents(table: &ElementTable) -> BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)> {
    let element = |at| (table.name(at).to_vec(), (table.payload(at).to_vec(), table.deadline_ms(at)));
    table.iter().map(element).collect()
}

/// Heap bytes per element of a table of `len`.
fn bytes_per_element(len: usize, name: impl Fn(usize) -> Vec<u8>, payload: &[u8]) -> f64 {
    let mut table = table();
    (0..len).for_each(|n| add(&mut table, &name(n), payload));
    table.check_invariants();
    table.heap_bytes() as f64 / len as f64
}

#[test]
#[cfg_attr(miri, ignore = "it measures, and does nothing that the others do not do")]
fn elements_take_little_more_than_their_bytes() {
    // Records of 4 + 19, 4 + 19 + 8 and 4 + 14 + 16 bytes; 9 for buckets, a sixteenth of the pages for what comes next.
    let field = |n| format!("field:{n:08}").into_bytes();
    for (len, slack) in [(600, 6.0), (2000, 3.5), (10_000, 2.5), (14_000, 2.5), (100_000, 2.5)] {
        let sizes = [
            ("set", 24.0, bytes_per_element(len, member, b"")),
            ("sorted set", 32.0, bytes_per_element(len, member, &[0; 8])),
            ("hash", 36.0, bytes_per_element(len, field, &[b'v'; 16])),
        ];
        for (kind, slot, bytes) in sizes {
            println!("{kind} of {len}: {bytes:.2} bytes per element");
            assert!(bytes < slot + 9.0 + slack, "{kind} of {len}: {bytes:.2} bytes per element");
        }
    }
}

#[test]
fn a_small_table_is_small() {
    assert!(size_of::<ElementTable>() <= 400, "{} bytes", size_of::<ElementTable>());
    assert!(table().heap_bytes() <= 320, "{} bytes when empty", table().heap_bytes());
    let mut one = table();
    one.insert(b"field", &[b'v'; 100], None).unwrap();
    assert!(one.heap_bytes() <= 2000, "{} bytes with one element", one.heap_bytes());
}

#[test]
fn memory_comes_back_when_elements_go() {
    let mut table = table();
    let field = |n: usize| [&member(n)[..], &vec![b'x'; n % 50]].concat();
    const FIELDS: usize = if cfg!(miri) { 450 } else { 50_000 };
    (0..FIELDS).for_each(|n| add(&mut table, &field(n), &vec![b'v'; n % 60]));
    let full = table.heap_bytes();
    for n in (0..FIELDS).filter(|n| n % 20 != 0) {
        table.remove(table.find(&field(n)).unwrap());
    }
    let mut moved = 0;
    while table.defragment(50, |_, _| moved += 1) {}
    table.check_invariants();
    assert!(moved > 0);
    // A small table is mostly what it begins with.
    assert!(cfg!(miri) || table.heap_bytes() < full / 8, "{} of {full}", table.heap_bytes());
    (0..FIELDS).step_by(20).for_each(|n| table.remove(table.find(&field(n)).unwrap()));
    table.check_invariants();
    assert!(cfg!(miri) || table.heap_bytes() < full / 16, "{} of {full}", table.heap_bytes());
}

#[test]
fn a_scan_sees_what_stays_once() {
    const NAMES: usize = if cfg!(miri) { 300 } else { 3000 };
    let mut table = table();
    (0..NAMES).for_each(|n| add(&mut table, &member(n), b""));
    let (mut seen, mut cursor, mut turn) = (BTreeMap::<Vec<u8>, u32>::new(), 0, 0);
    loop {
        let mut found = Vec::new();
        cursor = table.scan(cursor, |at| found.push(at));
        found.iter().for_each(|&at| *seen.entry(table.name(at).to_vec()).or_default() += 1);
        for n in turn * 10..turn * 10 + 10 {
            table.insert(&member(10_000 + n), b"", None).unwrap();
            if n % 2 == 1 && n < NAMES {
                table.remove(table.find(&member(n)).unwrap());
            }
        }
        turn += 1;
        if cursor == 0 {
            break;
        }
    }
    assert!((0..NAMES).step_by(2).all(|n| seen[&member(n)] == 1));
}

#[test]
#[cfg_attr(miri, ignore = "50,000 samples take it minutes")]
fn samples_come_from_all_over() {
    let mut table = table();
    assert_eq!(table.sample(|_| 0), None);
    (0..50).for_each(|n| add(&mut table, &member(n), b""));
    let (mut chance, mut counts) = (fastrand::Rng::with_seed(1), BTreeMap::<Handle, u32>::new());
    for _ in 0..50_000 {
        *counts.entry(table.sample(|n| chance.usize(..n)).unwrap()).or_default() += 1;
    }
    assert!(counts.len() == 50 && counts.values().all(|count| (800..1200).contains(count)), "seed 1: {counts:?}");
}

#[test]
fn looking_ahead_changes_nothing() {
    let mut table = table();
    table.prefetch_record(table.hash(b"a"));
    let handle = table.insert(b"a", b"1", None).unwrap();
    let hash = table.hash(b"a");
    table.prefetch(hash);
    table.prefetch_record(hash);
    assert_eq!(table.find_hashed(hash, b"a"), Some(handle));
}

#[test]
fn deadlines_come_when_they_are_due_and_cost_nothing_before_there_are_any() {
    let day = 86_400_000;
    let now = 1_700_000_000_000;
    let half = if cfg!(miri) { 50 } else { 500 };
    let mut table = table();
    (0..2 * half).for_each(|n| add(&mut table, &member(n), b"value"));
    let without = table.heap_bytes();
    assert_eq!(table.next_deadline(), None);
    for n in 0..half {
        table.set_deadline(table.find(&member(n)).unwrap(), Some(now + n as u64 * day)).unwrap();
    }
    table.insert(b"late", b"", Some(now - 5)).unwrap();
    table.set_deadline(table.find(&member(1)).unwrap(), Some(now + 3)).unwrap();
    table.set_deadline(table.find(&member(2)).unwrap(), None).unwrap();
    table.replace(table.find(&member(3)).unwrap(), &[b'x'; 2000]).unwrap();
    table.check_invariants();
    assert_eq!(table.expiring(), half);
    assert!(table.next_deadline().unwrap() <= now);

    let due = |table: &mut ElementTable, now_ms| {
        let mut names = Vec::new();
        table.expire_due(now_ms, &mut 10_000, |table, at| names.push(table.name(at).to_vec()));
        names.sort();
        names
    };
    assert_eq!(due(&mut table, now), [b"late".to_vec(), member(0)]);
    assert_eq!(table.next_deadline(), Some(now + 3));
    assert_eq!(due(&mut table, now + 2), [b""; 0]);
    assert_eq!(due(&mut table, now + 3), [member(1)]);
    assert_eq!(due(&mut table, now + 4 * day), [member(3), member(4)]);
    table.check_invariants();
    assert_eq!(due(&mut table, now + 1000 * day).len(), half - 5);
    assert_eq!((table.expiring(), table.len(), table.next_deadline()), (0, half + 1, None));
    table.check_invariants();
    assert!(cfg!(miri) || table.heap_bytes() <= without, "{} of {without}", table.heap_bytes());
}

#[test]
fn a_deadline_behind_the_time_of_an_earlier_expiry_is_named_and_met() {
    let mut table = table();
    (0..500).for_each(|n| _ = table.insert(&member(n), b"", Some(4000 + n as u64)).unwrap());
    table.expire_due(4021, &mut 1000, |_, _| ());
    table.insert(b"a", b"", Some(3072)).unwrap(); // the clock was set back
    table.check_invariants();
    assert!(table.next_deadline().unwrap() <= 3072);
    let mut names = Vec::new();
    table.expire_due(3877, &mut 1000, |table, at| names.push(table.name(at).to_vec()));
    assert_eq!(names, [b"a"]);
    assert!((3878..=4022).contains(&table.next_deadline().unwrap()));
    table.check_invariants();
}

#[test]
fn expiry_goes_in_slices() {
    let mut table = table();
    (0..100).for_each(|n| _ = table.insert(&member(n), b"", Some(5000)).unwrap());
    let mut turns = 0;
    while table.next_deadline().is_some_and(|deadline| deadline <= 5000) {
        table.expire_due(5000, &mut 30, |_, _| ());
        turns += 1;
    }
    assert!(table.is_empty() && turns >= 4, "{turns} turns");
}

#[test]
fn a_walk_gives_each_element_once_as_it_was() {
    let mut table = table();
    let names = if cfg!(miri) { 200 } else { 2000 };
    (0..names).for_each(|n| _ = table.insert(&member(n), b"1", (n % 5 == 0).then_some(n as u64)).unwrap());
    for round in 0..3 {
        let wanted = contents(&table);
        let (mut found, mut turn) = (BTreeMap::new(), round * 10_000);
        table.begin_walk(7);
        assert_eq!(table.walk_id(), Some(7));
        while table.step_walk(40, |element| {
            let twice = found.insert(element.name.to_vec(), (element.payload.to_vec(), element.deadline_ms));
            assert!(twice.is_none(), "given twice");
        }) {
            for step in 0..30 {
                turn += 1;
                change_something(&mut table, names + names / 4, turn, step);
            }
            table.expire_due(turn as u64 / 10, &mut 5, |_, _| ());
        }
        assert_eq!(found, wanted);
        assert_eq!((table.walk_id(), table.kept_bytes()), (None, 0));
        table.check_invariants();
    }
}

fn change_something(table: &mut ElementTable, names: usize, turn: usize, step: usize) {
    let name = member(turn * 7919 % names);
    let Some(at) = table.find(&name) else {
        table.insert(&name, b"new", None).unwrap();
        return;
    };
    match step % 5 {
        0 => table.remove(at),
        1 => _ = table.replace(at, &vec![b'x'; turn % 1100]).unwrap(),
        2 => _ = table.set_deadline(at, Some(1_000_000 + turn as u64)).unwrap(),
        3 => table.payload_mut(at).fill(b'y'),
        _ => _ = table.defragment(10, |_, _| ()),
    }
}

/// A change to the element numbered by the first part.
#[derive(Debug, Clone)]
enum Change {
    Put(u8, usize),
    Deadline(u8, Option<u64>),
    Remove(u8),
    Expire(u64),
    Flip(u8),
    Defragment,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let len = prop_oneof![4 => 0..40usize, 1 => 1000..1100usize, 1 => 0..3000usize];
    let change = prop_oneof![
        6 => (any::<u8>(), len).prop_map(|(n, len)| Change::Put(n, len)),
        2 => (any::<u8>(), proptest::option::of(0..500u64)).prop_map(|(n, at)| Change::Deadline(n, at)),
        3 => any::<u8>().prop_map(Change::Remove),
        1 => (0..300u64).prop_map(Change::Expire),
        1 => any::<u8>().prop_map(Change::Flip),
        1 => Just(Change::Defragment),
    ];
    vec(change, 0..if cfg!(miri) { 60 } else { 600 })
}

/// Names of all lengths, some of them outside of their records.
fn name(n: u8) -> Vec<u8> {
    vec![n; if n.is_multiple_of(16) { 300 } else { n as usize % 40 + 1 }]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 100 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn does_what_a_map_does(changes in changes()) {
        let (mut table, mut model) = (table(), BTreeMap::<Vec<u8>, (Vec<u8>, Option<u64>)>::new());
        for change in changes {
            match change {
                Change::Put(n, len) => {
                    let payload = vec![n ^ len as u8; len];
                    match table.find(&name(n)) {
                        Some(at) => table.replace(at, &payload).unwrap(),
                        None => table.insert(&name(n), &payload, (n > 200).then_some(len as u64)).unwrap(),
                    };
                    let new = model.entry(name(n)).or_insert((Vec::new(), (n > 200).then_some(len as u64)));
                    new.0 = payload;
                }
                Change::Deadline(n, deadline) => {
                    if let Some(element) = model.get_mut(&name(n)) {
                        table.set_deadline(table.find(&name(n)).unwrap(), deadline).unwrap();
                        element.1 = deadline;
                    }
                }
                Change::Remove(n) => {
                    let found = table.find(&name(n));
                    prop_assert_eq!(found.is_some(), model.remove(&name(n)).is_some());
                    found.into_iter().for_each(|at| table.remove(at));
                }
                Change::Expire(now) => {
                    table.expire_due(now, &mut 100_000, |_, _| ());
                    model.retain(|_, element| element.1.is_none_or(|deadline| deadline > now));
                }
                Change::Flip(n) => {
                    if let Some(at) = table.find(&name(n)) {
                        table.payload_mut(at).iter_mut().for_each(|byte| *byte = !*byte);
                        model.get_mut(&name(n)).unwrap().0.iter_mut().for_each(|byte| *byte = !*byte);
                    }
                }
                Change::Defragment => _ = table.defragment(3, |_, _| ()),
            }
            prop_assert_eq!(table.len(), model.len());
        }
        table.check_invariants();
        prop_assert_eq!(contents(&table), model);
    }
}
