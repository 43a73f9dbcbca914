//! What is fuzzed of the whole server, below its sockets and on a disk in memory: calls that clients send, and logs that it finds.

use crate::disk::FaultyDisk;
use crate::process::{Process, SimulatedClock};
use ferrodis::base::disk::{Disk, OpenMode, write_all};
use ferrodis::dispatch::{Partial, Turn};
use ferrodis::formats::aof_manifest::{FileInfo, Manifest};
use ferrodis::persistence::aof::block::{Head, Place};
use ferrodis::persistence::aof::check::{Mend, Problem, Report, check};
use ferrodis::persistence::aof::store::Location;
use ferrodis::server::config::{Config, Permission};
use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a log is refused that its check calls whole: whether the calls are ours, and the databases enough, it does not look at.
const UNCHECKED: [&str; 5] = [
    "Unknown command",
    "Wrong number of arguments",
    "unknown subcommand",
    "selects a database",
    "configured to handle more than",
];
/// Calls with these words end the process on purpose, sleep, or raise the limit on what a call may take.
const BARRED: [&[u8]; 3] = [b"debug", b"sleep", b"proto-max"];
/// Replies to calls with these words tell of time, memory or packets.
const VARYING: [&[u8]; 6] = [b"info", b"memory", b"client", b"latency", b"log", b"monitor"];
/// Calls with these words draw from what batches of calls draw from as well.
const DRAWING: [&[u8]; 2] = [b"rand", b"spop"];
/// A count with so many digits behind its minus sign asks for as many random elements.
const BARRED_DIGITS: usize = 5;
/// 2023-11-14T22:13:20Z.
const START_MS: u64 = 1_700_000_000_000;
/// What a call may take at most, as a bulk and as a string that it makes.
const BULK_MAX_BYTES: u64 = 1 << 20;

fn has_word(data: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|word| data.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word)))
}

fn is_barred(data: &[u8]) -> bool {
    let is_large = |part: &[u8]| part[0] == b'-' && part[1..].iter().all(u8::is_ascii_digit);
    has_word(data, &BARRED) || data.windows(1 + BARRED_DIGITS).any(is_large)
}

fn config() -> Config {
    let mut config = Config { dir: "/data".into(), save: Vec::new(), appendonly: true, ..Config::default() };
    config.proto_max_bulk_len_bytes = BULK_MAX_BYTES;
    config
}

fn start(config: Config, clock: &Arc<SimulatedClock>, disk: &FaultyDisk) -> Result<Process, String> {
    let mut process = Process::new(config, clock, disk);
    process.dispatcher.begin_loading()?;
    while process.dispatcher.is_loading() {
        process.dispatcher.step_loading()?;
    }
    Ok(process)
}

/// DEBUG DIGEST; none where nobody may ask for it.
fn digest(process: &mut Process) -> Option<String> {
    let server = &mut process.dispatcher.server;
    server.config.enable_debug_command = Permission::Yes;
    server.keyspace.all_mut().iter_mut().for_each(|db| db.check_invariants());
    let reply = process.operate("DEBUG DIGEST");
    (reply.first() == Some(&b'+')).then(|| reply.escape_ascii().to_string())
}

/// What a client sends, behind a byte: cut into pieces it is answered as in one go, and the log, or a base made of it, holds what
/// the server holds.
pub fn calls(data: &[u8]) {
    let Some((&choice, input)) = data.split_first() else { return };
    if is_barred(input) {
        return;
    }
    let mut whole = Served::new(input, usize::MAX);
    let mut cut = Served::new(input, 1 + usize::from(choice >> 2));
    if !has_word(input, &DRAWING) {
        if !has_word(input, &VARYING) {
            assert_eq!(whole.replies.escape_ascii().to_string(), cut.replies.escape_ascii().to_string());
        }
        assert_eq!(digest(&mut whole.process), digest(&mut cut.process));
    }
    whole.reload(false);
    cut.reload(choice & 1 == 1);
}

/// A server, and what it answered to one client.
struct Served {
    disk: FaultyDisk,
    clock: Arc<SimulatedClock>,
    process: Process,
    replies: Vec<u8>,
}

impl Served {
    /// Sends `input` in pieces of so many bytes.
    fn new(input: &[u8], piece_bytes: usize) -> Served {
        let disk = FaultyDisk::new(1);
        let clock = Arc::new(SimulatedClock::new(START_MS, 100));
        let mut process = start(config(), &clock, &disk).expect("nothing is there");
        let client = process.connect();
        let (mut rest, mut partial, mut turn) = (Vec::new(), Partial::default(), Turn::Drained);
        let mut replies = Vec::new();
        for piece in input.chunks(piece_bytes) {
            rest.extend_from_slice(piece);
            // What waits in its place goes on waiting, and what is big is read straight into its place.
            while matches!(turn, Turn::Drained | Turn::Again) && partial.filling == 0 {
                let (consumed, ended) = process.dispatcher.run(client, &rest, &mut partial);
                rest.drain(..consumed);
                replies.extend(process.output(client));
                turn = ended;
                if turn != Turn::Again {
                    break;
                }
            }
        }
        Served { disk, clock, process, replies }
    }

    /// The process ends, and the next one finds what this one held.
    fn reload(mut self, rewrites: bool) {
        if rewrites {
            self.process.operate("BGREWRITEAOF");
        }
        for _ in 0..8 {
            // Blocks are due after a moment, and no deadline comes.
            self.clock.advance_ms(10);
            self.clock.jump_to(START_MS);
            self.process.dispatcher.tick();
            self.process.steps.step_log();
            self.process.steps.step_snapshots(50);
        }
        let (held, is_logged) = (digest(&mut self.process), self.process.dispatcher.server.config.appendonly);
        self.disk.kill();
        let mut next = start(config(), &self.clock, &self.disk).expect("what was written can be read");
        if is_logged && held.is_some() {
            assert_eq!(digest(&mut next), held);
        }
    }
}

