//! Logs that are whole, torn, foreign or damaged, and what the reader makes of each.

use std::path::Path;

use super::*;
use crate::base::disk::RealDisk;
use crate::formats::aof_manifest::Manifest;
use crate::persistence::aof::block::{Head, Place};
use crate::persistence::aof::check::{Mend, check};
use crate::persistence::aof::store::Location;

const INCREMENT: &str = "file appendonly.aof.1.incr.aof seq 1 type i\n";

/// A log in a directory of its own.
struct Dir(tempfile::TempDir);

impl Dir {
    fn new(manifest: &str, files: &[(&str, &[u8])]) -> Dir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("appendonlydir")).unwrap();
        let dir = Dir(dir);
        std::fs::write(dir.path("appendonly.aof.manifest"), manifest).unwrap();
        for (name, bytes) in files {
            std::fs::write(dir.path(name), bytes).unwrap();
        }
        dir
    }

    /// With one increment.
    fn with(bytes: &[u8]) -> Dir {
        Dir::new(INCREMENT, &[("appendonly.aof.1.incr.aof", bytes)])
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join("appendonlydir").join(name)
    }

    fn increment(&self) -> Vec<u8> {
        std::fs::read(self.path("appendonly.aof.1.incr.aof")).unwrap()
    }

    fn load(&self, tail: Tail) -> Result<Loaded, LoadError> {
        let store = Store::open(Arc::new(RealDisk), Location::new(self.0.path(), b"appendonlydir", b"appendonly.aof"));
        let mut reader = Reader::open(&store.unwrap(), tail)?;
        let mut loaded = Loaded::default();
        loop {
            match reader.next()? {
                Item::File { name, .. } => loaded.items.push(format!("[{}]", name.escape_ascii())),
                Item::Rdb => {
                    let piece = reader.rdb_piece()?;
                    let len = memchr::memchr(b'.', piece).unwrap() as u64 + 1;
                    loaded.items.push(format!("rdb {len}"));
                    reader.end_rdb(len);
                }
                Item::Call(call) => {
                    let words: Vec<_> = call.args().map(|arg| arg.escape_ascii().to_string()).collect();
                    loaded.items.push(words.join(" "));
                }
                Item::End => break,
            }
        }
        assert_eq!(reader.read_bytes(), reader.total_bytes());
        loaded.notices = reader.take_notices();
        loaded.end = reader.end();
        Ok(loaded)
    }

    fn refusal(&self, tail: Tail) -> String {
        self.load(tail).expect_err("it must be refused").to_string()
    }
}

/// With two increments, the second of which begins at the log offset `at`.
fn two(at: u64, first: &[u8], last: &[u8]) -> Dir {
    let info = |n: u64| FileInfo { name: format!("appendonly.aof.{n}.incr.aof").into_bytes(), seq: n };
    let manifest = Manifest { increments: vec![info(1), info(2)], last_begins_at: Some(at), ..Manifest::default() };
    let files = [("appendonly.aof.1.incr.aof", first), ("appendonly.aof.2.incr.aof", last)];
    Dir::new(std::str::from_utf8(&manifest.print()).unwrap(), &files)
}

#[derive(Debug, Default)]
struct Loaded {
    items: Vec<String>,
    notices: Vec<Notice>,
    end: LogEnd,
}

impl Loaded {
    /// The calls behind the file's name, by their last word.
    fn calls(&self) -> String {
        let words =
            self.items.iter().filter(|item| !item.starts_with('[')).map(|item| item.rsplit(' ').next().unwrap());
        words.collect::<Vec<_>>().join(",")
    }
}

fn call(words: &str) -> Vec<u8> {
    let words: Vec<_> = words.split(' ').collect();
    let args = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    format!("*{}\r\n{}", words.len(), args.collect::<String>()).into_bytes()
}

fn calls(words: &[&str]) -> Vec<u8> {
    words.iter().flat_map(|words| call(words)).collect()
}

/// Blocks one behind the other from log offset 0; `synced` for each.
fn blocks(bodies: &[(&[&str], u64)]) -> Vec<Vec<u8>> {
    let mut at = 0;
    let mut blocks = Vec::new();
    for (words, synced) in bodies {
        let body = calls(words);
        let mut block = Vec::new();
        Head::of(&body, Some(Place { at, synced: *synced })).print(&mut block);
        at += body.len() as u64;
        block.extend_from_slice(&body);
        blocks.push(block);
    }
    blocks
}

