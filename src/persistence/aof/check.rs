//! `ferrodis check-aof`: what is wrong with a log, where, what mending it would lose, and the mending.
//!
//! It reads a directory (or a manifest, or a single file) as the server would at its start, but goes on where the server would refuse,
//! to tell how much is behind. Mending is always the same: the last file that holds anything is cut where its valid part ends, and
//! what is cut off is kept in a file beside it. A file that others follow is never cut: what follows it would no longer fit.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::disk::Disk;
use crate::formats::aof_manifest::Manifest;
use crate::formats::rdb::{Decoder, Limits, Step};
use crate::persistence::Trouble;
use crate::persistence::check_rdb::{HOLDS_FUNCTIONS, Unreadable};

use super::cut::cut_and_keep;
use super::read::{Call, Item, LoadError, Notice, Reader, Tail};
use super::store::{Location, SaveError, Store, StoreError};

/// Calls about fields that expire, as the log holds them: ours, and others'.
const TIMED_CALLS: [&[u8]; 8] =
    [b"hpexpireat", b"hpersist", b"hexpire", b"hpexpire", b"hexpireat", b"hsetex", b"hgetex", b"hgetdel"];

/// Whether to mend what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Change nothing.
    No,
    /// Cut what is bad, and keep it.
    Cut,
}

/// What was found in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// Calls read.
    pub calls: u64,
    /// Bytes from the beginning that are whole.
    pub valid_bytes: u64,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The log cannot be opened at all.
    Store(StoreError),
    /// There is no log at the path given.
    NoLog(PathBuf),
    /// More than one log is in the directory: name one of the manifests.
    SeveralLogs(Vec<PathBuf>),
    /// An RDB part is damaged, or holds what cannot be loaded here; it cannot be mended by cutting.
    Rdb {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The server would refuse.
    Load(LoadError),
    /// The server would cut this off by itself, unless told otherwise.
    TornEnd(Notice),
}

/// The outcome of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The files read, in the order of the log.
    pub files: Vec<FileReport>,
    /// What is worth knowing, but wrong with nothing.
    pub notices: Vec<Notice>,
    /// Keys that calls about fields that expire name, each time that one does.
    pub timed: Unreadable,
    /// What is wrong.
    pub problem: Option<Problem>,
    /// What a cut would lose: file, new length, bytes lost.
    pub loss: Option<(PathBuf, u64, u64)>,
    /// Where what was cut off is kept, or why the cut was not made.
    pub mended: Option<Result<PathBuf, Trouble>>,
}

impl Report {
    /// Whether the log is whole now.
    pub fn is_whole(&self) -> bool {
        self.problem.is_none() || matches!(self.mended, Some(Ok(_)))
    }
}

/// Checks the log at `path`: a directory with a manifest in it (or in `appendonlydir` in it), a manifest, or a single file.
pub fn check(disk: Arc<dyn Disk>, path: &Path, mend: Mend) -> Report {
    let mut report = Report::default();
    let (reader, store) = match open(&disk, path, mend) {
        Ok(opened) => opened,
        Err(problem) => {
            report.problem = Some(problem);
            return report;
        }
    };
    read_all(reader, &mut report);
    if let (Mend::Cut, Some((path, len, _))) = (mend, &report.loss) {
        let cut = cut_and_keep(&*disk, path, *len);
        report.mended = Some(cut.and_then(|kept| mend_beginning(store).map(|()| kept)));
    }
    report
}

/// If a cut left nothing in the last increment, it begins where the one before ended, whatever the manifest said.
fn mend_beginning(store: Option<Store>) -> Result<(), Trouble> {
    let Some(mut store) = store else { return Ok(()) };
    let mut left = Report::default();
    match Reader::open(&store, Tail::Report) {
        Ok(reader) => read_all(reader, &mut left),
        Err(error) => left.problem = Some(Problem::Load(error)),
    }
    match left.problem {
        Some(Problem::Load(LoadError::Gap { expected, .. })) => {
            let manifest = Manifest { last_begins_at: Some(expected), ..store.manifest().clone() };
            store.save(manifest).map_err(SaveError::trouble)
        }
        Some(Problem::Load(LoadError::Disk(trouble))) => Err(trouble),
        _ => Ok(()),
    }
}

fn open(disk: &Arc<dyn Disk>, path: &Path, mend: Mend) -> Result<(Reader, Option<Store>), Problem> {
    let manifest = match manifests_in(&**disk, path) {
        Some(manifests) => match manifests.as_slice() {
            [] => return Err(Problem::NoLog(path.to_owned())),
            [manifest] => manifest.clone(),
            _ => return Err(Problem::SeveralLogs(manifests)),
        },
        None if is_manifest(path) => path.to_owned(),
        None => {
            let reader = Reader::of_file(disk.clone(), path.to_owned(), Tail::Report).map_err(Problem::Load)?;
            return Ok((reader, None));
        }
    };
    let dir = manifest.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = manifest.file_stem().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
    let mut store = Store::inspect(disk.clone(), Location::new(dir, b"", &name)).map_err(Problem::Store)?;
    if mend == Mend::Cut {
        // What a server is just writing looks torn.
        store.lock().map_err(|trouble| Problem::Store(StoreError::Disk(trouble)))?;
    }
    Ok((Reader::open(&store, Tail::Report).map_err(Problem::Load)?, Some(store)))
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "manifest")
}

/// The manifests of a directory, or of the log's directory in it; none if it is no directory.
fn manifests_in(disk: &dyn Disk, dir: &Path) -> Option<Vec<PathBuf>> {
    let of = |dir: &Path| -> Option<Vec<PathBuf>> {
        let paths = disk.list(dir).ok()?.into_iter().map(|name| dir.join(name));
        let is_temporary =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"temp-"));
        Some(paths.filter(|path| is_manifest(path) && !is_temporary(path)).collect())
    };
    let here = of(dir)?;
    if here.is_empty() { Some(of(&dir.join("appendonlydir")).unwrap_or_default()) } else { Some(here) }
}