/// A log's files, behind a byte: it is read to its end or refused, mended if cutting helps, and the server agrees.
///
/// A line `%` begins another file. A line `@`, or `@AT SYNCED`, becomes the right head of the block up to the next such line, `!` that of
/// another block: so changed bytes still come in blocks that look whole.
pub fn log(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else { return };
    let files: Vec<Vec<u8>> = sections(data, |line| line == b"%\n").map(|(_, body)| with_heads(body)).collect();
    let (disk, last) = write_log(&files, choice & 1 == 1, choice & 2 == 2);
    let before = contents(&disk, &last);
    let found = examine(&disk, Mend::No);
    let len = before.len() as u64;
    assert!(found.loss.iter().all(|(path, at, lost)| *path == last && at + lost == len), "{found}");

    let clock = Arc::new(SimulatedClock::new(START_MS, 100));
    let loaded = start(config(), &clock, &disk.copy());
    match &found.problem {
        None | Some(Problem::TornEnd(_)) => {
            let is_known = |why: &String| UNCHECKED.iter().any(|refusal| why.contains(refusal));
            assert!(loaded.as_ref().err().is_none_or(is_known), "{found}{:?}", loaded.err());
        }
        Some(_) => assert!(loaded.is_err(), "{found}"),
    }

    let mended = disk.copy();
    if let Some(Ok(kept)) = examine(&mended, Mend::Cut).mended {
        assert_eq!([contents(&mended, &last), contents(&mended, &kept)].concat(), before);
        let again = examine(&mended, Mend::No);
        assert!(again.is_whole(), "{found}{again}");
        // A block goes whole when one of its calls is none.
        assert!(calls_of(&again) <= calls_of(&found), "{found}{again}");
    }
    if let Ok(mut process) = loaded {
        let once = digest(&mut process);
        let mut next = start(config(), &clock, &mended).expect("what was loaded loads once it is mended");
        assert_eq!(digest(&mut next), once);
    }
}

/// The parts of `data` that begin behind lines for which `is_mark` holds, each with that line; the first has none.
fn sections(data: &[u8], is_mark: impl Fn(&[u8]) -> bool) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut sections: Vec<(&[u8], &[u8])> = Vec::new();
    let (mut mark, mut start, mut at) = (&data[..0], 0, 0);
    for line in data.split_inclusive(|&byte| byte == b'\n') {
        if is_mark(line) {
            sections.push((mark, &data[start..at]));
            (mark, start) = (line, at + line.len());
        }
        at += line.len();
    }
    sections.push((mark, &data[start..]));
    sections.into_iter()
}

fn with_heads(data: &[u8]) -> Vec<u8> {
    let (mut file, mut end) = (Vec::new(), 0_u64);
    for (mark, body) in sections(data, |line| matches!(line[0], b'@' | b'!')) {
        if let Some(&kind) = mark.first() {
            let words = String::from_utf8_lossy(&mark[1..]);
            let mut numbers = words.split_ascii_whitespace().map(|word| word.parse::<u64>().ok());
            let at = numbers.next().unwrap_or(Some(end));
            let place = at.map(|at| Place { at, synced: numbers.next().flatten().unwrap_or(at) });
            let mut head = Head::of(body, place);
            head.crc ^= u32::from(kind == b'!');
            head.print(&mut file);
            end = place.map_or(end, |place| place.at.wrapping_add(body.len() as u64));
        }
        file.extend_from_slice(body);
    }
    file
}

fn directory() -> PathBuf {
    Path::new("/data").join("appendonlydir")
}

/// A disk with these files as a log, the first as its base or not, and the path of the one that may be torn.
fn write_log(files: &[Vec<u8>], has_base: bool, tells_begin: bool) -> (FaultyDisk, PathBuf) {
    let disk = FaultyDisk::new(1);
    let location = Location::new(Path::new("/data"), b"appendonlydir", b"appendonly.aof");
    let mut manifest = Manifest { last_begins_at: tells_begin.then_some(0), ..Manifest::default() };
    for number in 0..files.len() {
        let is_base = has_base && number == 0;
        let (kind, seq) = (if is_base { "base.rdb" } else { "incr.aof" }, number as u64 + 1);
        let file = FileInfo { name: format!("appendonly.aof.{seq}.{kind}").into_bytes(), seq };
        if is_base { manifest.base = Some(file) } else { manifest.increments.push(file) }
    }
    let write = |path: &Path, bytes: &[u8]| {
        let mut file = disk.open(path, OpenMode::Create).expect("it does not fail");
        write_all(&mut *file, &mut [IoSlice::new(bytes)]).expect("it does not fail");
    };
    write(&location.manifest_path(), &manifest.print());
    let paths: Vec<PathBuf> = manifest.parts().map(|part| location.path(&part.name)).collect();
    paths.iter().zip(files).for_each(|(path, bytes)| write(path, bytes));
    // With its beginning told, the last file is ours, and what is before it was durable.
    let last =
        if tells_begin { files.len() - 1 } else { files.iter().rposition(|bytes| !bytes.is_empty()).unwrap_or(0) };
    (disk, paths[last].clone())
}

fn contents(disk: &FaultyDisk, path: &Path) -> Vec<u8> {
    disk.files().into_iter().find(|(known, _)| known == path).expect("it is there").1
}

fn examine(disk: &FaultyDisk, mend: Mend) -> Report {
    check(Arc::new(disk.clone()), &directory(), mend)
}

fn calls_of(report: &Report) -> u64 {
    report.files.iter().map(|file| file.calls).sum()
}