/// Three blocks of one call each, all of which say that what was before them is durable.
fn three() -> Vec<Vec<u8>> {
    let len = call("set k 1").len() as u64;
    blocks(&[(&["set k 1"], 0), (&["set k 2"], len), (&["set k 3"], 2 * len)])
}

#[test]
fn blocks_are_loaded_in_order_and_the_end_is_told() {
    let loaded = Dir::with(&three().concat()).load(Tail::Refuse).unwrap();
    assert_eq!(loaded.items, ["[appendonly.aof.1.incr.aof]", "set k 1", "set k 2", "set k 3"]);
    assert_eq!(loaded.end, LogEnd { offset: 3 * call("set k 1").len() as u64, is_whole: true });
    assert!(loaded.notices.is_empty());
}

#[test]
fn a_base_of_rdb_goes_on_with_calls_and_increments_follow() {
    let manifest = "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";
    let base = [b"REDIS0009 whatever.".as_slice(), &call("hpexpire h")].concat();
    let files = [("appendonly.aof.1.base.rdb", base.as_slice()), ("appendonly.aof.1.incr.aof", &call("set k 1"))];
    let loaded = Dir::new(manifest, &files).load(Tail::Refuse).unwrap();
    let expected = ["[appendonly.aof.1.base.rdb]", "rdb 19", "hpexpire h", "[appendonly.aof.1.incr.aof]", "set k 1"];
    assert_eq!(loaded.items, expected);
}

#[test]
fn what_redis_appended_to_our_file_is_loaded_with_a_notice() {
    let mut bytes = three().concat();
    bytes.extend_from_slice(b"#TS:1628217470\r\n");
    bytes.extend(calls(&["select 0", "multi", "set k 4", "exec"]));
    let loaded = Dir::with(&bytes).load(Tail::Refuse).unwrap();
    assert_eq!(loaded.calls(), "1,2,3,0,multi,4,exec");
    assert!(matches!(loaded.notices[..], [Notice::ForeignCalls { calls: 4, .. }]), "{:?}", loaded.notices);
    assert_eq!(loaded.end.offset, 3 * call("set k 1").len() as u64, "the log's own offset does not count them");
}

/// It holds nothing, yet whoever opened it had made durable what is before it. What was lost there went unsaid, or with a notice only,
/// and what was written next could not be loaded.
#[test]
fn what_was_durable_before_an_empty_increment_was_given_up() {
    let end = 3 * call("set k 1").len() as u64;
    let whole = three().concat();
    let load = |first: &[u8]| two(end, first, b"").load(Tail::Cut);
    assert_eq!(load(&whole).unwrap().end, LogEnd { offset: end, is_whole: true });
    let torn = load(&whole[..whole.len() - 1]).unwrap_err();
    assert!(matches!(torn, LoadError::TruncatedNotLast { .. }), "{torn}");
    let short = load(&three()[..2].concat()).unwrap_err();
    let expected = end / 3 * 2;
    assert!(
        matches!(short, LoadError::Gap { offset: 0, found, expected: e, .. } if (found, e) == (end, expected)),
        "{short}"
    );
}

/// What its server was just writing looked torn, and was cut off beneath it.
#[test]
fn a_log_in_use_was_mended() {
    let dir = Dir::with(&[three().concat().as_slice(), b"*3\r\n$3\r\nSE"].concat());
    let mend = || check(Arc::new(RealDisk), dir.0.path(), Mend::Cut);
    let before = dir.increment();
    let server = Store::open(Arc::new(RealDisk), Location::new(dir.0.path(), b"appendonlydir", b"appendonly.aof"));
    let report = mend().to_string();
    assert!(report.contains("another server uses it") && dir.increment() == before, "{report}");
    drop(server);
    assert!(mend().is_whole() && dir.increment() == three().concat());
}

/// The manifest went on to say where the last increment begins: what was written after the mending could not be loaded.
#[test]
fn a_gap_that_was_given_up_was_asked_for_again() {
    let blocks = three();
    let end = 2 * call("set k 1").len() as u64;
    for last in [blocks[2].as_slice(), b""] {
        let dir = two(end, &blocks[0], last);
        assert!(matches!(dir.load(Tail::Cut), Err(LoadError::Gap { .. })));
        let report = check(Arc::new(RealDisk), dir.0.path(), Mend::Cut);
        assert!(report.is_whole(), "{report}");
        assert_eq!(dir.load(Tail::Cut).unwrap().end, LogEnd { offset: end / 2, is_whole: true });
        std::fs::write(dir.path("appendonly.aof.2.incr.aof"), &blocks[1]).unwrap();
        assert_eq!(dir.load(Tail::Cut).unwrap().calls(), "1,2");
    }
}

