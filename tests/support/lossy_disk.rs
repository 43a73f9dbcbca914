//! A disk that forgets: what a power cut would leave of a server's files, and a disk that is slow, full, broken or dishonest.
//!
//! `lossy_disk.c` is preloaded into the server and writes down in order what it does to its files. From that this file works out
//! what must be there after a power cut and what may be, lets chance decide, and puts the outcome in the place of the files:
//!
//! ```text
//! name ----> content: live      what the server saw
//!                     durable   what had been written before a sync of the file began that succeeded
//!                     pending   changes since: each sector of each may be there or not; gone for good after a failed sync
//! names: live, durable, and pending changes since the last sync of their directory, each of which may be there or not
//! ```
//!
//! A file's name is durable only when its directory was synced, though some file systems do more.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use fastrand::Rng;

use super::server::Server;

const SECTOR_BYTES: usize = 512;
const HEAD_BYTES: usize = 5 * 8;
/// What an opened file is said to be.
const CREATED: u64 = 1;
const EMPTIED: u64 = 2;
const DIRECTORY: u64 = 4;

/// What the disk can be told, and tells: see `enum word` in `lossy_disk.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    SyncUs,
    Hold,
    SyncFailsIn,
    SyncFailures,
    Lies,
    Room,
    CutIn,
    Held,
    Failed,
}

/// What of the unsynced survives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Nothing.
    Everything,
    /// Changes up to some point, the last write torn at any byte; of each file, and of the names.
    Tails,
    /// The newest write to each file and the newest change of a name, and nothing of what came before: the worst order there is.
    Newest,
    /// Each sector and each name with this likelihood.
    Parts(f64),
}

impl Loss {
    /// Any of them.
    pub fn any(rng: &mut Rng) -> Loss {
        match rng.u8(..6) {
            0 => Loss::Everything,
            1 => Loss::Tails,
            2 => Loss::Newest,
            3 => Loss::Parts(0.3),
            4 => Loss::Parts(0.8),
            _ => Loss::Parts(0.97),
        }
    }
}

/// The disk below a server's directory.
pub struct LossyDisk {
    home: PathBuf,
    control: File,
    /// What was there when the journals at hand began.
    begun_with: Tree,
}

impl LossyDisk {
    /// Starts the binary under test with these arguments on such a disk, which is well for now. [`Server::restart`] keeps it there.
    #[track_caller]
    pub fn start(arguments: &[&str]) -> (Server, LossyDisk) {
        let arguments = LossyDisk::arguments(arguments);
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let server = Server::start_program("env", &words).unwrap_or_else(|trouble| panic!("{trouble}"));
        let home = server.directory().parent().expect("it is in a directory of its own").to_owned();
        let control = File::options().read(true).write(true).open(home.join("disk.control"));
        let control = control.expect("the library was preloaded");
        let disk = LossyDisk { home, control, begun_with: Tree::default() };
        (server, disk)
    }

    /// What it takes to start it on the disk again with other arguments.
    pub fn arguments(arguments: &[&str]) -> Vec<String> {
        let own = [format!("LD_PRELOAD={}", library().display()), env!("CARGO_BIN_EXE_ferrodis").to_string()];
        own.into_iter().chain(arguments.iter().map(|&argument| argument.to_owned())).collect()
    }

    /// Tells the disk something; it holds at once.
    pub fn set(&self, word: Word, value: u64) {
        self.control.write_all_at(&value.to_ne_bytes(), word as u64 * 8).expect("the file is ours");
    }

    /// What it was told, or tells.
    pub fn get(&self, word: Word) -> u64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, word as u64 * 8).expect("the file is ours");
        u64::from_ne_bytes(bytes)
    }

    /// Lets the server's files be what a power cut leaves of them. The server must be gone.
    pub fn cut_power(&mut self, rng: &mut Rng, loss: Loss) {
        let mut tree = self.replay();
        tree.lose_power(rng, loss);
        for n in 1.. {
            if fs::remove_file(self.journal(n)).is_err() {
                break;
            }
        }
        let data = self.data();
        fs::remove_dir_all(&data).expect("it is ours");
        tree.put_at(&data);
        self.begun_with = tree;
    }

    /// The files as the journal has them, for whoever doubts that it is complete.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let tree = self.replay();
        let file = |(path, node): (&PathBuf, &Node)| match node {
            Node::File(place) => Some((path.clone(), tree.contents[*place].live.clone())),
            Node::Directory => None,
        };
        tree.names.iter().filter_map(file).collect()
    }

    fn replay(&self) -> Tree {
        let mut tree = self.begun_with.clone();
        tree.names.insert(self.data(), Node::Directory);
        tree.durable_names.insert(self.data(), Node::Directory);
        for n in 1.. {
            let Ok(journal) = fs::read(self.journal(n)) else { break };
            tree.replay(&journal);
        }
        tree
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn journal(&self, n: u32) -> PathBuf {
        self.home.join(format!("disk.journal.{n}"))
    }
}

