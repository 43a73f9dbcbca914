//! Reading for the start: what the files hold is read, verified and parsed here, batch by batch. Whoever loads only applies it.
//!
//! ```text
//! files --> Loader: checksums, calls, RDB entries --> Batch --> dispatch/loading applies it
//!             where it is applied (a single CPU, the simulator), or read ahead of that on another thread: `ahead`
//! ```
//!
//! What is wrong with a file stands in its place among what was read before it, so the outcome does not depend on who reads.

mod ahead;
mod batch;

pub use ahead::{Batches, ReadAhead};
pub use batch::{Batch, Call, Entry, Failure, Held, LoadEnd, Span, Thing};

use std::io;
use std::path::{Path, PathBuf};

use batch::Mark;

use crate::base::disk::{Disk, DiskFile, OpenMode, read_full};
use crate::base::hash::KeyHasher;
use crate::formats::rdb::{Decoder, Limits, RdbError, Step};
use crate::persistence::Trouble;
use crate::persistence::aof::read::{Item, LoadError, Reader};

/// Bytes of a snapshot read at once.
const PIECE_BYTES: usize = 256 * 1024;
/// Bytes of files that a batch is read from: it ends with the thing that reaches them, unless it has enough things.
const BATCH_BYTES: u64 = 128 * 1024;

/// Reads what is to be loaded.
pub struct Loader {
    source: Source,
    limits: Limits,
    /// What keys are hashed by.
    hasher: KeyHasher,
    /// Reads the RDB data that the source is at.
    decoder: Option<Decoder>,
    /// Where the transaction that has no end yet begins in the batch.
    group: Option<Mark>,
}

enum Source {
    Log(Box<Reader>),
    Snapshot { file: Box<dyn DiskFile>, path: PathBuf, offset: u64, total: u64, piece: Vec<u8> },
}

impl Source {
    /// Where it stands, for messages: RDB data come in pieces, and the last one holds what is told of.
    fn place(&self) -> String {
        let (path, offset) = match self {
            Source::Log(reader) => match reader.place() {
                Some(place) => place,
                None => return String::new(),
            },
            Source::Snapshot { path, offset, .. } => (path.as_path(), *offset),
        };
        format!("{}, before byte {offset}", path.display())
    }

    /// The next bytes of RDB data; none at the end of the file.
    fn piece(&mut self) -> Result<&[u8], Failure> {
        match self {
            Source::Log(reader) => Ok(reader.rdb_piece()?),
            Source::Snapshot { file, path, offset, piece, .. } => {
                piece.resize(PIECE_BYTES, 0);
                let count = read_full(&**file, piece, *offset).map_err(|e| {
                    let Trouble { path, reason, .. } = Trouble::new("read", path, &e);
                    Failure::new(format!("Can't read the RDB file {}: {reason}", path.display()))
                })?;
                *offset += count as u64;
                Ok(&piece[..count])
            }
        }
    }
}

impl Loader {
    /// For a log. The files' RDB part is read with these limits; keys are hashed by `hasher`.
    pub fn of_log(reader: Reader, limits: Limits, hasher: KeyHasher) -> Loader {
        Loader { source: Source::Log(Box::new(reader)), limits, hasher, decoder: None, group: None }
    }

    /// For a snapshot.
    pub fn of_snapshot(disk: &dyn Disk, path: &Path, limits: Limits, hasher: KeyHasher) -> io::Result<Loader> {
        let file = disk.open(path, OpenMode::Read)?;
        let total = file.len()?;
        let source = Source::Snapshot { file, path: path.to_owned(), offset: 0, total, piece: Vec::new() };
        Ok(Loader { source, limits, hasher, decoder: Some(Decoder::new(limits)), group: None })
    }

    /// Bytes of all files.
    pub fn total_bytes(&self) -> u64 {
        match &self.source {
            Source::Log(reader) => reader.total_bytes(),
            Source::Snapshot { total, .. } => *total,
        }
    }

    /// Bytes read so far.
    fn read_bytes(&self) -> u64 {
        match &self.source {
            Source::Log(reader) => reader.read_bytes(),
            Source::Snapshot { offset, .. } => *offset,
        }
    }