#[test]
fn a_torn_end_is_cut_at_every_byte_and_kept_beside() {
    let blocks = three();
    let (whole, last) = (blocks[..2].concat(), &blocks[2]);
    for cut in 1..last.len() {
        let dir = Dir::with(&[&whole, &last[..cut]].concat());
        assert!(dir.refusal(Tail::Refuse).starts_with("Unexpected end of file reading the append only file"), "{cut}");
        let loaded = dir.load(Tail::Cut).unwrap();
        assert_eq!(loaded.calls(), "1,2", "{cut}");
        assert_eq!(dir.increment(), whole);
        let Some(Notice::Cut { kept: Some(kept), .. }) = loaded.notices.first() else { panic!("a notice tells of it") };
        assert_eq!(std::fs::read(kept).unwrap(), last[..cut]);
        assert_eq!(dir.load(Tail::Refuse).unwrap().calls(), "1,2");
    }
}

#[test]
fn a_bad_last_block_is_cut_but_a_durable_one_with_good_ones_behind_refuses() {
    let blocks = three();
    for (index, cut) in [(2, true), (1, false), (0, false)] {
        let start: usize = blocks[..index].iter().map(Vec::len).sum();
        for byte in 0..blocks[index].len() {
            let mut bytes = blocks.concat();
            bytes[start + byte] ^= 4;
            let dir = Dir::with(&bytes);
            match dir.load(Tail::Cut) {
                Ok(loaded) => assert!(cut && loaded.calls() == "1,2", "{index} {byte} {}", loaded.calls()),
                Err(error) => assert!(!cut, "{index} {byte} {error}"),
            }
        }
    }
    let mut bytes = blocks.concat();
    bytes[blocks[0].len() + blocks[1].len() - 3] ^= 1;
    let refusal = Dir::with(&bytes).refusal(Tail::Cut);
    let place = format!("at offset {}: it was durable, and 1 valid blocks", blocks[0].len());
    assert!(refusal.contains(&place) && refusal.contains("check-aof --fix"), "{refusal}");
}

#[test]
fn what_a_crash_lost_out_of_order_is_cut_though_good_blocks_follow() {
    let lost = blocks(&[(&["set k 1"], 0), (&["set k 2"], 27), (&["set k 3"], 27), (&["set k 4"], 27)]);
    for zeroed in 0..lost[1].len() {
        let mut bytes = lost.concat();
        let start = lost[0].len();
        bytes[start + zeroed..start + lost[1].len()].fill(0);
        let dir = Dir::with(&bytes);
        assert_eq!(dir.load(Tail::Cut).unwrap().calls(), "1", "zeros from {zeroed} on");
        assert_eq!(dir.increment(), lost[0]);
    }
}

#[test]
fn a_transaction_without_an_end_is_dropped_whole() {
    let mut bytes = calls(&["set k 1"]);
    let whole = bytes.len();
    bytes.extend(calls(&["multi", "set k 2"]));
    let dir = Dir::with(&bytes);
    assert!(dir.refusal(Tail::Refuse).contains("Unexpected end of file reading the append only file"));
    assert_eq!(dir.load(Tail::Cut).unwrap().calls(), "1");
    assert_eq!(dir.increment().len(), whole);
}

#[test]
fn a_missing_block_or_file_is_noticed() {
    let blocks = three();
    let refusal = Dir::with(&[blocks[0].as_slice(), &blocks[2]].concat()).refusal(Tail::Cut);
    assert!(refusal.contains("log offset 27 should follow, 54 does"), "{refusal}");
    let error = Dir::new(INCREMENT, &[]).refusal(Tail::Cut);
    assert_eq!(error, "The append log file appendonly.aof.1.incr.aof doesn't exist: No such file or directory");
}

/// It was taken for a log without calls, as it is where bases are calls, and the server came up without what it had held.
#[test]
fn a_base_of_rdb_that_was_emptied_was_taken_for_an_empty_log() {
    for (format, is_refused) in [("rdb", true), ("aof", false)] {
        let base = format!("appendonly.aof.1.base.{format}");
        let dir = Dir::new(
            &format!("file {base} seq 1 type b\n{INCREMENT}"),
            &[(&base, b""), ("appendonly.aof.1.incr.aof", &call("set k 1"))],
        );
        // Nor is it made empty: there would be nothing to load next time.
        for tail in [Tail::Cut, Tail::Report] {
            let other = Dir::new(&format!("file {base} seq 1 type b\n"), &[(&base, b"*1\r\n")]);
            assert_eq!(other.load(tail).is_err(), is_refused, "{base}");
        }
        match dir.load(Tail::Cut) {
            Err(LoadError::EmptyBase { path }) => assert!(is_refused && path == dir.path(&base)),
            other => assert!(!is_refused && other.is_ok(), "{other:?}"),
        }
    }
}

