//! A walk's way from the keys to the writer, in slices of time beside the calls, and the pace that it keeps.

use super::{Saving, Stage};
use crate::dispatch::Dispatcher;
use crate::dispatch::storage::Garbage;
use crate::formats::calls::calls_up_to;
use crate::formats::calls::hash::write_select;
use crate::formats::rdb::{Compression, Encoder};

/// Records walked between two looks at the clock.
const STEP_RECORDS: usize = 16;
/// Bytes of images after which they are gathered.
const GATHER_BYTES: usize = 32 * 1024;
/// Bytes gathered before they go to the writer.
const PIECE_BYTES: usize = 128 * 1024;
/// Bytes of images that may be gathered while the disk does not keep up; past that the walk is given up.
const IMAGE_MAX_BYTES: usize = 256 << 20;

/// While clients call, the walk takes one in so many parts of the time ...
const SHARE: u64 = 8;
/// ... within these bounds for one turn.
const SLICE_NS: std::ops::RangeInclusive<u64> = 5_000..=200_000;
/// Who has not called for so long is not expected at once: the walk goes on without a pause ...
const QUIET_AFTER_NS: u64 = 1_000_000;
/// ... in slices of this: the next call waits for so long at most.
const QUIET_SLICE_NS: u64 = 20_000;

/// Whom a walk has beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dispatch) enum Beside {
    /// Clients, who are served between two slices.
    Clients,
    /// Nobody: all else stands still until it is done.
    Nobody,
}

/// What the pace of a walk depends on (monotonic).
#[derive(Default)]
pub(super) struct Pace {
    /// When there was last a call.
    called_ns: u64,
    /// When the last slice ended.
    sliced_ns: u64,
}

impl Dispatcher {
    /// Goes on with the walk for a slice of time. Gives in how many milliseconds it wants to go on at the latest; `None` when others
    /// will tell.
    pub(in crate::dispatch) fn step_saving(&mut self, beside: Beside) -> Option<u64> {
        let outcome = self.storage.snapshot.poll();
        let mut saving = self.storage.saving.take()?;
        if outcome.is_some() {
            saving.outcome = outcome;
            self.give_up_one(&mut saving); // no more than a word when the file is done
        }
        let next_ms = match saving.stage {
            Stage::Walking => self.keep_pace(&mut saving, beside),
            Stage::Closing | Stage::Awaiting => None,
        };
        if saving.stage == Stage::Closing {
            self.close_file(&mut saving);
        }
        self.server.persistence.walk_keys_done = self.server.keyspace.walked_entries();
        match saving.outcome.take() {
            Some(outcome) if saving.stage == Stage::Awaiting => self.end_saving(saving, &outcome),
            outcome => {
                saving.outcome = outcome;
                self.storage.saving = Some(saving);
            }
        }
        next_ms
    }

    /// Walks for as long as the pace allows.
    fn keep_pace(&mut self, saving: &mut Saving, beside: Beside) -> Option<u64> {
        let begun_ns = self.server.clock.monotonic_ns();
        if beside == Beside::Clients && self.server.counters.calls != self.calls_before {
            saving.pace.called_ns = begun_ns;
        }
        let is_quiet = beside == Beside::Nobody || begun_ns - saving.pace.called_ns >= QUIET_AFTER_NS;
        let slice_ns = match is_quiet {
            true => QUIET_SLICE_NS,
            false => ((begun_ns - saving.pace.sliced_ns) / SHARE).clamp(*SLICE_NS.start(), *SLICE_NS.end()),
        };
        let goes_on = self.walk_until(saving, begun_ns + slice_ns);
        saving.pace.sliced_ns = self.server.clock.monotonic_ns();
        goes_on.then_some(if is_quiet { 0 } else { 1 })
    }