    /// Reads so many things, or fewer, into a batch that is empty. The last one of all is an end or a failure.
    fn fill(&mut self, batch: &mut Batch, things: usize) {
        let begun = self.read_bytes();
        // The piece in which RDB data end was read further than they go.
        let has_room = |loader: &Loader| loader.read_bytes().saturating_sub(begun) < BATCH_BYTES;
        let mut done = false;
        while !done && (self.group.is_some() || batch.len() < things && has_room(self)) {
            let read = if self.decoder.is_some() { self.read_entry(batch) } else { self.read_call(batch) };
            done = read.unwrap_or_else(|failure| {
                self.drop_group(batch);
                batch.push(Thing::Failed(failure));
                true
            });
        }
        batch.read_bytes = self.read_bytes();
    }

    /// Reads a call, or whatever else stands in a log; whether that was the end.
    fn read_call(&mut self, batch: &mut Batch) -> Result<bool, Failure> {
        let Source::Log(reader) = &mut self.source else { return Ok(true) };
        match reader.next()? {
            Item::End => {
                self.drop_group(batch);
                let Source::Log(reader) = &mut self.source else { return Ok(true) };
                let notices = reader.take_notices();
                batch.push(Thing::End(LoadEnd { log: Some(reader.end()), notices }));
                return Ok(true);
            }
            Item::Rdb => self.decoder = Some(Decoder::new(self.limits)),
            Item::File { is_base, .. } => {
                let path = reader.place().map_or(PathBuf::new(), |(path, _)| path.to_owned());
                self.drop_group(batch);
                batch.push(Thing::File { path, is_base });
            }
            Item::Call(call) => {
                let name = call.args().next().unwrap_or_default();
                // A group takes effect whole: its calls come when its end has been seen.
                if name.eq_ignore_ascii_case(b"multi") {
                    self.drop_group(batch);
                    self.group = Some(batch.mark());
                } else if name.eq_ignore_ascii_case(b"exec") {
                    self.group = None;
                } else {
                    let hash = call.args().nth(1).map_or(0, |word| self.hasher.hash(word));
                    batch.push_call(&call, hash)?;
                }
            }
        }
        Ok(false)
    }

    /// Forgets a transaction that has no end.
    fn drop_group(&mut self, batch: &mut Batch) {
        if let Some(mark) = self.group.take() {
            batch.cut_back(mark);
        }
    }

    /// Reads an entry, or whatever else stands in RDB data; whether that was the end of all.
    fn read_entry(&mut self, batch: &mut Batch) -> Result<bool, Failure> {
        let Some(decoder) = &mut self.decoder else { return Ok(false) };
        match decoder.next().map_err(|error| unreadable(error, &self.source))? {
            Step::Entry(entry) => {
                let hash = self.hasher.hash(&entry.key);
                batch.push_entry(entry, hash);
            }
            Step::NeedMore => {
                let piece = self.source.piece()?;
                if piece.is_empty() {
                    return Err(unreadable(decoder.cut_off(), &self.source));
                }
                decoder.feed(piece);
            }
            Step::SelectDb(number) => batch.push(Thing::SelectDb { number, place: self.source.place() }),
            Step::ResizeDb { keys, .. } => batch.push(Thing::ResizeDb { keys }),
            Step::Function(source) => batch.push(Thing::Function(source)),
            Step::Aux { .. } => {}
            Step::End { consumed, .. } => {
                self.decoder = None;
                match &mut self.source {
                    Source::Log(reader) => reader.end_rdb(consumed),
                    Source::Snapshot { .. } => {
                        batch.push(Thing::End(LoadEnd::default()));
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Failure {
        Failure::new(error.to_string())
    }
}

/// Why RDB data cannot be loaded, and what is wrong with them.
fn unreadable(error: RdbError, source: &Source) -> Failure {
    let refusal = format!("Terminating server after rdb file reading failure. {}", error.reason);
    Failure { detail: Some(format!("{error} ({})", source.place())), refusal }
}

#[cfg(test)]
mod tests;
