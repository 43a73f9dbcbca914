//! `ferrodis check-rdb`: what an RDB file holds, where it is damaged, and whether some other server can read it.
//!
//! Every value is read as the server would read it, so what passes here loads: a file with functions, which nothing here runs, does
//! not, unless it is for a target that does. Nothing is kept but counts, and the names of a few keys
//! that a target cannot hold.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::base::disk::Disk;
use crate::base::quote::quoted;
use crate::formats::rdb::opcodes::{Dialect, type_name, type_number};
use crate::formats::rdb::{Checksum, Decoder, Entry, Limits, RdbError, Step, Value, VersionCheck};
use crate::persistence::Trouble;
use crate::values::{AnyRef, Kind};

/// Why an RDB file is not loaded that holds what Redis runs, and we do not.
pub const HOLDS_FUNCTIONS: &str = "The RDB file holds a library of functions, and nothing here runs functions. Remove them where the \
                                   file comes from (FUNCTION FLUSH), and save again";
/// Bytes read at a time.
const PIECE_BYTES: usize = 256 * 1024;
/// Keys named for each thing that a target cannot hold.
const NAMED_MAX: usize = 5;

/// A server that may be given the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// As it is named on the command line.
    pub name: &'static str,
    /// The newest version under the magic `REDIS`.
    redis_version: u32,
    /// Whether it reads Valkey's own versions.
    reads_valkey: bool,
    /// The greatest type number of Redis that it knows.
    last_type: u8,
}

/// The servers that are known here.
pub const TARGETS: &[Target] = &[
    Target { name: "redis-7.0", redis_version: 10, reads_valkey: false, last_type: type_number::STREAM_LISTPACKS_2 },
    Target { name: "redis-7.2", redis_version: 11, reads_valkey: false, last_type: type_number::STREAM_LISTPACKS_3 },
    Target { name: "redis-7.4", redis_version: 12, reads_valkey: false, last_type: type_number::HASH_LISTPACK_EX },
    Target { name: "redis-8.0", redis_version: 12, reads_valkey: false, last_type: type_number::HASH_LISTPACK_EX },
    Target { name: "valkey-7.2", redis_version: 11, reads_valkey: false, last_type: type_number::STREAM_LISTPACKS_3 },
    Target { name: "valkey-8.0", redis_version: 11, reads_valkey: false, last_type: type_number::STREAM_LISTPACKS_3 },
    Target { name: "valkey-8.1", redis_version: 11, reads_valkey: false, last_type: type_number::STREAM_LISTPACKS_3 },
    Target { name: "valkey-9.0", redis_version: 11, reads_valkey: true, last_type: type_number::STREAM_LISTPACKS_3 },
    Target { name: "valkey-9.1", redis_version: 11, reads_valkey: true, last_type: type_number::STREAM_LISTPACKS_3 },
];

impl Target {
    /// The target of this name.
    pub fn named(name: &[u8]) -> Option<Target> {
        TARGETS.iter().copied().find(|target| target.name.as_bytes() == name)
    }

    fn reads_file(&self, dialect: Dialect, version: u32) -> bool {
        match dialect {
            Dialect::Redis => version <= self.redis_version,
            Dialect::Valkey => self.reads_valkey,
        }
    }

    fn reads_type(&self, dialect: Dialect, number: u8) -> bool {
        number <= self.last_type || (dialect == Dialect::Valkey && self.reads_valkey)
    }

    pub(super) fn has_expiring_fields(&self) -> bool {
        self.reads_valkey || self.last_type >= type_number::HASH_LISTPACK_EX
    }
}

/// What one database holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Keys.
    pub keys: u64,
    /// Those with a deadline.
    pub expiring: u64,
    /// Keys by the type's name, as `TYPE` has it.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Hashes with fields that expire.
    pub timed_hashes: u64,
}

/// A key, and the database that it is in.
type Key = (u64, Vec<u8>);

/// Keys that a target cannot read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unreadable {
    /// How many.
    pub keys: u64,
    /// The first few, each with its database.
    named: Vec<Key>,
}