#[test]
fn only_the_last_file_that_holds_anything_may_be_torn() {
    let manifest = "file appendonly.aof.1.incr.aof seq 1 type i\nfile appendonly.aof.2.incr.aof seq 2 type i\n";
    let torn = &call("set k 1")[..10];
    for (second, refused) in [(b"".as_slice(), false), (&call("set k 2"), true)] {
        let dir = Dir::new(manifest, &[("appendonly.aof.1.incr.aof", torn), ("appendonly.aof.2.incr.aof", second)]);
        match dir.load(Tail::Cut) {
            Ok(loaded) => assert!(!refused && loaded.calls().is_empty()),
            Err(error) => assert!(refused && error.to_string().contains("the truncated file is not the last file")),
        }
    }
}

#[test]
fn what_is_no_call_is_refused_in_redis_words() {
    for tail in [Tail::Cut, Tail::Refuse] {
        let refusal = Dir::with(&[&call("set k 1")[..], b"!!!", &call("set k 2")].concat()).refusal(tail);
        assert!(refusal.starts_with("Bad file format reading the append only file"), "{refusal}");
    }
}

/// A crash tore our last block; Redis cut it at its last whole call and appended. What was acknowledged there must not be lost.
#[test]
fn a_block_that_redis_cut_and_appended_to_is_loaded_as_it_left_it() {
    let block = blocks(&[(&["set k 1", "set k 2", "set k 3"], 0)]).concat();
    let mut bytes = block[..block.len() - call("set k 3").len()].to_vec();
    for appended in [1, 10] {
        bytes.extend(calls(&["select 0", "set k redis"].repeat(appended)));
        let dir = Dir::with(&bytes);
        let loaded = dir.load(Tail::Cut).unwrap();
        assert!(loaded.calls().starts_with("1,2,0,redis") && loaded.calls().ends_with("0,redis"), "{}", loaded.calls());
        assert!(matches!(loaded.notices[0], Notice::CutBlock { offset: 0, .. }));
        assert!(!loaded.end.is_whole, "nothing of ours may follow in that file");
        assert_eq!(dir.increment(), bytes);
    }
}

/// Redis cut the SELECT off its annotation, and appended one of the very same length: the block ends where it should, but is another.
#[test]
fn a_block_that_redis_replaced_by_calls_of_the_same_length_is_loaded() {
    let mut bytes = Vec::new();
    Head::of(&call("select 2"), None).print(&mut bytes);
    bytes.extend(calls(&["select 0", "set k redis"]));
    let loaded = Dir::with(&bytes).load(Tail::Cut).unwrap();
    assert_eq!(loaded.calls(), "0,redis");
}

/// `check-aof --fix` was named as the way out where it cuts nothing: it cuts the last file alone.
#[test]
fn a_cut_is_offered_where_there_can_be_one() {
    let blocks = three();
    let end = 3 * call("set k 1").len() as u64;
    let mut damaged = blocks.clone();
    *damaged[1].last_mut().unwrap() ^= 1;
    for flawed in [[blocks[0].clone(), blocks[2].clone()].concat(), damaged.concat()] {
        let refusal = |dir: Dir| dir.load(Tail::Cut).unwrap_err().to_string();
        let (first, last) = (refusal(two(end, &flawed, b"")), refusal(Dir::with(&flawed)));
        assert!(first.ends_with("does not help.") && last.contains("--fix"), "{first}\n{last}");
    }
}

/// Two flaws in one file: what was cut was the one, and the other was found by the next start.
#[test]
fn a_cut_left_an_increment_that_began_elsewhere() {
    let nonsense = b"no call\r\n";
    let mut last = Vec::new();
    Head::of(nonsense, None).print(&mut last);
    last.extend(nonsense);
    let dir = two(7, &three().concat(), &last);
    assert!(matches!(dir.load(Tail::Cut), Err(LoadError::BadFormat { .. })));
    let report = check(Arc::new(RealDisk), dir.0.path(), Mend::Cut);
    assert!(report.is_whole(), "{report}");
    assert_eq!(dir.load(Tail::Cut).unwrap().calls(), "1,2,3");
}