/// The database that a call selects.
fn selected(call: &Call<'_>) -> Option<u64> {
    let mut words = call.args();
    let is_select = words.next()?.eq_ignore_ascii_case(b"select");
    std::str::from_utf8(words.next()?).ok()?.parse().ok().filter(|_| is_select)
}

/// The key of a call about fields that expire.
fn timed_key<'a>(call: &Call<'a>) -> Option<&'a [u8]> {
    let mut words = call.args();
    let name = words.next()?.to_ascii_lowercase();
    words.next().filter(|_| TIMED_CALLS.contains(&&name[..]))
}

fn read_all(mut reader: Reader, report: &mut Report) {
    let mut db = 0;
    loop {
        match reader.next() {
            Ok(Item::File { .. }) => {
                db = 0;
                if let Some((path, _)) = reader.place() {
                    report.files.push(FileReport { path: path.to_owned(), calls: 0, valid_bytes: 0 });
                }
            }
            Ok(Item::Call(call)) => {
                db = selected(&call).unwrap_or(db);
                if let Some(key) = timed_key(&call) {
                    report.timed.add(db, key);
                }
                let position = reader.place().map_or(0, |(_, position)| position);
                if let Some(file) = report.files.last_mut() {
                    file.calls += 1;
                    file.valid_bytes = position;
                }
            }
            Ok(Item::Rdb) => {
                if let Err(problem) = read_rdb(&mut reader) {
                    report.problem = Some(problem);
                    return;
                }
            }
            Ok(Item::End) => break,
            Err(error) => {
                report.loss = loss(&error, &reader);
                report.problem = Some(Problem::Load(error));
                report.notices.append(&mut reader.take_notices());
                return;
            }
        }
    }
    for notice in reader.take_notices() {
        if let Notice::Cut { path, len, cut_bytes, .. } = &notice {
            report.loss = Some((path.clone(), *len, *cut_bytes));
            if let Some(file) = report.files.last_mut() {
                file.valid_bytes = *len;
            }
            report.problem = Some(Problem::TornEnd(notice));
        } else {
            report.notices.push(notice);
        }
    }
}

fn read_rdb(reader: &mut Reader) -> Result<(), Problem> {
    let path = reader.place().map(|(path, _)| path.to_owned()).unwrap_or_default();
    let mut decoder = Decoder::new(Limits::default());
    loop {
        match decoder.next() {
            Ok(Step::End { consumed, .. }) => {
                reader.end_rdb(consumed);
                return Ok(());
            }
            Ok(Step::NeedMore) => {
                let piece = reader.rdb_piece().map_err(Problem::Load)?;
                if piece.is_empty() {
                    return Err(Problem::Rdb { path, reason: "it ends in the middle of the RDB part".to_owned() });
                }
                decoder.feed(piece);
            }
            Ok(Step::Function(_)) => return Err(Problem::Rdb { path, reason: HOLDS_FUNCTIONS.to_owned() }),
            Ok(_) => {}
            Err(error) => return Err(Problem::Rdb { path, reason: error.to_string() }),
        }
    }
}

/// What cutting would lose, if cutting the file helps.
fn loss(error: &LoadError, reader: &Reader) -> Option<(PathBuf, u64, u64)> {
    if !reader.is_in_last_file() {
        return None;
    }
    match error {
        LoadError::UnexpectedEnd { path, offset }
        | LoadError::BadFormat { path, offset }
        | LoadError::DamagedBlock { path, offset, .. }
        | LoadError::Gap { path, offset, .. } => {
            let offset = reader.cut_before(*offset);
            reader.may_be_cut_at(offset).then(|| (path.clone(), offset, reader.file_bytes().saturating_sub(offset)))
        }
        LoadError::Missing { .. }
        | LoadError::EmptyBase { .. }
        | LoadError::Disk(_)
        | LoadError::TruncatedNotLast { .. } => None,
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Store(error) => error.fmt(f),
            Problem::NoLog(path) => write!(f, "there is no AOF manifest in {}", path.display()),
            Problem::SeveralLogs(manifests) => {
                write!(f, "there are several AOF manifests, name one of them:")?;
                manifests.iter().try_for_each(|path| write!(f, " {}", path.display()))
            }
            Problem::Rdb { path, reason } => write!(f, "{}: {reason}", path.display()),
            Problem::Load(error) => error.fmt(f),
            Problem::TornEnd(notice) => notice.fmt(f),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for FileReport { path, calls, valid_bytes } in &self.files {
            writeln!(f, "{}: {calls} calls, whole up to offset {valid_bytes}", path.display())?;
        }
        for notice in &self.notices {
            writeln!(f, "{notice}")?;
        }
        let Some(problem) = &self.problem else { return writeln!(f, "All AOF files and the manifest are valid") };
        writeln!(f, "Not valid: {problem}")?;
        match (&self.mended, &self.loss) {
            (Some(Ok(kept)), Some((path, len, lost))) => writeln!(
                f,
                "Mended: {} was cut at offset {len}; the {lost} bytes cut off are kept in {}",
                path.display(),
                kept.display()
            ),
            (Some(Err(trouble)), _) => writeln!(f, "Not mended: {trouble}"),
            (_, Some((path, len, lost))) => writeln!(
                f,
                "--fix would cut {} at offset {len} and keep the {lost} bytes behind it in a file beside it",
                path.display()
            ),
            (_, None) => writeln!(f, "Cutting does not mend this"),
        }
    }
}
