//! What is fuzzed: each takes any bytes and panics when something does not hold. `seeds.rs` runs them under `cargo test`, `targets/` under
//! libFuzzer.

use crate::harness::Db;
use crate::restored;
use ferrodis::base::crc::crc64;
use ferrodis::base::disk::RealDisk;
use ferrodis::base::glob::{Case, literal_prefix, matches};
use ferrodis::formats::aof_manifest::Manifest;
use ferrodis::formats::rdb::{ChecksumCheck, Decoder, Limits, RdbError, Step, VersionCheck};
use ferrodis::formats::resp::request::{self, Parsed, Progress, Range};
use ferrodis::persistence::aof::check::{Mend, check};
use ferrodis::server::config::{self, Config, Sources};
use std::sync::Arc;

/// Requests: parsed whole or as they come, byte by byte, they are the same calls.
pub fn requests(data: &[u8]) {
    let (mut grown, mut ranges, mut progress) = (Vec::new(), Vec::new(), Progress::default());
    for len in 1..=data.len() {
        match calls_in(&data[..len], &mut progress, &mut ranges, &mut grown) {
            Then::More => {}
            Then::Stop => break,
        }
    }
    let (mut whole, mut ranges, mut progress) = (Vec::new(), Vec::new(), Progress::default());
    calls_in(data, &mut progress, &mut ranges, &mut whole);
    assert_eq!(grown, whole);
}

/// What a reader of requests does next.
enum Then {
    More,
    Stop,
}

type Call = Vec<Vec<u8>>;

fn calls_in(data: &[u8], progress: &mut Progress, ranges: &mut Vec<Range>, calls: &mut Vec<Call>) -> Then {
    let limits = request::Limits { bulk_bytes: 512 << 20, arguments: 1 << 20, unauthenticated: false };
    loop {
        let end = match request::parse(data, *progress, &limits, ranges) {
            Parsed::Incomplete(next) => {
                *progress = next;
                return Then::More;
            }
            // What follows is read straight into an allocation of its own.
            Parsed::BigBulk { .. } | Parsed::Error(_) => return Then::Stop,
            Parsed::Nothing { end } => end,
            Parsed::Inline { end, args } => {
                calls.push(args);
                end
            }
            Parsed::Call { end, .. } => {
                calls.push(
                    ranges.drain(..).map(|range| data[range.start as usize..range.end as usize].to_vec()).collect(),
                );
                end
            }
        };
        *progress = Progress { missing: 0, at: end };
    }
}

/// An RDB file: read whole or in pieces it gives the same, and holds no more memory than it may.
pub fn rdb(data: &[u8]) {
    let (piece_bytes, file) = data.split_first().map_or((1, data), |(first, rest)| (1 + usize::from(*first), rest));
    assert_eq!(steps(file, piece_bytes), steps(file, usize::MAX));
}

fn steps(file: &[u8], piece_bytes: usize) -> Result<Vec<String>, RdbError> {
    let limits = Limits { checksum: ChecksumCheck::Skip, versions: VersionCheck::Relaxed, ..Limits::default() };
    let mut decoder = Decoder::new(limits);
    let mut steps = Vec::new();
    for piece in file.chunks(piece_bytes) {
        decoder.feed(piece);
        loop {
            assert!(decoder.held_bytes() <= 100 * file.len() + (1 << 20), "{} held", decoder.held_bytes());
            match decoder.next()? {
                Step::NeedMore => break,
                end @ Step::End { .. } => {
                    steps.push(format!("{end:?}"));
                    return Ok(steps);
                }
                Step::Entry(entry) => {
                    steps.push(format!("{} {:?} {:?}", entry.key.escape_ascii(), entry.deadline_ms, entry.usage))
                }
                step => steps.push(format!("{step:?}")),
            }
        }
    }
    Err(decoder.cut_off())
}

/// A DUMP payload, its footer mended: what RESTORE accepts goes through the calls of its type until it is empty.
pub fn restore(data: &[u8]) {
    let mut db = Db::new();
    let version: u16 = if data.first().is_some_and(|first| first & 0x80 != 0) { 80 } else { 12 };
    let mut payload = data.to_vec();
    if let Some(first) = payload.first_mut() {
        *first &= 0x7F;
    }
    payload.extend(version.to_le_bytes());
    payload.extend(crc64(0, &payload).to_le_bytes());
    if db.call(&[b"RESTORE", b"k", b"0", &payload]) == b"+OK\r\n" {
        let mut random = fastrand::Rng::with_seed(crc64(0, data));
        if let Err(trouble) = restored::run_all(&mut db, &mut random) {
            panic!("{trouble}");
        }
    }
    db.dispatcher.server.keyspace.db(0).check_invariants();
}

/// A log file, foreign or of blocks: it is read to its end or refused, and what is valid of it lies within it.
pub fn log(data: &[u8]) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("appendonly.aof");
    std::fs::write(&path, data).expect("a file");
    let mut decoder = Decoder::new(Limits::default());
    let report = check(Arc::new(RealDisk), &path, Mend::No, &mut |piece| {
        decoder.feed(piece);
        loop {
            match decoder.next().map_err(|e| e.to_string())? {
                Step::NeedMore => return Ok(None),
                Step::End { consumed, .. } => return Ok(Some(consumed)),
                _ => {}
            }
        }
    });
    assert!(report.files.iter().all(|file| file.valid_bytes <= data.len() as u64), "{report}");
    assert!(report.loss.iter().all(|(_, at, lost)| at + lost <= data.len() as u64), "{report}");
}

/// A manifest: what is read is written such that it is read the same.
pub fn manifest(data: &[u8]) {
    if let Ok(manifest) = Manifest::parse(data) {
        let again = Manifest::parse(&manifest.print()).expect("what we print");
        assert!(again.parts().eq(manifest.parts()));
    }
}

/// A configuration file: there is something to say about it, or nothing.
pub fn config(data: &[u8]) {
    let sources = Sources { file: Some(("fuzz.conf", data)), ..Sources::default() };
    let mut include = |_: &str| Err("no file is included".to_owned());
    let findings = config::check(sources, &mut include);
    let is_wrong = findings.iter().any(|finding| finding.severity == config::Severity::Error);
    assert_eq!(Config::from_sources(sources, &mut include).is_err(), is_wrong);
}

/// A pattern and a text, parted by a zero byte.
pub fn glob(data: &[u8]) {
    let at = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let (pattern, text) = (&data[..at], data.get(at + 1..).unwrap_or_default());
    if matches(pattern, text, Case::Sensitive) {
        assert!(text.starts_with(literal_prefix(pattern)), "the literal part comes first");
        assert!(matches(pattern, text, Case::Insensitive) || pattern.contains(&b'['), "case only adds");
    }
}
