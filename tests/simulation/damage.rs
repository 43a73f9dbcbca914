//! Damage to files that were whole: every byte of a small log flipped, its end cut at every byte, zeros and garbage behind it.
//!
//! The production loader finds a state that was, or refuses with the file's name; it never panics, and never shows what was never written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ferrodis::persistence::aof::check::{Mend, check};
use ferrodis::server::config::Config;

use crate::disk::{Faults, FaultyDisk};
use crate::model::State;
use crate::process::{Process, SimulatedClock};

/// What is written; some of it twice, since the base has the first seven.
const CALLS: [&str; 15] = [
    "SET a 1",
    "RPUSH list one two three",
    "HSET hash field value other 12",
    "HPEXPIREAT hash 4102444800000 FIELDS 1 other",
    "SADD set 1 2 3",
    "SADD words x y z",
    "ZADD sorted 1 one 2 two",
    "SELECT 1",
    "SET there 5",
    "SELECT 0",
    "MULTI",
    "SET left 1",
    "SET right 1",
    "EXEC",
    "SET a 2",
];

struct Sample {
    disk: FaultyDisk,
    clock: Arc<SimulatedClock>,
    config: Config,
    /// What was there, from the base on, after each call.
    states: Vec<State>,
}

fn dir() -> PathBuf {
    Path::new("/data").join("appendonlydir")
}

impl Sample {
    /// A base with a part of the calls, and two increments with all of them, a block each.
    fn new(is_rdb: bool) -> Sample {
        let disk = FaultyDisk::new(1);
        let clock = Arc::new(SimulatedClock::new(1_700_000_000_000, 100));
        let mut config = Config { dir: "/data".into(), save: Vec::new(), ..Config::default() };
        (config.appendonly, config.aof_use_rdb_preamble) = (true, is_rdb);
        let mut process = Process::new(config.clone(), &clock, &disk);
        process.dispatcher.begin_loading().expect("nothing is there");
        let mut states = Vec::new();
        let write = |process: &mut Process, clock: &SimulatedClock| {
            for _ in 0..4 {
                clock.advance_ms(500);
                process.dispatcher.tick();
                process.steps.step_log();
                process.steps.step_snapshots(20);
            }
        };
        let only = ["HSET old field value", "HPEXPIREAT old 4102444800000 FIELDS 1 field"];
        for line in CALLS[..7].iter().chain(&only) {
            process.operate(line);
        }
        process.operate("BGREWRITEAOF");
        write(&mut process, &clock);
        states.push(process.read_state());
        process.operate("SELECT 0");
        for line in CALLS {
            process.operate(line);
            while line == "SADD set 1 2 3" && disk.files().iter().filter(|(path, _)| is_increment(path)).count() < 2 {
                // What the disk takes only part of goes to another increment.
                disk.set_faults(Faults { write_error: 0.5, ..Faults::default() });
                process.operate("SET a 1");
                write(&mut process, &clock);
                disk.set_faults(Faults::default());
                write(&mut process, &clock);
            }
            if !["MULTI", "SET left 1", "SET right 1"].contains(&line) {
                write(&mut process, &clock);
                let database = if line == "SELECT 1" || line == "SET there 5" { "SELECT 1" } else { "SELECT 0" };
                states.push(process.read_state());
                process.operate(database);
            }
        }
        assert_eq!(process.dispatcher.server.persistence.log.rewrites, 1);
        disk.kill();
        Sample { disk, clock, config, states }
    }

    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        self.disk.files().into_iter().filter(|(path, _)| path.starts_with(dir())).collect()
    }

    /// The increments, in their order.
    fn increments(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found: Vec<_> = self.files().into_iter().filter(|(path, _)| is_increment(path)).collect();
        found.sort_by_key(|(path, _)| (path.as_os_str().len(), path.clone()));
        assert!(found.len() == 2 && found.iter().all(|(_, bytes)| block_starts(bytes).len() > 3), "{found:?}");
        found
    }

    /// The same, with other contents of its files.
    fn with(&self, change: impl Fn(&Path, &[u8]) -> Vec<u8>) -> Sample {
        let disk = self.disk.copy();
        self.files().iter().for_each(|(path, bytes)| disk.replace(path, change(path, bytes)));
        Sample { disk, clock: self.clock.clone(), config: self.config.clone(), states: self.states.clone() }
    }

    /// Loads with another content of one file. Gives the state found, or the refusal.
    fn load_with(&self, path: &Path, bytes: Vec<u8>) -> Result<State, String> {
        let disk = self.disk.copy();
        disk.replace(path, bytes);
        let mut process = Process::new(self.config.clone(), &self.clock, &disk);
        process.dispatcher.begin_loading()?;
        while process.dispatcher.is_loading() {
            process.dispatcher.step_loading()?;
        }
        Ok(process.read_state())
    }

    /// Whether it loaded: then it was a state that was. A refusal names the file.
    fn check(&self, path: &Path, bytes: Vec<u8>, what: &str) -> bool {
        match self.load_with(path, bytes) {
            Ok(found) => {
                assert!(self.states.contains(&found), "{what} of {} gives {found:?}", path.display());
                true
            }
            Err(refusal) => {
                let name = path.file_name().expect("it has one").to_string_lossy();
                let places = [&*name, "appendonly.aof", "rdb file"];
                assert!(places.iter().any(|place| refusal.contains(place)), "{what} of {}: {refusal}", path.display());
                false
            }
        }
    }
}