/// The library, compiled once for each run of the tests.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/lossy_disk.c");
        let (made, path) =
            (directory.join(format!("lossy_disk.{}.so", std::process::id())), directory.join("lossy_disk.so"));
        let mut compiler = Command::new("cc");
        compiler.args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-pthread", "-o"]);
        let status = compiler.arg(&made).arg(&source).status().expect("tests need a C compiler");
        assert!(status.success(), "{} does not compile", source.display());
        // Tests in other processes may be using one of that name.
        fs::rename(&made, &path).expect("the directory is ours");
        path
    })
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Cut(usize),
}

#[derive(Clone, Debug, Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// With their places in the journal.
    pending: Vec<(u64, Change)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    File(usize),
    Directory,
}

#[derive(Clone, Debug)]
enum NameChange {
    Set(PathBuf, Node),
    Rename(PathBuf, PathBuf, Node),
    Remove(PathBuf),
}

/// Files and names.
#[derive(Clone, Debug, Default)]
struct Tree {
    contents: Vec<Content>,
    names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    pending_names: Vec<(u64, NameChange)>,
}

/// What an opened file stands for.
enum Handle {
    Content(usize),
    Directory(PathBuf),
}

/// One thing that the server did.
struct Entry<'a> {
    kind: u64,
    id: u64,
    number: u64,
    first: &'a [u8],
    second: &'a [u8],
}

/// The entries of a journal, without half an entry at its end.
fn entries(mut journal: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    std::iter::from_fn(move || {
        let head = journal.get(..HEAD_BYTES)?;
        let word = |n: usize| u64::from_ne_bytes(head[n * 8..][..8].try_into().expect("eight bytes"));
        let (first, second) = (word(3) as usize, word(4) as usize);
        let rest = journal.get(HEAD_BYTES..HEAD_BYTES + first + second)?;
        journal = &journal[HEAD_BYTES + first + second..];
        Some(Entry { kind: word(0), id: word(1), number: word(2), first: &rest[..first], second: &rest[first..] })
    })
}

fn path(bytes: &[u8]) -> PathBuf {
    // Made of its parts anew, so that `a//b` and `a/./b` are `a/b`.
    Path::new(std::ffi::OsStr::from_bytes(bytes)).components().collect()
}

impl Tree {
    /// Does what one process did.
    fn replay(&mut self, journal: &[u8]) {
        let mut handles = BTreeMap::new();
        for (place, entry) in (0..).zip(entries(journal)) {
            match entry.kind {
                1 => drop(handles.insert(entry.id, self.open(place, path(entry.first), entry.number))),
                2 | 3 => {
                    let Handle::Content(content) = handles[&entry.id] else { panic!("a directory was written to") };
                    let offset = entry.number as usize;
                    self.contents[content].change(
                        place,
                        match entry.kind {
                            2 => Change::Write { offset, bytes: entry.first.to_vec() },
                            _ => Change::Cut(offset),
                        },
                    );
                }
                4 => {}
                5 | 6 => self.sync(&handles[&entry.id], entry.number, entry.kind == 5),
                7 => {
                    let (from, to) = (path(entry.first), path(entry.second));
                    let node = self.names[&from].clone();
                    self.rename(place, NameChange::Rename(from, to, node));
                }
                8 => self.rename(place, NameChange::Remove(path(entry.first))),
                9 => self.rename(place, NameChange::Set(path(entry.first), Node::Directory)),
                other => panic!("the journal has an entry of kind {other}"),
            }
        }
        // What a process that is gone has left unsynced comes before all that the next one does.
        let pending = self.contents.iter_mut().flat_map(|content| &mut content.pending).map(|(place, _)| place);
        pending.chain(self.pending_names.iter_mut().map(|(place, _)| place)).for_each(|place| *place = 0);
    }

    fn open(&mut self, place: u64, path: PathBuf, what: u64) -> Handle {
        if what & DIRECTORY != 0 {
            return Handle::Directory(path);
        }
        if what & CREATED != 0 {
            self.contents.push(Content::default());
            let node = Node::File(self.contents.len() - 1);
            self.rename(place, NameChange::Set(path.clone(), node));
        }
        let Node::File(content) = self.names[&path] else { panic!("{} is a directory", path.display()) };
        if what & EMPTIED != 0 {
            self.contents[content].change(place, Change::Cut(0));
        }
        Handle::Content(content)
    }

    fn rename(&mut self, place: u64, change: NameChange) {
        rename(&mut self.names, change.clone());
        self.pending_names.push((place, change));
    }

    /// A sync that began behind `begun` entries.
    fn sync(&mut self, handle: &Handle, begun: u64, succeeded: bool) {
        match handle {
            Handle::Content(content) => self.contents[*content].sync(begun, succeeded),
            Handle::Directory(directory) => {
                for (place, change) in std::mem::take(&mut self.pending_names) {
                    let is_here = |name: &Path| name.parent() == Some(directory);
                    let is_meant = match &change {
                        NameChange::Set(name, _) | NameChange::Remove(name) => is_here(name),
                        NameChange::Rename(from, to, _) => is_here(from) || is_here(to),
                    };
                    if !is_meant || place >= begun {
                        self.pending_names.push((place, change));
                    } else if succeeded {
                        rename(&mut self.durable_names, change);
                    }
                }
            }
        }
    }

