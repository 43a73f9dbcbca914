//! What to make of a block, of calls outside any, and of bytes that are neither. The table is in the parent module.

use crate::persistence::Trouble;
use crate::persistence::aof::block::Head;
use crate::persistence::aof::cut::cut_and_keep;
use crate::persistence::aof::scan::{
    BadBlock, COMMENT_MAX_BYTES, GoodBlocks, Shape, Window, begins_with_a_hole, block_is_good, good_blocks_from,
    has_zero_run, is_named, line_length, plain_tail, shape_at,
};

use super::{Found, LoadError, Notice, Open, Reader, Tail};

/// Valid blocks behind a lost one are only given up without asking up to this size: more cannot have been unsynced.
const UNSYNCED_MAX_BYTES: u64 = 256 * 1024 * 1024;

impl Reader {
    /// The file being read.
    fn at_hand(&mut self) -> &mut Open {
        self.open.as_mut().expect("a file is judged while it is open")
    }

    /// A call outside any block. Gives nothing if it begins a transaction that has no end: the file then ends before it.
    pub(super) fn foreign_call(&mut self, position: u64, len: u64) -> Result<Option<Found>, LoadError> {
        let args = std::mem::take(&mut self.args);
        let open = self.at_hand();
        if is_named(open.window.from(position), &args, b"exec") {
            open.broken_group = None; // what was garbage could be passed over
        }
        let begins_group = position >= open.group_end && is_named(open.window.from(position), &args, b"multi");
        let whole = !begins_group || find_group_end(open, position)?;
        // Looking for the end may have moved the window.
        open.window.need(position, len)?;
        if whole {
            open.position = position + len;
            open.end_unit(open.position);
            open.foreign_calls += 1;
            open.foreign_last = true;
        }
        self.args = args;
        if !whole {
            self.end_file()?;
            return Ok(None);
        }
        Ok(Some(Found::Call { position, len }))
    }

    /// A block's head, itself valid, at `position`.
    pub(super) fn judge_block(&mut self, position: u64, head_len: u64, head: Head) -> Result<(), LoadError> {
        let open = self.at_hand();
        let start = position + head_len;
        if block_is_good(&mut open.window, start, &head)? {
            return self.enter_block(position, start, head);
        }
        let boundary = start.saturating_add(head.len);
        if self.is_in_base() {
            let behind = good_blocks_from(&mut self.at_hand().window, boundary)?;
            return Err(self.damaged(position, behind));
        }
        let open = self.at_hand();
        if was_cut_by_another(&mut open.window, BadBlock { start, boundary })? {
            self.go_on_plainly(position, start);
            return Ok(());
        }
        if boundary >= open.window.len() {
            // Nothing can stand behind it.
            return self.end_file();
        }
        let behind = good_blocks_from(&mut open.window, boundary)?;
        self.judge_loss(position, head.place.map(|place| place.at), behind, None)
    }

    fn enter_block(&mut self, position: u64, start: u64, head: Head) -> Result<(), LoadError> {
        let is_last_part = self.next_part == self.parts.len();
        let (offset, last_begins_at) = (self.offset, self.last_begins_at.filter(|_| is_last_part));
        let open = self.at_hand();
        open.position = start;
        open.block_start = position;
        open.block_end = start + head.len;
        open.end_unit(open.block_end);
        open.blocks += 1;
        open.foreign_last = false;
        let Some(place) = head.place else { return Ok(()) };
        let begins_at = if open.has_counted_block { None } else { last_begins_at };
        open.has_counted_block = true;
        if let Some(expected) = [offset, begins_at].into_iter().flatten().find(|&expected| expected != place.at) {
            let path = open.window.path().clone();
            let can_be_cut = self.is_in_last_file();
            return Err(LoadError::Gap { path, offset: position, expected, found: place.at, can_be_cut });
        }
        self.offset = Some(place.at + head.len);
        Ok(())
    }

    /// Bytes at `position` that are neither call nor comment, or the beginning of one that has no end.
    pub(super) fn judge_garbage(&mut self, position: u64, shape: Shape) -> Result<(), LoadError> {
        let lost_at = self.offset.or(self.last_begins_at);
        let ours_to_begin_with = self.last_begins_at.is_some();
        let is_base = self.is_in_base();
        let open = self.at_hand();
        let behind = good_blocks_from(&mut open.window, position + 1)?;
        if is_base && behind.count > 0 {
            return Err(self.damaged(position, behind));
        }
        let open = self.at_hand();
        open.window.need(position, COMMENT_MAX_BYTES)?;
        let follows_ours = if open.blocks > 0 {
            !open.foreign_last
        } else {
            open.foreign_calls == 0 && ours_to_begin_with && !is_base
        };
        let is_torn = shape == Shape::Unfinished || follows_ours || begins_with_a_hole(open.window.from(position));
        let plain_calls = plain_calls_behind(open, position)?;
        if behind.count > 0 || plain_calls.is_some() {
            return self.judge_loss(position, lost_at, behind, plain_calls);
        }
        if is_torn {
            return self.end_file();
        }
        Err(LoadError::BadFormat { path: self.at_hand().window.path().clone(), offset: position })
    }