fn is_base(path: &Path) -> bool {
    path.to_string_lossy().contains(".base.")
}

fn is_increment(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".incr.aof")
}

#[test]
fn a_log_cut_at_any_byte_or_with_anything_behind_it_loads_as_it_was() {
    let sample = Sample::new(true);
    let (path, bytes) = sample.increments().pop().expect("there are two");
    assert_eq!(sample.load_with(&path, bytes.clone()).as_ref(), Ok(sample.states.last().expect("there is one")));
    let place_of = |state: &State| sample.states.iter().position(|known| known == state);
    let mut found = std::collections::BTreeSet::new();
    for len in 0..bytes.len() {
        let state = sample.load_with(&path, bytes[..len].to_vec()).unwrap_or_else(|why| panic!("cut at {len}: {why}"));
        found.insert(place_of(&state).unwrap_or_else(|| panic!("cut at {len} gives {state:?}")));
    }
    let first = sample.load_with(&path, Vec::new()).expect("it may be empty");
    let first = sample.states.iter().rposition(|known| *known == first).expect("it was there");
    let but_the_last = &sample.states[first..sample.states.len() - 1];
    assert_eq!(found, but_the_last.iter().filter_map(place_of).collect(), "of these some cut leaves each");
    assert!(found.len() > 2, "{found:?}");
    let mut noise = fastrand::Rng::with_seed(1);
    for len in (1..600).step_by(11) {
        let tails =
            [vec![0; len], (0..len).map(|_| noise.u8(..)).collect(), b"*3\r\n$3\r\nSET\r\n$1\r\nz\r\n$99\r\n".to_vec()];
        for tail in tails {
            sample.check(&path, [&bytes[..], &tail].concat(), &format!("a tail of {len} bytes"));
        }
    }
}

/// Where the blocks of an increment begin, and the end of the last.
fn block_starts(bytes: &[u8]) -> Vec<usize> {
    let starts = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(b"# block "));
    starts.chain([bytes.len()]).collect()
}

/// Every byte of every file, changed in two ways, with the file's blocks if it has any.
fn flips(sample: &Sample) -> impl Iterator<Item = (PathBuf, usize, Vec<u8>, Vec<usize>)> {
    sample.files().into_iter().flat_map(|(path, bytes)| {
        let starts = if is_increment(&path) { block_starts(&bytes) } else { Vec::new() };
        (0..bytes.len()).flat_map(|at| [1, 0xff].map(|flip| (at, flip))).map(move |(at, flip)| {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            (path.clone(), at, bytes, starts.clone())
        })
    })
}

/// A block that was durable when the next was written must be as it was, or the file is refused, with the place of the block and what
/// stands behind it; the last one of all may have been under way, and is cut off. In a base and a manifest everything has a checksum.
#[test]
fn every_byte_of_a_log_flipped_is_told_exactly() {
    for is_rdb in [true, false] {
        assert_told(&Sample::new(is_rdb));
    }
}

fn assert_told(sample: &Sample) {
    let [.., before, last] = &sample.states[..] else { panic!("there are many") };
    let last_file = sample.increments().pop().expect("there are two").0;
    let mut met = [0; 5];
    for (path, at, bytes, starts) in flips(sample) {
        let name = path.file_name().expect("it has one").to_string_lossy().into_owned();
        let (len, found) = (bytes.len(), sample.load_with(&path, bytes));
        let block = starts.iter().rposition(|&start| start <= at);
        match block.map(|block| (block, starts.len() - 2 - block)) {
            Some((_, 0)) if path == last_file => {
                assert_eq!(found.as_ref(), Ok(before), "byte {at} of the last block");
                met[0] += 1;
            }
            Some((block, behind)) if path != last_file => {
                // Others follow, so it was durable; if nothing but a head has changed, all may be there still.
                let place = format!("{name} at offset {}", starts[block]);
                let end = format!("{name} ends in the middle of something at offset {}", starts[block]);
                match found {
                    Ok(found) => assert_eq!(found, *last, "byte {at} of {name}"),
                    Err(told) => {
                        assert!(told.contains(&end) || behind > 0 && told.contains(&place), "byte {at}: {told}")
                    }
                }
                met[1] += 1;
            }
            Some((block, behind)) => {
                let (start, rest) = (starts[block], len - starts[block + 1]);
                let told = format!(
                    "{name} at offset {start}: it was durable, and {behind} valid blocks ({rest} bytes) stand behind it"
                );
                assert!(found.as_ref().is_err_and(|refusal| refusal.contains(&told)), "byte {at} of {name}: {found:?}");
                met[2] += 1;
            }
            None if found.is_ok() => {
                assert_eq!(found.as_ref(), Ok(last), "byte {at} of {name}");
                met[3] += 1;
            }
            None => {
                let refusal = found.expect_err("it did not load");
                assert!([&*name, "AOF manifest", "rdb file"].iter().any(|place| refusal.contains(place)), "{refusal}");
                met[4] += 1;
            }
        }
    }
    assert!([0, 1, 2, 4].iter().all(|&which| met[which] > 100), "{met:?}");
}

