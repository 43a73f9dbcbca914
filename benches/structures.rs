//! The structures under every key: table, records, wheel, list; and the ranked tree. One million entries unless said.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ferrodis::base::hash::KeyHasher;
use ferrodis::base::random::Generator;
use ferrodis::keyspace::database::{Database, Expiry, Now};
use ferrodis::keyspace::eviction::{Order, Policy};
use ferrodis::structures::ranked_tree::RankedTree;
use ferrodis::values::string::NewText;
use std::hint::black_box;

const KEYS: u64 = 1_000_000;
const NOW: Now = Now { ms: 1_700_000_000_000 };

fn key(n: u64) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let digits = format!("{n:012}");
    key[4..].copy_from_slice(digits.as_bytes());
    key
}

fn filled(policy: Policy, expiry: Expiry) -> Database {
    let mut db = Database::new(KeyHasher::new([7; 16]), NOW, policy);
    for n in 0..KEYS {
        db.set(&key(n), NewText::Bytes(&[b'v'; 64]), expiry).expect("room");
    }
    db
}

fn lookups(c: &mut Criterion) {
    let mut group = c.benchmark_group("structures");
    group.throughput(Throughput::Elements(1));
    let lru = Policy { order: Order::Lru, limited: true, samples: 5, ..Policy::default() };
    for (name, policy) in [("get", Policy::default()), ("get_with_lru", lru)] {
        let mut db = filled(policy, Expiry::Clear);
        let mut random = Generator::new(1);
        group.bench_function(name, |b| {
            b.iter(|| black_box(db.string(&key(random.below(KEYS))).expect("a string").is_some()))
        });
    }
    let mut db = filled(Policy::default(), Expiry::Clear);
    let mut random = Generator::new(1);
    group.bench_function("set_in_place", |b| {
        b.iter(|| db.set(&key(random.below(KEYS)), NewText::Bytes(&[b'w'; 64]), Expiry::Keep).expect("room"));
    });
    let mut db = filled(Policy::default(), Expiry::At(NOW.ms + 1_000_000));
    group.bench_function("set_another_deadline", |b| {
        b.iter(|| {
            let deadline = NOW.ms + 1_000_000 + random.below(1_000_000);
            db.set(&key(random.below(KEYS)), NewText::Bytes(&[b'w'; 64]), Expiry::At(deadline)).expect("room");
        });
    });
    group.finish();
}

/// A tree of random scores, with as many different ones as entries or with a thousandth of them.
fn ranked(random: &mut Generator, scores: u64) -> RankedTree {
    let mut tree = RankedTree::new();
    for handle in 0..KEYS as u32 {
        tree.insert(random.below(scores) as f64, handle, |it| it.cmp(&handle));
    }
    tree
}

fn ranked_tree(c: &mut Criterion) {
    let mut random = Generator::new(1);
    let mut group = c.benchmark_group("ranked_tree");
    group.throughput(Throughput::Elements(KEYS)).sample_size(10);
    group.bench_function("insert_random", |b| b.iter(|| ranked(&mut random, 1 << 50)));
    group.bench_function("insert_equal_scores", |b| b.iter(|| ranked(&mut random, KEYS / 1000)));
    group.bench_function("insert_ascending", |b| {
        b.iter(|| {
            let mut tree = RankedTree::new();
            (0..KEYS as u32).for_each(|handle| tree.insert(f64::from(handle), handle, |it| it.cmp(&handle)));
            tree
        });
    });
    group.throughput(Throughput::Elements(1)).sample_size(100);
    let mut tree = ranked(&mut random, KEYS);
    let entries: Vec<(f64, u32)> = tree.iter().collect();
    let mut any = Generator::new(2);
    group.bench_function("rank_of", |b| {
        b.iter(|| {
            let (score, handle) = entries[any.below(KEYS) as usize];
            tree.rank_of(score, |it| it.cmp(&handle))
        });
    });
    group.bench_function("lower_bound_and_100_entries", |b| {
        b.iter(|| {
            let from = tree.lower_bound(any.below(KEYS) as f64);
            let to = tree.at_rank(from.rank() + 100);
            tree.entries(from, to).map(|(_, handle)| u64::from(handle)).sum::<u64>()
        });
    });
    group.bench_function("remove_and_insert", |b| {
        b.iter_batched(
            || (any.below(KEYS) as usize, any.below(KEYS) as f64),
            |(rank, score)| {
                let mut handle = 0;
                tree.remove_range(rank..rank + 1, |_, removed| handle = removed);
                tree.insert(score, handle, |it| it.cmp(&handle));
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, lookups, ranked_tree);
criterion_main!(benches);
