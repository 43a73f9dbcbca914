//! The table against what it promises.

use super::*;

fn hash(n: u32) -> u64 {
    let mut x = (n as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn insert(table: &mut KeyTable, n: u32) {
    table.insert(hash(n), n, |_| (), hash);
}

#[test]
fn finds_what_was_put_in_through_growth_and_shrinking() {
    const ENTRIES: u32 = if cfg!(miri) { 3000 } else { 50_000 };
    let mut table = KeyTable::new();
    for n in 0..ENTRIES {
        insert(&mut table, n);
    }
    table.check_invariants(hash);
    assert!((0..ENTRIES).all(|n| table.find(hash(n), |h| h == n) == Some(n)));
    assert!((ENTRIES..ENTRIES + 1000).all(|n| table.find(hash(n), |h| h == n).is_none()));
    for n in (0..ENTRIES).filter(|n| n % 50 != 0) {
        table.remove(hash(n), n);
    }
    table.check_invariants(hash);
    assert!(table.buckets() < 1000, "{} buckets for {} entries", table.buckets(), table.len());
    assert!((0..ENTRIES).all(|n| table.find(hash(n), |h| h == n).is_some() == (n % 50 == 0)));
}

#[test]
fn room_that_was_reserved_is_used_and_given_back() {
    for entries in [0, 5, 100, 8 << CHUNK_BITS, 50_000].into_iter().take(if cfg!(miri) { 3 } else { 5 }) {
        let mut table = KeyTable::new();
        table.reserve(entries);
        table.check_invariants(hash);
        let buckets = table.buckets();
        (0..entries as u32).for_each(|n| insert(&mut table, n));
        table.check_invariants(hash);
        assert!((buckets..=buckets + 1).contains(&table.buckets()), "{entries} entries");
        assert!((0..entries as u32).all(|n| table.find(hash(n), |h| h == n) == Some(n)));
        (0..entries as u32).for_each(|n| table.remove(hash(n), n));
        assert_eq!(table.buckets(), 1 << LEAST_LEVEL);
    }
}

#[test]
fn a_scan_sees_what_stays_exactly_once_while_the_table_grows_and_shrinks() {
    let (few, many) = if cfg!(miri) { (60, 300) } else { (1000, 30_000) };
    for (before, during, grow) in [(few, 40u32, true), (many, 60, false)] {
        let mut table = KeyTable::new();
        for n in 0..before {
            insert(&mut table, n);
        }
        let stays = |n: u32| if grow { n < before } else { n.is_multiple_of(100) };
        let (mut seen, mut cursor, mut next) = (vec![0; before as usize], 0, 0);
        loop {
            cursor = table.scan(cursor, hash, |n| {
                if stays(n) {
                    seen[n as usize] += 1;
                }
            });
            for _ in 0..during {
                if grow {
                    insert(&mut table, before + next);
                } else if next < before && !stays(next) {
                    table.remove(hash(next), next);
                }
                next += 1;
            }
            if cursor == 0 {
                break;
            }
        }
        assert!((0..before).filter(|&n| stays(n)).all(|n| seen[n as usize] == 1));
    }
}

#[test]
#[cfg_attr(miri, ignore = "100,000 samples take it minutes")]
fn samples_every_entry_about_equally() {
    let mut table = KeyTable::new();
    (0..100).for_each(|n| insert(&mut table, n));
    let mut state = 1u64;
    let mut random = move |n: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % n
    };
    let mut counts = [0; 100];
    for _ in 0..100_000 {
        counts[table.sample(&mut random).unwrap() as usize] += 1;
    }
    assert!(counts.iter().all(|&c| (800..1200).contains(&c)), "{counts:?}");
}
