//! The log's reader: yields the calls of the files in force, and judges what it finds between them.
//!
//! [`Reader::next`] does one small thing at a time, so that the loop stays alive while it loads. What it finds, and what it does:
//!
//! | found | done |
//! |---|---|
//! | a block whose head, body and place in the log are right | its calls are yielded |
//! | calls outside any block (another server's, or a base's) | yielded; a notice, if the file has blocks of ours, too |
//! | the last thing in the last file is torn, or a transaction in it has no end | cut off, kept beside, a notice; with `aof-load-truncated no`: refused |
//! | a bad block, and valid ones behind it, none of which says that the bad one was durable | the same: a crash lost unsynced writes out of order |
//! | a bad block, and valid ones behind it | refused: something that was durable is damaged |
//! | a block that does not follow the one before it | refused: something is missing |
//! | anything else that is no call | refused |

mod judge;
mod report;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::disk::Disk;
use crate::formats::aof_manifest::FileInfo;
use crate::persistence::Trouble;

use super::scan::{Shape, Window, shape_at};
use super::start::LogEnd;
use super::store::Store;

pub use report::{LoadError, Notice};

/// A piece of a base's RDB part.
const RDB_PIECE_BYTES: u64 = 256 * 1024;

/// What to do with a file whose end is torn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Cut it off and keep it beside the file (`aof-load-truncated yes`).
    Cut,
    /// Refuse the log (`aof-load-truncated no`).
    Refuse,
    /// Leave it, read no further, and say so.
    Report,
}

/// What [`Reader::next`] found.
#[derive(Debug)]
pub enum Item<'a> {
    /// A file begins: database 0 is selected, and no transaction is open.
    File {
        /// Its name.
        name: &'a [u8],
        /// Whether it is the base.
        is_base: bool,
    },
    /// The file begins with an RDB snapshot: take it with [`Reader::rdb_piece`], then say with [`Reader::end_rdb`] where it ended.
    Rdb,
    /// A call.
    Call(Call<'a>),
    /// The end of the log.
    End,
}

/// One call's arguments.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    bytes: &'a [u8],
    args: &'a [Range<usize>],
    end: u64,
}

impl<'a> Call<'a> {
    /// The call's bytes, as RESP.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The offset behind it in its file.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Where the arguments stand in [`Call::bytes`]; at least one, the command's name first.
    pub fn ranges(&self) -> &'a [Range<usize>] {
        self.args
    }

    /// The arguments.
    pub fn args(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let bytes = self.bytes;
        self.args.iter().map(move |range| &bytes[range.clone()])
    }
}

struct Part {
    info: FileInfo,
    path: PathBuf,
    is_base: bool,
    len: u64,
}

impl Part {
    /// Whether it is a base that is, or begins with, a snapshot: of that at least its head is left.
    fn is_snapshot(&self) -> bool {
        self.is_base && self.info.name.ends_with(b".rdb")
    }
}

/// Where the reader stands in a file.
struct Open {
    index: usize,
    window: Window,
    position: u64,
    /// Where the first comment since the last whole thing begins: a cut goes there.
    unit_start: u64,
    /// How long its RDB part is; 0 if it has none.
    rdb_end: u64,
    /// Where the last verified block's head begins ...
    block_start: u64,
    /// ... and up to where its calls go.
    block_end: u64,
    /// Up to here, calls of a transaction whose end has been seen.
    group_end: u64,
    /// Where a transaction begins that has garbage before its end: a cut goes there.
    broken_group: Option<u64>,
    blocks: u64,
    foreign_calls: u64,
    /// Calls outside blocks have followed the last block.
    foreign_last: bool,
    /// A block that the log counts has come.
    has_counted_block: bool,
    is_irregular: bool,
}

/// Reads a log.
pub struct Reader {
    disk: Arc<dyn Disk>,
    tail: Tail,
    parts: Vec<Part>,
    /// The last part that may be torn: if the manifest is another server's, the last that holds anything.
    last: usize,
    last_begins_at: Option<u64>,
    next_part: usize,
    open: Option<Open>,
    args: Vec<Range<usize>>,
    /// The log offset behind the last block.
    offset: Option<u64>,
    done_bytes: u64,
    total_bytes: u64,
    last_is_whole: bool,
    notices: Vec<Notice>,
}

enum Found {
    File,
    Rdb,
    Call { position: u64, len: u64 },
    End,
}

