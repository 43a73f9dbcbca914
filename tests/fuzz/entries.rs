//! What is fuzzed of the formats: each takes any bytes and panics when something does not hold. `seeds.rs` runs them under `cargo test`,
//! `targets/` under libFuzzer. What is fuzzed of the whole server stands in `served.rs`.

use crate::harness::Db;
use crate::{plain_glob, restored};
use ferrodis::base::crc::{crc32c, crc64};
use ferrodis::base::glob::{Case, literal_prefix, matches};
use ferrodis::formats::aof_manifest::{Fault, Manifest, ManifestError};
use ferrodis::formats::rdb::{ChecksumCheck, Decoder, Limits, RdbError, Step, VersionCheck};
use ferrodis::formats::resp::request::{self, Parsed, Progress, ProtocolError, Range};
use ferrodis::server::config::{self, Config, Extent, Sources};

/// A pattern times a text so long is not given to the plain matcher.
const PLAIN_GLOB_STEPS: usize = 1 << 16;
/// A pattern of this length gets its true answer from ours.
const TRUE_GLOB_BYTES: usize = 1000;

/// Requests, behind a byte that says how much is allowed: parsed whole or as they come, byte by byte, they are the same calls.
pub fn requests(data: &[u8]) {
    let Some((limits, data)) = data.split_first() else { return };
    let limits = match limits % 3 {
        0 => request::Limits { bulk_bytes: 512 << 20, unauthenticated: false },
        1 => request::Limits { bulk_bytes: 512 << 20, unauthenticated: true },
        _ => request::Limits { bulk_bytes: 64, unauthenticated: false },
    };
    let mut grown = Requests::default();
    let grown_end = (1..=data.len()).map(|len| grown.parse(&data[..len], &limits)).find(|end| *end != End::Open);
    let mut whole = Requests::default();
    let end = whole.parse(data, &limits);
    assert_eq!((grown.calls, grown_end.unwrap_or(End::Open)), (whole.calls, end));
}

/// What was read of a client.
#[derive(Default)]
struct Requests {
    calls: Vec<Vec<Vec<u8>>>,
    ranges: Vec<Range>,
    progress: Progress,
}

/// What a reader of requests does next.
#[derive(Debug, PartialEq)]
enum End {
    /// It waits for more.
    Open,
    /// It reads so many bytes straight into an allocation of their own.
    Big(usize),
    Error(ProtocolError),
}

impl Requests {
    fn parse(&mut self, data: &[u8], limits: &request::Limits) -> End {
        loop {
            let end = match request::parse(data, self.progress, limits, &mut self.ranges) {
                Parsed::Incomplete(next) => {
                    self.progress = next;
                    return End::Open;
                }
                Parsed::BigBulk { len, .. } => return End::Big(len),
                Parsed::Error(error) => return End::Error(error),
                Parsed::Nothing { end } => end,
                Parsed::Inline { end, args } => {
                    self.calls.push(args);
                    end
                }
                Parsed::Call { end, .. } => {
                    let bytes = |range: Range| data[range.start as usize..range.end as usize].to_vec();
                    self.calls.push(self.ranges.drain(..).map(bytes).collect());
                    end
                }
            };
            self.progress = Progress { missing: 0, at: end };
        }
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

/// A manifest: what is read is written such that it is read the same, and so is one whose checksum was mended.
pub fn manifest(data: &[u8]) {
    match Manifest::parse(data) {
        Ok(manifest) => {
            let again = Manifest::parse(&manifest.print()).expect("what we print");
            assert_eq!(again, Manifest { history: again.history.clone(), ..manifest.clone() });
            assert_eq!(again.history, manifest.history);
            let next = [manifest.next_base_seq(), manifest.next_increment_seq()];
            assert!(manifest.base.is_none_or(|base| base.seq < next[0]));
            assert!(manifest.increments.last().is_none_or(|last| last.seq < next[1]));
        }
        Err(ManifestError { line: number, fault: Fault::Checksum, .. }) => {
            let lines: Vec<&[u8]> = data.split_inclusive(|&byte| byte == b'\n').collect();
            let at = lines[..number - 1].iter().map(|line| line.len()).sum::<usize>();
            let key = b" crc32c=";
            let end = at + data[at..].windows(key.len()).position(|part| part == key).expect("it has a checksum");
            let sum = format!("{:08x}\n", crc32c(0, &data[..end]));
            manifest(&[&data[..end], key, sum.as_bytes(), &lines[number..].concat()].concat());
        }
        Err(error) => assert!(error.line <= data.len() && !error.to_string().is_empty()),
    }
}

/// A configuration file: there is something to say about it, or it can be written back such that it says the same.
pub fn config(data: &[u8]) {
    let mut include = |_: &str| Err("no file is included".to_owned());
    let mut load = |text: &[u8]| {
        let sources = Sources { file: Some(("fuzz.conf", text)), ..Sources::default() };
        let findings = config::check(sources, &mut include);
        let loaded = Config::from_sources(sources, &mut include);
        let is_wrong = findings.iter().any(|finding| finding.severity == config::Severity::Error);
        assert_eq!(loaded.is_err(), is_wrong);
        loaded.map(|loaded| loaded.config)
    };
    let Ok(config) = load(data) else { return };
    // To write all directives takes long: now and then.
    let extent = if data.len().is_multiple_of(16) { Extent::Everything } else { Extent::Needed };
    let written = config.rewrite(data, extent);
    let again = load(&written).unwrap_or_else(|error| panic!("{error:?} in {}", written.escape_ascii()));
    assert_eq!(again.get(&[b"*"]), config.get(&[b"*"]), "{}", written.escape_ascii());
    assert_eq!(again.users, config.users);
    let twice = again.rewrite(&written, extent);
    assert_eq!(twice.escape_ascii().to_string(), written.escape_ascii().to_string());
    let (reloaded, _) = Config::default().reload(&config);
    assert!(reloaded.reload(&config).1.iter().all(|change| change.directive.when != config::When::Live));
}

/// A pattern and a text, parted by a zero byte.
pub fn glob(data: &[u8]) {
    let at = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let (pattern, text) = (&data[..at], data.get(at + 1..).unwrap_or_default());
    for case in [Case::Sensitive, Case::Insensitive] {
        let found = matches(pattern, text, case);
        if pattern.len() <= TRUE_GLOB_BYTES && pattern.len() * text.len() <= PLAIN_GLOB_STEPS {
            assert_eq!(found, plain_glob::matches(pattern, text, case));
        }
        if found && case == Case::Sensitive {
            assert!(text.starts_with(literal_prefix(pattern)), "the literal part comes first");
        }
    }
}
