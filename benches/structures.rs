//! The structures under every key: table, records, wheel, list. One million entries unless said.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferrodis::base::hash::KeyHasher;
use ferrodis::base::random::Generator;
use ferrodis::keyspace::database::{Database, Expiry, Now};
use ferrodis::keyspace::eviction::{Order, Policy};
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

criterion_group!(benches, lookups);
criterion_main!(benches);
