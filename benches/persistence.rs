//! The formats of files: encoding and decoding a snapshot, checksums, compression.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferrodis::base::crc::{crc32c, crc64};
use ferrodis::formats::lzf;
use ferrodis::formats::rdb::{Compression, Decoder, Encoder, Limits, Step, Usage};
use ferrodis::values::AnyRef;
use std::hint::black_box;

const KEYS: usize = 10_000;

fn snapshot(compression: Compression) -> Vec<u8> {
    let mut encoder = Encoder::new(compression);
    encoder.header(9, &[]);
    encoder.select_db(0);
    for n in 0..KEYS {
        encoder.entry(format!("key:{n:012}").as_bytes(), None, Usage::Unknown, AnyRef::bytes(&[b'v'; 64]));
    }
    encoder.finish();
    encoder.take(Vec::new())
}

fn decode(bytes: &[u8]) -> usize {
    let mut decoder = Decoder::new(Limits::default());
    decoder.feed(bytes);
    let mut keys = 0;
    loop {
        match decoder.next().expect("what we encoded") {
            Step::Entry(_) => keys += 1,
            Step::End { .. } => return keys,
            _ => {}
        }
    }
}

fn formats(c: &mut Criterion) {
    let mut group = c.benchmark_group("persistence");
    group.throughput(Throughput::Elements(KEYS as u64));
    group.bench_function("rdb_encode", |b| b.iter(|| black_box(snapshot(Compression::Off))));
    group.bench_function("rdb_encode_lzf", |b| b.iter(|| black_box(snapshot(Compression::Lzf { max_bytes: 16384 }))));
    let bytes = snapshot(Compression::Off);
    group.bench_function("rdb_decode", |b| b.iter(|| assert_eq!(decode(&bytes), KEYS)));
    let block = vec![0xa5u8; 64 * 1024];
    group.throughput(Throughput::Bytes(block.len() as u64));
    group.bench_function("crc64", |b| b.iter(|| black_box(crc64(0, &block))));
    group.bench_function("crc32c", |b| b.iter(|| black_box(crc32c(0, &block))));
    let text = b"the quick brown fox jumps over the lazy dog ".repeat(100);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("lzf_compress", |b| b.iter(|| black_box(lzf::compress(&text))));
    group.finish();
}

criterion_group!(benches, formats);
criterion_main!(benches);