#[test]
fn a_check_says_what_is_lost_and_mends_it_once() {
    use crate::persistence::aof::check::{Mend, Problem, check};
    let blocks = three();
    let mut bytes = blocks.concat();
    bytes[blocks[0].len() + blocks[1].len() - 3] ^= 1;
    let dir = Dir::with(&bytes);
    let run = |path: &Path, mend| check(Arc::new(RealDisk), path, mend);
    let found = run(dir.0.path(), Mend::No);
    assert!(!found.is_whole() && matches!(found.problem, Some(Problem::Load(LoadError::DamagedBlock { .. }))));
    let lost = blocks[1..].concat().len() as u64;
    assert_eq!(found.loss, Some((dir.path("appendonly.aof.1.incr.aof"), blocks[0].len() as u64, lost)));
    assert_eq!(dir.increment(), bytes, "a check changes nothing");
    let mended = run(&dir.path("appendonly.aof.manifest"), Mend::Cut);
    let kept = mended.mended.unwrap().unwrap();
    assert_eq!(std::fs::read(kept).unwrap(), bytes[blocks[0].len()..]);
    assert!(run(&dir.path(""), Mend::No).is_whole());
    assert!(run(&dir.path("appendonly.aof.1.incr.aof"), Mend::No).to_string().contains("1 calls, whole up to offset"));
    assert!(run(Path::new("/no/such"), Mend::No).to_string().contains("No such file or directory"));
}

/// What was cut off was half of a block whose checksum is right: the rest of that block was then torn, and not mended at all.
#[test]
fn a_mended_log_began_its_end_in_the_middle_of_a_block() {
    use crate::persistence::aof::check::{Mend, check};
    let good = three().swap_remove(0);
    let body = [call("set k 2"), b"*1\r\n$4\r\nPING\rx".to_vec()].concat();
    let at = call("set k 1").len() as u64;
    let mut bad = Vec::new();
    Head::of(&body, Some(Place { at, synced: at })).print(&mut bad);
    let dir = Dir::with(&[&good[..], &bad, &body].concat());
    let run = |mend| check(Arc::new(RealDisk), dir.0.path(), mend);
    let kept = run(Mend::Cut).mended.unwrap().unwrap();
    assert_eq!((dir.increment(), std::fs::read(kept).unwrap()), (good, [bad, body].concat()));
    assert!(run(Mend::No).is_whole());
}

/// What was left behind the cut was MULTI without EXEC: torn for the next start, which refused it as soon as another file followed.
#[test]
fn zeros_within_a_transaction_left_its_beginning_to_the_next_start() {
    let half = [call("multi"), call("set k 2")].concat();
    let dir = Dir::with(&[&call("set k 1")[..], &half, &[0; 600]].concat());
    assert!(matches!(&dir.load(Tail::Cut).unwrap().notices[..], [Notice::Cut { .. }]));
    assert_eq!(dir.increment(), call("set k 1"));
    assert_eq!(dir.load(Tail::Refuse).unwrap().notices, []);
}

/// A damaged line was passed over for the sake of a SELECT that stood in a torn block, and was cut off with it: the next start cut
/// off what the first had loaded.
#[test]
fn what_a_torn_block_holds_spoke_for_the_calls_before_it() {
    let body = calls(&["select 1"]);
    let mut torn = Vec::new();
    Head { crc: 0, ..Head::of(&body, None) }.print(&mut torn);
    torn.extend(body);
    let damaged = b"# a line\0of which some was lost\n";
    let dir = Dir::with(&[&call("set k 1")[..], damaged, &call("set k 2"), &torn].concat());
    assert_eq!(dir.load(Tail::Cut).unwrap().calls(), "1");
    assert_eq!(dir.load(Tail::Refuse).unwrap().calls(), "1");
}

/// The same, with the block of which another server is said to have left half.
#[test]
fn a_torn_block_spoke_for_a_block_before_it_that_was_not_cut_by_another() {
    let [mut bad, body] = [Vec::new(), calls(&["set k 1", "set k 2"])];
    Head::of(&calls(&["set k 1", "set k 2", "set k 3"]), Some(Place { at: 0, synced: 0 })).print(&mut bad);
    let [mut torn, last] = [Vec::new(), calls(&["select 1", "set k 4"])];
    Head { crc: 0, ..Head::of(&last, None) }.print(&mut torn);
    let dir = Dir::with(&[bad, body, torn, last].concat());
    assert_eq!(dir.load(Tail::Cut).unwrap().calls(), "");
    assert_eq!(dir.load(Tail::Refuse).unwrap().calls(), "");
}