impl Unreadable {
    /// Another key.
    pub(super) fn add(&mut self, db: u64, key: &[u8]) {
        self.keys += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push((db, key.to_vec()));
        }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    path: PathBuf,
    version: u32,
    dialect: Option<Dialect>,
    bytes: u64,
    aux: Vec<(Vec<u8>, Vec<u8>)>,
    /// By number.
    pub databases: BTreeMap<u64, Contents>,
    /// Keys by type number: how their values are written.
    forms: BTreeMap<u8, u64>,
    functions: u64,
    checksum: Option<Checksum>,
    /// Bytes behind the RDB part: calls, in the base of a log.
    behind_bytes: u64,
    /// For whom it is to be, and what that cannot read, by the reason.
    target: Option<(Target, BTreeMap<String, Unreadable>)>,
    /// What is wrong.
    pub fault: Option<Fault>,
    /// The database and key whose value is damaged.
    damaged: Option<Key>,
}

/// What can be wrong.
#[derive(Debug)]
pub enum Fault {
    /// The file is damaged.
    Damage(RdbError),
    /// It cannot be read at all.
    Disk(Trouble),
}

impl Report {
    /// Whether it is whole, and the target can read it; without a target, whether it loads here.
    pub fn is_good(&self) -> bool {
        let is_readable = match &self.target {
            Some((_, unreadable)) => unreadable.is_empty(),
            None => self.functions == 0,
        };
        self.fault.is_none() && is_readable
    }

    fn count(&mut self, db: u64, number: u8, entry: &Entry) {
        let contents = self.databases.entry(db).or_default();
        contents.keys += 1;
        contents.expiring += u64::from(entry.deadline_ms.is_some());
        let (kind, is_timed) = match &entry.value {
            Value::Int(_) | Value::Bytes(_) => (Kind::String, false),
            Value::Collection(value) => {
                let timed = matches!(AnyRef::of(value.view()), AnyRef::Hash(hash) if hash.has_deadlines());
                (Kind::of(value.view()), timed)
            }
            Value::Empty => return,
        };
        *contents.kinds.entry(kind.name()).or_default() += 1;
        contents.timed_hashes += u64::from(is_timed);
        *self.forms.entry(number).or_default() += 1;
        let dialect = self.dialect.unwrap_or(Dialect::Redis);
        let Some((target, _)) = self.target else { return };
        if is_timed && !target.has_expiring_fields() {
            self.object("it has no fields that expire".to_owned(), Some((db, &entry.key)));
        } else if !target.reads_type(dialect, number) {
            let form = type_name(number, dialect).unwrap_or("?");
            self.object(format!("it does not read type {number} ({form})"), Some((db, &entry.key)));
        }
    }

    /// The target cannot read something, for this reason.
    fn object(&mut self, reason: String, key: Option<(u64, &[u8])>) {
        let Some((_, unreadable)) = &mut self.target else { return };
        let unreadable = unreadable.entry(reason).or_default();
        if let Some((db, key)) = key {
            unreadable.add(db, key);
        }
    }

    /// What the target cannot read, by the reason.
    pub(super) fn into_unreadable(self) -> BTreeMap<String, Unreadable> {
        self.target.map(|(_, unreadable)| unreadable).unwrap_or_default()
    }
}

/// Reads the file at `path`.
pub fn check(disk: &dyn Disk, path: &Path, target: Option<Target>) -> Report {
    let target = target.map(|target| (target, BTreeMap::new()));
    let mut report = Report { path: path.to_owned(), target, ..Report::default() };
    let mut decoder = Decoder::new(Limits { versions: VersionCheck::Relaxed, ..Limits::default() });
    let mut db = 0;
    if let Err(fault) = read_all(disk, path, &mut decoder, &mut report, &mut db) {
        report.fault = Some(fault);
        report.damaged = decoder.key().map(|key| (db, key.to_vec()));
    }
    report
}

fn read_all(
    disk: &dyn Disk,
    path: &Path,
    decoder: &mut Decoder,
    report: &mut Report,
    db: &mut u64,
) -> Result<(), Fault> {
    let trouble = |action| move |e| Fault::Disk(Trouble::at(action, path)(e));
    let file = disk.open(path, crate::base::disk::OpenMode::Read).map_err(trouble("open"))?;
    let len = file.len().map_err(trouble("read"))?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut at = 0;
    loop {
        let count = file.read_at(&mut piece, at).map_err(trouble("read"))?;
        if count == 0 {
            return Err(Fault::Damage(decoder.cut_off()));
        }
        decoder.feed(&piece[..count]);
        at += count as u64;
        loop {
            let step = decoder.next().map_err(Fault::Damage)?;
            if report.dialect.is_none() && decoder.version() > 0 {
                note_version(decoder, report);
            }
            match step {
                Step::NeedMore => break,
                Step::Aux { name, value } => report.aux.push((name, value)),
                Step::SelectDb(number) => *db = number,
                Step::ResizeDb { .. } => {}
                Step::Entry(entry) => report.count(*db, decoder.type_number(), &entry),
                Step::Function(_) => report.functions += 1,
                Step::End { consumed, checksum } => {
                    (report.bytes, report.checksum, report.behind_bytes) = (consumed, Some(checksum), len - consumed);
                    note_calls(report);
                    return Ok(());
                }
            }
        }
    }
}

