//! The fuzz targets' entries under `cargo test`: the corpus, and each of its files changed a little in many ways.
//!
//! `FERRODIS_SEED=n` replays; `FERRODIS_MUTATIONS=n` makes so many of each file.

#[path = "../simulation/calls.rs"]
#[expect(dead_code, reason = "shared with the simulation")]
mod calls;
#[path = "../simulation/disk.rs"]
#[expect(dead_code, reason = "shared with the simulation")]
mod disk;
#[path = "entries.rs"]
mod entries;
#[path = "../commands/harness.rs"]
#[expect(dead_code, reason = "shared with the tests of commands")]
mod harness;
#[path = "../simulation/model/mod.rs"]
#[expect(dead_code, reason = "shared with the simulation")]
mod model;
#[path = "plain_glob.rs"]
mod plain_glob;
#[path = "../simulation/process.rs"]
#[expect(dead_code, reason = "shared with the simulation")]
mod process;
#[path = "../commands/restore/calls.rs"]
mod restored;
#[path = "served.rs"]
mod served;

/// Mutations of each file in an ordinary run ...
const MUTATIONS: u64 = 60;
/// ... and where each starts several servers.
const SERVED_MUTATIONS: u64 = 12;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Runs an entry on all files of its corpus, and on what they are mutated to.
fn run(name: &str, entry: fn(&[u8]), mutations: u64) {
    let seed = number("FERRODIS_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("FERRODIS_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(&directory).expect("a corpus").map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "a corpus has files");
    for path in files {
        let content = std::fs::read(&path).unwrap();
        entry(&content);
        for _ in 0..number("FERRODIS_MUTATIONS").unwrap_or(mutations) {
            let mut changed = content.clone();
            (0..random.usize(1..4)).for_each(|_| mutate(&mut random, &mut changed));
            println!("{}: {}", path.display(), changed.escape_ascii());
            entry(&changed);
        }
    }
}

fn mutate(random: &mut fastrand::Rng, bytes: &mut Vec<u8>) {
    let at = random.usize(..bytes.len() + 1);
    match random.u8(..5) {
        0 => bytes.insert(at, random.u8(..)),
        1 => bytes.truncate(at),
        2 if at < bytes.len() => drop(bytes.remove(at)),
        3 if at < bytes.len() => bytes[at] ^= 1 << random.u8(..8),
        _ if at < bytes.len() => bytes[at] = [0, 1, 0x7F, 0x80, 0xC3, 0xFF, b'\n', b'*'][random.usize(..8)],
        _ => {}
    }
}

macro_rules! entries {
    ($($room:ident $mutations:ident: $($name:ident)*;)*) => {
        $($(
            #[test]
            fn $name() {
                run(stringify!($name), $room::$name, $mutations);
            }
        )*)*
    };
}

entries! {
    entries MUTATIONS: requests rdb restore manifest config glob;
    served SERVED_MUTATIONS: calls log;
}