    /// Walks until then, as long as the writer keeps up. Gives true when there is more to do.
    fn walk_until(&mut self, saving: &mut Saving, end_ns: u64) -> bool {
        loop {
            if !saving.given_up && self.server.keyspace.kept_bytes() > IMAGE_MAX_BYTES {
                log::warn!("Large collections change faster than they are written during the save: it is given up");
                self.give_up_one(saving);
            }
            if saving.piece.len() < PIECE_BYTES && self.server.keyspace.image_bytes() >= GATHER_BYTES {
                self.gather_images(saving);
            }
            if saving.piece.len() >= PIECE_BYTES && !self.give_piece(saving) {
                // The walk stands still, so these are of what clients change meanwhile.
                if self.server.keyspace.image_bytes() > IMAGE_MAX_BYTES {
                    log::warn!("The disk does not keep up with the changes during the save: it is given up");
                    self.give_up_one(saving);
                }
                return false; // the writer wakes the loop when it has room
            }
            if self.is_ahead(saving) {
                return false;
            }
            if !self.server.keyspace.step_walk(STEP_RECORDS) {
                self.gather_images(saving);
                self.server.keyspace.take_calls_behind(|number, calls| {
                    write_select(number, &mut saving.behind.0);
                    saving.behind.0.extend_from_slice(&calls);
                });
                let flushed = self.server.keyspace.end_walk();
                if !flushed.is_empty() {
                    self.free_later(Garbage::Databases(flushed));
                }
                self.finish_file(saving);
                return false;
            }
            if self.server.clock.monotonic_ns() >= end_ns {
                return true;
            }
        }
    }

    /// `rdb-key-save-delay`: tests hold a save open with it. The loop is not held up: the walk has a pace that it keeps to.
    fn is_ahead(&self, saving: &Saving) -> bool {
        let Ok(delay_us @ 1..) = u64::try_from(self.server.config.rdb_key_save_delay_us) else { return false };
        let spent_us = (self.server.clock.monotonic_ns() - saving.begun_ns) / 1000;
        !saving.given_up && self.server.keyspace.walked_entries().saturating_mul(delay_us) > spent_us
    }

    fn gather_images(&mut self, saving: &mut Saving) {
        self.server.keyspace.take_images(|number, bytes| {
            if saving.db != Some(number) {
                saving.db = Some(number);
                let mut select = Encoder::without_checksum(Compression::Off);
                if saving.is_rdb() {
                    select.select_db(number as u64);
                    if let Some((keys, expires)) = saving.sizes[number].take() {
                        select.resize_db(keys, expires);
                    }
                    saving.append(&select.take(Vec::new()));
                } else {
                    let digits = number.to_string();
                    saving.append(format!("*2\r\n$6\r\nSELECT\r\n${}\r\n{digits}\r\n", digits.len()).as_bytes());
                }
            }
            saving.append(&bytes);
        });
    }

    /// Gives what was gathered to the writer; false when it has no room.
    fn give_piece(&mut self, saving: &mut Saving) -> bool {
        if saving.given_up {
            saving.piece.clear();
            saving.headed = 0;
            return true;
        }
        if !self.storage.snapshot.has_room() {
            return false;
        }
        if !saving.is_rdb() {
            saving.end_block();
        }
        let next = self.storage.snapshot.buffer();
        match self.storage.snapshot.piece(std::mem::replace(&mut saving.piece, next)) {
            Ok(()) => {
                saving.headed = 0;
                true
            }
            Err(back) => {
                saving.piece = back;
                false
            }
        }
    }

    /// All keys are written: the end of the file follows.
    fn finish_file(&mut self, saving: &mut Saving) {
        saving.stage = Stage::Closing;
        if saving.is_rdb() {
            saving.append(&[crate::formats::rdb::opcodes::opcode::EOF]);
            let checksum = if saving.with_checksum { saving.crc } else { 0 };
            saving.piece.extend_from_slice(&checksum.to_le_bytes());
            saving.headed = saving.piece.len();
        }
    }

    /// Gives the last pieces, and the calls behind them, as the writer has room.
    fn close_file(&mut self, saving: &mut Saving) {
        while !saving.given_up {
            let (calls, given) = &mut saving.behind;
            let len = calls_up_to(&calls[*given..], PIECE_BYTES.saturating_sub(saving.piece.len()));
            saving.piece.extend_from_slice(&calls[*given..*given + len]);
            *given += len;
            saving.end_block();
            if saving.piece.is_empty() {
                self.storage.snapshot.finish();
                break;
            }
            if !self.give_piece(saving) {
                return;
            }
        }
        saving.stage = Stage::Awaiting;
    }
}