fn note_version(decoder: &Decoder, report: &mut Report) {
    let (dialect, version) = (decoder.dialect(), decoder.version());
    (report.dialect, report.version) = (Some(dialect), version);
    if let Some((target, _)) = report.target
        && !target.reads_file(dialect, version)
    {
        report.object(format!("it does not read {}", shown_version(dialect, version)), None);
    }
}

/// Calls behind the RDB part give fields their deadlines.
fn note_calls(report: &mut Report) {
    if let Some((target, _)) = report.target
        && report.behind_bytes > 0
        && !target.has_expiring_fields()
    {
        report.object("it does not know the calls behind the RDB part, which say when fields expire".to_owned(), None);
    }
}

fn shown_version(dialect: Dialect, version: u32) -> String {
    match dialect {
        Dialect::Redis => format!("RDB version {version}"),
        Dialect::Valkey => format!("RDB version {version} (Valkey's)"),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        if let Some(dialect) = self.dialect {
            writeln!(f, "{path}: {}", shown_version(dialect, self.version))?;
        }
        for (name, value) in &self.aux {
            writeln!(f, "  {} = {}", name.escape_ascii(), value.escape_ascii())?;
        }
        for (number, contents) in &self.databases {
            write_contents(f, *number, contents)?;
        }
        let dialect = self.dialect.unwrap_or(Dialect::Redis);
        for (number, keys) in &self.forms {
            writeln!(f, "  type {number} ({}): {keys} keys", type_name(*number, dialect).unwrap_or("?"))?;
        }
        if self.functions > 0 {
            writeln!(f, "  {} function libraries", self.functions)?;
        }
        if self.behind_bytes > 0 {
            writeln!(f, "  {} bytes of calls behind the RDB part", self.behind_bytes)?;
        }
        if let Some(fault) = &self.fault {
            return write_fault(f, &self.path, fault, self.damaged.as_ref());
        }
        let checksum = match self.checksum {
            Some(Checksum::Verified) => "its checksum is right",
            _ => "it has no checksum",
        };
        writeln!(f, "{path}: whole, {} bytes; {checksum}", self.bytes)?;
        match &self.target {
            Some((target, unreadable)) => write_verdict(f, *target, unreadable),
            None if self.functions > 0 => writeln!(
                f,
                "Ferrodis cannot load it: it runs no functions. Remove them where the file comes from (FUNCTION FLUSH), and save again"
            ),
            None => Ok(()),
        }
    }
}

fn write_contents(f: &mut fmt::Formatter<'_>, number: u64, contents: &Contents) -> fmt::Result {
    let Contents { keys, expiring, kinds, timed_hashes } = contents;
    write!(f, "  db{number}: {keys} keys, {expiring} with a deadline")?;
    kinds.iter().try_for_each(|(kind, count)| write!(f, ", {kind} {count}"))?;
    if *timed_hashes > 0 {
        write!(f, " ({timed_hashes} with fields that expire)")?;
    }
    writeln!(f)
}

fn write_fault(f: &mut fmt::Formatter<'_>, path: &Path, fault: &Fault, key: Option<&Key>) -> fmt::Result {
    match fault {
        Fault::Disk(trouble) => writeln!(f, "{trouble}"),
        Fault::Damage(RdbError { offset, reason }) => {
            write!(f, "{}: damaged at offset {offset}", path.display())?;
            if let Some((db, key)) = key {
                write!(f, ", in the value of key {} of db{db}", quoted(key))?;
            }
            writeln!(f, ": {reason}")
        }
    }
}