    fn lose_power(&mut self, rng: &mut Rng, loss: Loss) {
        for content in &mut self.contents {
            content.lose_power(rng, loss);
        }
        let pending = std::mem::take(&mut self.pending_names);
        let (point, last) = (rng.usize(0..=pending.len()), pending.len().saturating_sub(1));
        for (n, (_, change)) in pending.into_iter().enumerate() {
            let survives = match loss {
                Loss::Everything => false,
                Loss::Newest => n == last,
                Loss::Tails => n < point,
                Loss::Parts(likelihood) => rng.f64() < likelihood,
            };
            if survives {
                rename(&mut self.durable_names, change);
            }
        }
        let whole = self.durable_names.clone();
        let is_reached = |path: &Path| whole.get(path.parent().unwrap_or(path)) == Some(&Node::Directory);
        let top = whole.keys().next().cloned();
        self.durable_names.retain(|path, _| Some(path) == top.as_ref() || is_reached(path));
        self.names = self.durable_names.clone();
    }

    fn put_at(&self, data: &Path) {
        fs::create_dir_all(data).expect("it is ours");
        for (path, node) in &self.names {
            let put = match node {
                Node::Directory => fs::create_dir_all(path),
                Node::File(content) => fs::write(path, &self.contents[*content].live),
            };
            put.unwrap_or_else(|trouble| panic!("{}: {trouble}", path.display()));
        }
    }
}

impl Content {
    fn change(&mut self, place: u64, change: Change) {
        apply(&mut self.live, &change);
        self.pending.push((place, change));
    }

    fn sync(&mut self, begun: u64, succeeded: bool) {
        let (covered, rest) = std::mem::take(&mut self.pending).into_iter().partition(|(place, _)| *place < begun);
        self.pending = rest;
        match succeeded {
            true => covered.iter().for_each(|(_, change)| apply(&mut self.durable, change)),
            // The part that did not make it counts as lost: a later sync does not bring it back.
            false => self.settle(covered, &mut Rng::with_seed(begun), Loss::Parts([0.0, 0.5, 0.9][begun as usize % 3])),
        }
    }

    fn lose_power(&mut self, rng: &mut Rng, loss: Loss) {
        let pending = std::mem::take(&mut self.pending);
        self.settle(pending, rng, loss);
        self.live = self.durable.clone();
    }

    /// Lets chance decide what of these changes is durable.
    fn settle(&mut self, changes: Vec<(u64, Change)>, rng: &mut Rng, loss: Loss) {
        let (point, last) = (rng.usize(0..=changes.len()), changes.len().saturating_sub(1));
        for (n, (_, change)) in changes.into_iter().enumerate() {
            match (loss, change) {
                (Loss::Everything, _) => break,
                (Loss::Newest, change) if n == last => apply(&mut self.durable, &change),
                (Loss::Newest, _) => {}
                (Loss::Tails, change) if n < point => apply(&mut self.durable, &change),
                (Loss::Tails, Change::Write { offset, bytes }) if n == point => {
                    put(&mut self.durable, offset, &bytes[..rng.usize(0..=bytes.len())]);
                }
                (Loss::Tails, _) => break,
                (Loss::Parts(likelihood), Change::Cut(len)) if rng.f64() < likelihood => {
                    self.durable.truncate(len);
                }
                (Loss::Parts(_), Change::Cut(_)) => {}
                (Loss::Parts(likelihood), Change::Write { offset, bytes }) => {
                    let survivors = sectors(offset, &bytes).filter(|_| rng.f64() < likelihood);
                    survivors.for_each(|(at, sector)| put(&mut self.durable, at, sector));
                }
            }
        }
    }
}

/// The parts of a write that go to one sector each, with their offsets.
fn sectors(mut offset: usize, mut bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    std::iter::from_fn(move || {
        let (sector, rest) = bytes.split_at(bytes.len().min(SECTOR_BYTES - offset % SECTOR_BYTES));
        let part = (offset, sector);
        (offset, bytes) = (offset + sector.len(), rest);
        (!sector.is_empty()).then_some(part)
    })
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Cut(len) => content.resize(*len, 0),
        Change::Write { offset, bytes } => put(content, *offset, bytes),
    }
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

fn rename(names: &mut BTreeMap<PathBuf, Node>, change: NameChange) {
    match change {
        NameChange::Set(path, node) => drop(names.insert(path, node)),
        NameChange::Rename(from, to, node) => {
            if names.get(&from) == Some(&node) {
                names.remove(&from);
            }
            names.insert(to, node);
        }
        NameChange::Remove(path) => drop(names.remove(&path)),
    }
}