    /// What begins with a head at `position` is to be read as plain calls from `start` on.
    fn go_on_plainly(&mut self, position: u64, start: u64) {
        let open = self.at_hand();
        open.position = start;
        open.is_irregular = true;
        // What follows no longer stands where the log goes on.
        open.has_counted_block = true;
        let path = open.window.path().clone();
        self.offset = None;
        self.notices.push(Notice::CutBlock { path, offset: position });
    }

    /// Something at `position`, at `lost_at` in the log, is lost, and valid blocks follow: was it durable? If not, nothing but whole
    /// calls from `plain_calls` on may still make it worth reading.
    fn judge_loss(
        &mut self,
        position: u64,
        lost_at: Option<u64>,
        behind: GoodBlocks,
        plain_calls: Option<u64>,
    ) -> Result<(), LoadError> {
        let was_durable = behind.count > 0 && lost_at.is_none_or(|at| behind.synced > at);
        if was_durable || behind.bytes > UNSYNCED_MAX_BYTES {
            return Err(self.damaged(position, behind));
        }
        if let Some(start) = plain_calls {
            self.go_on_plainly(position, start);
            return Ok(());
        }
        self.end_file()
    }

    fn is_in_base(&self) -> bool {
        self.open.as_ref().is_some_and(|open| self.parts[open.index].is_base)
    }

    /// What stands at `position` was durable, and so was what is `behind` it.
    fn damaged(&mut self, position: u64, behind: GoodBlocks) -> LoadError {
        let path = self.at_hand().window.path().clone();
        let can_be_cut = self.is_in_last_file() && self.may_be_cut_at(self.cut_before(position));
        LoadError::DamagedBlock {
            path,
            offset: position,
            good_blocks: behind.count,
            good_bytes: behind.bytes,
            can_be_cut,
        }
    }

    /// The file's valid part ends behind the last whole thing.
    fn end_file(&mut self) -> Result<(), LoadError> {
        self.check_beginning()?;
        let Some(open) = &mut self.open else { return Ok(()) };
        let (part, offset) = (&self.parts[open.index], open.unit_start);
        let path = part.path.clone();
        if self.tail == Tail::Refuse {
            return Err(LoadError::UnexpectedEnd { path, offset });
        }
        if open.index < self.last {
            return Err(LoadError::TruncatedNotLast { path, offset });
        }
        // A base was whole before it was put in force; only the single file that was there before there were bases may be torn.
        if part.is_snapshot() || part.is_base && open.blocks > 0 {
            return Err(LoadError::BadFormat { path, offset });
        }
        let kept = match self.tail {
            Tail::Cut => Some(cut_and_keep(&*self.disk, &path, offset).map_err(LoadError::Disk)?),
            Tail::Report | Tail::Refuse => None,
        };
        open.is_irregular |= kept.is_none();
        self.notices.push(Notice::Cut { path, len: offset, cut_bytes: part.len - offset, kept });
        self.close();
        Ok(())
    }
}

/// Whether another server cut a block and appended to what it left: nothing but whole calls follow, which all stay if these do.
fn was_cut_by_another(window: &mut Window, block: BadBlock) -> Result<bool, Trouble> {
    let BadBlock { start, boundary } = block;
    let tail = plain_tail(window, start, boundary)?;
    // Another server appends calls; where a block ends, a block of ours would begin with a head.
    let appended_to = match tail.ends_at_boundary {
        true => matches!(shape_at(window, boundary, &mut Vec::new())?, Shape::Call(_)),
        false => boundary <= window.len() || tail.selects,
    };
    Ok(tail.is_whole && appended_to && !has_zero_run(window, start)?)
}

/// Whether a comment line too damaged to read is followed by nothing but whole calls, among them another server's: it skipped the
/// line, and so may we. Gives where they begin.
fn plain_calls_behind(open: &mut Open, position: u64) -> Result<Option<u64>, Trouble> {
    open.window.need(position, COMMENT_MAX_BYTES)?;
    let line = open.window.from(position);
    let Some(start) = line_length(line).filter(|_| line[0] == b'#').map(|len| position + len) else { return Ok(None) };
    let tail = plain_tail(&mut open.window, start, start)?;
    // What is cut off later must not be what speaks for the rest now: the next start would judge otherwise.
    let is_another_servers = match tail.bad_block {
        Some(block) => was_cut_by_another(&mut open.window, block)?,
        None => tail.is_whole && tail.selects,
    };
    let is_right = is_another_servers && !has_zero_run(&mut open.window, position)?;
    Ok(is_right.then_some(start))
}

/// Looks for the end of the transaction that begins at `start`, and notes it; gives whether there is one, or garbage before it.
fn find_group_end(open: &mut Open, start: u64) -> Result<bool, Trouble> {
    let mut position = start;
    let mut args = Vec::new();
    loop {
        match shape_at(&mut open.window, position, &mut args)? {
            Shape::Call(len) => {
                position += len;
                if is_named(open.window.from(position - len), &args, b"exec") {
                    open.group_end = position;
                    return Ok(true);
                }
            }
            Shape::Comment(len) | Shape::Head(len, _) => position += len,
            // What is wrong there is said when it is reached.
            Shape::Garbage => {
                open.group_end = position;
                open.broken_group = Some(open.unit_start);
                return Ok(true);
            }
            Shape::Unfinished | Shape::End => return Ok(false),
        }
    }
}