/// Whether a target can load what was looked at.
pub(super) fn write_verdict(
    f: &mut fmt::Formatter<'_>,
    Target { name, .. }: Target,
    unreadable: &BTreeMap<String, Unreadable>,
) -> fmt::Result {
    if unreadable.is_empty() {
        return writeln!(f, "{name} can load it");
    }
    for (reason, Unreadable { keys, named }) in unreadable {
        write!(f, "{name} cannot load it: {reason}")?;
        if *keys > 0 {
            write!(f, "; {keys} keys:")?;
            named.iter().try_for_each(|(db, key)| write!(f, " {} (db{db})", quoted(key)))?;
            f.write_str(if *keys > named.len() as u64 { " ..." } else { "" })?;
        }
        writeln!(f)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::disk::RealDisk;
    use crate::base::hash::KeyHasher;
    use crate::formats::rdb::{Compression, Encoder, Usage};
    use crate::values::hash::{FieldTtl, Hash};
    use crate::values::{Encodings, Owned};

    fn file_of(version: u32) -> Vec<u8> {
        let encodings = Encodings::new(KeyHasher::new([0; 16]));
        let mut hash = Hash::default();
        hash.set(b"f", b"v", FieldTtl::Keep, &encodings).unwrap();
        hash.set_deadline(b"f", Some(1_900_000_000_000)).unwrap();
        let mut encoder = Encoder::new(Compression::Off);
        encoder.header(version, &[("redis-ver", b"8.0.6")]);
        encoder.select_db(3);
        encoder.entry(b"text", Some(5), Usage::Unknown, AnyRef::bytes(b"abc"));
        encoder.entry(b"timed", None, Usage::Unknown, AnyRef::of(Owned::of(hash).view()));
        encoder.finish();
        encoder.take(Vec::new())
    }

    fn checked(file: &[u8], target: &str) -> Report {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dump.rdb");
        std::fs::write(&path, file).unwrap();
        check(&RealDisk, &path, Target::named(target.as_bytes()))
    }

    #[test]
    fn a_file_is_described() {
        let report = checked(&file_of(12), "");
        let text = report.to_string();
        assert!(report.is_good(), "{text}");
        for line in [
            "dump.rdb: RDB version 12\n",
            "  redis-ver = 8.0.6\n",
            "  db3: 2 keys, 1 with a deadline, hash 1, string 1 (1 with fields that expire)\n",
            "  type 25 (hash-listpack-md): 1 keys\n",
            "bytes; its checksum is right\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn damage_is_told_by_offset_and_key() {
        let mut file = file_of(12);
        let at = file.windows(5).position(|bytes| bytes == b"timed").unwrap() + 5 + 8 + 1;
        file[at] ^= 0x40; // the listpack's length
        let text = checked(&file, "").to_string();
        assert!(text.contains("damaged at offset"), "{text}");
        assert!(
            text.contains(", in the value of key \"timed\" of db3: Hash listpackex integrity check failed."),
            "{text}"
        );
        let cut = checked(&file_of(12)[..20], "").to_string();
        assert!(cut.contains("Unexpected EOF"), "{cut}");
    }

    /// It was called whole, and the server did not start with it.
    #[test]
    fn a_file_with_functions_passed() {
        let library = b"\xf5\x05#!lua";
        let file = [&b"REDIS0010"[..], library, b"\xff", &[0; 8]].concat();
        let report = checked(&file, "");
        assert!(!report.is_good());
        assert!(report.to_string().contains("Ferrodis cannot load it: it runs no functions."), "{report}");
        let report = checked(&file, "redis-7.0");
        assert!(report.is_good() && report.to_string().contains("redis-7.0 can load it"), "{report}");
    }

    #[test]
    fn what_a_target_cannot_load_is_named() {
        for (target, version, is_good) in [("redis-8.0", 12, true), ("redis-7.0", 9, false), ("valkey-9.1", 9, false)] {
            let report = checked(&file_of(version), target);
            assert_eq!(report.is_good(), is_good, "{target}: {report}");
        }
        let text = checked(&file_of(12), "redis-7.0").to_string();
        assert!(text.contains("redis-7.0 cannot load it: it does not read RDB version 12\n"), "{text}");
        assert!(
            text.contains("redis-7.0 cannot load it: it has no fields that expire; 1 keys: \"timed\" (db3)\n"),
            "{text}"
        );
        let text = checked(&file_of(9), "valkey-9.1").to_string();
        assert!(text.contains("it does not read type 25 (hash-listpack-md); 1 keys: \"timed\" (db3)"), "{text}");
    }
}