/// It was durable before it was put in force: its end is no more torn than the rest.
#[test]
fn every_byte_of_a_base_flipped_is_told_where_nothing_follows_it() {
    for is_rdb in [true, false] {
        let sample = Sample::new(is_rdb);
        let of_base = sample.with(|path, bytes| if is_increment(path) { Vec::new() } else { bytes.to_vec() });
        let mut refused = 0;
        for (path, at, bytes, _) in flips(&of_base).filter(|(path, ..)| is_base(path)) {
            match of_base.load_with(&path, bytes) {
                Ok(found) => assert_eq!(found, sample.states[0], "byte {at} of {}", path.display()),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 300, "{refused}");
    }
}

/// A base of calls, as another server writes it, has no checksum: what it holds may change unseen, but nothing panics, and what
/// is refused is told with the file.
#[test]
fn bytes_flipped_in_a_base_of_calls_are_refused_with_the_file_or_are_other_calls() {
    let sample =
        Sample::new(false).with(|path, bytes| if is_base(path) { without_heads(bytes) } else { bytes.to_vec() });
    let (mut loaded, mut refused) = (0, 0);
    for (path, at, bytes, _) in flips(&sample).filter(|(path, ..)| is_base(path)) {
        match sample.load_with(&path, bytes) {
            Ok(_) => loaded += 1,
            Err(refusal) => {
                assert!(refusal.contains("appendonly.aof"), "byte {at}: {refusal}");
                refused += 1;
            }
        }
    }
    assert!(loaded > 10 && refused > 100, "{loaded} loaded, {refused} refused");
}

/// The calls without the lines that head their blocks.
fn without_heads(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| !line.starts_with(b"# block "));
    lines.flatten().copied().collect()
}

/// `check-aof --fix` leaves a log that loads, up to the block that was bad and no further.
#[test]
fn a_log_that_was_mended_loads_up_to_the_bad_block() {
    let sample = Sample::new(false);
    let last_file = sample.increments().pop().expect("there are two").0;
    for (path, at, bytes, starts) in flips(&sample).filter(|(path, ..)| *path == last_file).step_by(7) {
        let block = starts.iter().rposition(|&start| start <= at).expect("the first begins at 0");
        let expected = sample.load_with(&path, bytes[..starts[block]].to_vec());
        let disk = sample.disk.copy();
        disk.replace(&path, bytes);
        let report = check(Arc::new(disk.clone()), &dir(), Mend::Cut);
        assert!(report.is_whole(), "byte {at}: {report}");
        let mended = Sample { disk, clock: sample.clock.clone(), config: sample.config.clone(), states: Vec::new() };
        let (_, left) = mended.files().into_iter().find(|(other, _)| *other == path).expect("it is still there");
        assert_eq!(mended.load_with(&path, left), expected, "byte {at}");
    }
}

/// The power goes before the first operation of `check-aof --fix`, before the second, and so on: what it cuts is kept at every moment,
/// and it can be done again.
#[test]
fn a_mend_that_the_power_interrupts_keeps_what_it_cuts() {
    let sample = Sample::new(true);
    let (path, whole) = sample.increments().pop().expect("there are two");
    let start = block_starts(&whole)[2];
    let mut bytes = whole.clone();
    bytes[start + 20] ^= 1;
    let expected = sample.load_with(&path, bytes[..start].to_vec());
    let fix = |disk: &FaultyDisk| check(Arc::new(disk.clone()), &dir(), Mend::Cut);
    let mut was_cut = false;
    for operation in 0.. {
        let disk = sample.disk.copy();
        disk.replace(&path, bytes.clone());
        disk.crash_in(operation);
        let report = fix(&disk);
        let is_done = !disk.is_down();
        disk.crash();
        let files: std::collections::BTreeMap<_, _> = disk.files().into_iter().collect();
        if files[&path] != bytes {
            let is_kept = files.iter().any(|(name, kept)| *name != path && *kept == bytes[start..]);
            assert!(is_kept && files[&path] == bytes[..start], "operation {operation}");
            was_cut = true;
        }
        assert_eq!(report.is_whole(), is_done, "operation {operation}: {report}");
        if is_done {
            assert!(was_cut && operation > 10, "{operation}");
            break;
        }
        let again = fix(&disk);
        assert!(again.is_whole(), "operation {operation}: {again}");
        let left = disk.files().into_iter().find(|(name, _)| *name == path).expect("it is still there").1;
        let mended = Sample { disk, clock: sample.clock.clone(), config: sample.config.clone(), states: Vec::new() };
        assert_eq!(mended.load_with(&path, left), expected, "operation {operation}");
    }
}