impl Open {
    /// Something whole ends at `position`: a cut leaves it.
    fn end_unit(&mut self, position: u64) {
        if self.broken_group.is_none() {
            self.unit_start = position;
        }
    }
}

impl Reader {
    /// A reader of the files in force. Fails if one is missing, or is a snapshot and empty.
    pub fn open(store: &Store, tail: Tail) -> Result<Reader, LoadError> {
        let manifest = store.manifest();
        let base = manifest.base.iter().map(|info| (info, true));
        let increments = manifest.increments.iter().map(|info| (info, false));
        let files =
            base.chain(increments).map(|(info, is_base)| (info.clone(), store.location().path(&info.name), is_base));
        let mut reader = Reader::of_files(store.disk().clone(), files.collect(), tail)?;
        reader.last_begins_at = manifest.last_begins_at;
        if manifest.last_begins_at.is_some() {
            // We made the last file, and what is before it durable first: only that one may be torn, even if it holds nothing.
            reader.last = reader.parts.len().saturating_sub(1);
        }
        Ok(reader)
    }

    /// A reader of a single file, whatever it is.
    pub(super) fn of_file(disk: Arc<dyn Disk>, path: PathBuf, tail: Tail) -> Result<Reader, LoadError> {
        let name = path.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
        Reader::of_files(disk, vec![(FileInfo { name, seq: 1 }, path, false)], tail)
    }

    fn of_files(disk: Arc<dyn Disk>, files: Vec<(FileInfo, PathBuf, bool)>, tail: Tail) -> Result<Reader, LoadError> {
        let mut parts = Vec::new();
        for (info, path, is_base) in files {
            let len = disk.len(&path).map_err(|error| {
                let trouble = Trouble::new("open", &path, &error);
                match error.kind() {
                    io::ErrorKind::NotFound => {
                        LoadError::Missing { name: String::from_utf8_lossy(&info.name).into_owned(), trouble }
                    }
                    _ => LoadError::Disk(trouble),
                }
            })?;
            let part = Part { info, path, is_base, len };
            if part.is_snapshot() && len == 0 {
                return Err(LoadError::EmptyBase { path: part.path });
            }
            parts.push(part);
        }
        Ok(Reader {
            disk,
            tail,
            last: parts.iter().rposition(|part| part.len > 0).unwrap_or(0),
            total_bytes: parts.iter().map(|part| part.len).sum(),
            parts,
            last_begins_at: None,
            next_part: 0,
            open: None,
            args: Vec::new(),
            offset: None,
            done_bytes: 0,
            last_is_whole: true,
            notices: Vec::new(),
        })
    }

    /// Bytes of all files.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Bytes read so far.
    pub fn read_bytes(&self) -> u64 {
        self.done_bytes + self.open.as_ref().map_or(0, |open| open.position)
    }

    /// The path of the file that is being read, and the offset behind what was yielded last: for messages.
    pub fn place(&self) -> Option<(&Path, u64)> {
        self.open.as_ref().map(|open| (self.parts[open.index].path.as_path(), open.position))
    }

    /// Whether the file being read is the last one that holds anything.
    pub(super) fn is_in_last_file(&self) -> bool {
        self.open.as_ref().is_none_or(|open| open.index >= self.last)
    }

    /// Where to cut the file being read when what stands at `offset` is wrong: half a block, or half a transaction, is worth nothing.
    pub(super) fn cut_before(&self, offset: u64) -> u64 {
        let Some(open) = &self.open else { return offset };
        let in_block = (open.block_start..open.block_end).contains(&offset);
        open.broken_group.unwrap_or(if in_block { open.block_start } else { offset })
    }

    /// Whether a cut there leaves a file that can be loaded.
    pub(super) fn may_be_cut_at(&self, offset: u64) -> bool {
        self.open.as_ref().is_none_or(|open| {
            let keeps_rdb = open.rdb_end > 0 && offset >= open.rdb_end;
            !self.parts[open.index].is_snapshot() || keeps_rdb
        })
    }

    /// The length of the file being read.
    pub(super) fn file_bytes(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.window.len())
    }

    /// What was noticed so far and not taken yet.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// How the log ended; true once [`Item::End`] has come.
    pub fn end(&self) -> LogEnd {
        LogEnd {
            offset: self.offset.or(self.last_begins_at).unwrap_or(0),
            is_whole: self.last_is_whole && self.parts.last().is_some_and(|part| !part.is_base),
        }
    }

    /// The next thing in the log.
    #[expect(clippy::should_implement_trait, reason = "what it gives borrows from the reader")]
    pub fn next(&mut self) -> Result<Item<'_>, LoadError> {
        let found = self.advance()?;
        Ok(match (found, &self.open) {
            (Found::Call { position, len }, Some(open)) => {
                let bytes = &open.window.from(position)[..len as usize];
                Item::Call(Call { bytes, args: &self.args, end: position + len })
            }
            (Found::File, Some(open)) => {
                let part = &self.parts[open.index];
                Item::File { name: &part.info.name, is_base: part.is_base }
            }
            (Found::Rdb, Some(_)) => Item::Rdb,
            (_, _) => Item::End,
        })
    }

    /// The next bytes of the RDB part; none at the end of the file.
    pub fn rdb_piece(&mut self) -> Result<&[u8], LoadError> {
        let Some(open) = &mut self.open else { return Ok(&[]) };
        let start = open.position;
        let count = RDB_PIECE_BYTES.min(open.window.len() - start);
        open.window.need(start, count)?;
        let piece = open.window.from(start);
        let piece = &piece[..piece.len().min(count as usize)];
        open.position += piece.len() as u64;
        Ok(piece)
    }

    /// Says that the RDB part is `len` bytes long: calls follow there.
    pub fn end_rdb(&mut self, len: u64) {
        if let Some(open) = &mut self.open {
            (open.position, open.unit_start, open.rdb_end) = (len, len, len);
        }
    }

    fn advance(&mut self) -> Result<Found, LoadError> {
        loop {
            let Some(open) = &mut self.open else { return self.open_next() };
            let position = open.position;
            let shape = shape_at(&mut open.window, position, &mut self.args)?;
            if position < open.block_end {
                return match shape {
                    Shape::Call(len) if position + len <= open.block_end => {
                        open.position += len;
                        Ok(Found::Call { position, len })
                    }
                    // Its checksum is right, so it was written like that.
                    _ => Err(LoadError::BadFormat { path: open.window.path().clone(), offset: position }),
                };
            }
            match shape {
                Shape::Call(len) => {
                    if let Some(found) = self.foreign_call(position, len)? {
                        return Ok(found);
                    }
                }
                Shape::Head(len, head) => self.judge_block(position, len, head)?,
                Shape::Comment(len) => open.position += len,
                Shape::Garbage if position == 0 && open.window.begins_with_rdb() => return Ok(Found::Rdb),
                Shape::Unfinished | Shape::Garbage => self.judge_garbage(position, shape)?,
                Shape::End => {
                    self.check_beginning()?;
                    self.close();
                }
            }
        }
    }

    // Files.

    fn open_next(&mut self) -> Result<Found, LoadError> {
        let Some(part) = self.parts.get(self.next_part) else { return Ok(Found::End) };
        let window = Window::open(&*self.disk, part.path.clone())?;
        self.open = Some(Open {
            index: self.next_part,
            window,
            position: 0,
            unit_start: 0,
            rdb_end: 0,
            block_start: 0,
            block_end: 0,
            group_end: 0,
            broken_group: None,
            blocks: 0,
            foreign_calls: 0,
            foreign_last: false,
            has_counted_block: false,
            is_irregular: false,
        });
        self.next_part += 1;
        Ok(Found::File)
    }

    /// The last increment, if it has no block yet, begins where the one before ended.
    fn check_beginning(&self) -> Result<(), LoadError> {
        let (Some(open), Some(expected), Some(found)) = (&self.open, self.offset, self.last_begins_at) else {
            return Ok(());
        };
        let is_last = open.index + 1 == self.parts.len() && !self.parts[open.index].is_base;
        if !is_last || open.has_counted_block || expected == found {
            return Ok(());
        }
        Err(LoadError::Gap { path: open.window.path().clone(), offset: 0, expected, found, can_be_cut: true })
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let part = &self.parts[open.index];
        self.done_bytes += part.len;
        if open.blocks > 0 && open.foreign_calls > 0 {
            self.notices.push(Notice::ForeignCalls { path: part.path.clone(), calls: open.foreign_calls });
        }
        self.last_is_whole = !open.is_irregular;
    }
}

#[cfg(test)]
mod tests;
