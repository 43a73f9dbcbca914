//! Trimming: entries go from the front, whole blocks at a time as far as that does.

use super::block::BlockRef;
use super::entries::Entries;
use super::id::StreamId;

/// What is to be left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// So many entries, the last ones (`MAXLEN`).
    Length(u64),
    /// Entries from this ID on (`MINID`).
    From(StreamId),
}

/// How much is trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trim {
    /// What is to be left.
    pub keep: Keep,
    /// Only whole blocks go: more may be left.
    pub whole_blocks: bool,
    /// The most entries that go (whole blocks are not cut for it); 0: no limit.
    pub limit: u64,
}

impl Entries {
    /// Trims. Gives how many entries went.
    pub fn trim(&mut self, trim: Trim) -> u64 {
        let mut trimmed = 0;
        while let Some(block) = self.first_block() {
            if self.is_short_enough(trim.keep) || (trim.limit > 0 && trimmed + block.live() > trim.limit) {
                break;
            }
            if !self.goes_whole(block, trim.keep) {
                if !trim.whole_blocks {
                    trimmed += self.trim_within_first(trim.keep);
                }
                break;
            }
            trimmed += self.pop_first();
        }
        if trimmed > 0 {
            self.find_first();
        }
        trimmed
    }

    fn is_short_enough(&self, keep: Keep) -> bool {
        matches!(keep, Keep::Length(len) if self.len() <= len)
    }

    /// Whether nothing of the first block is to be left.
    fn goes_whole(&self, block: BlockRef<'_>, keep: Keep) -> bool {
        match keep {
            Keep::Length(len) => self.len() - block.live() >= len,
            Keep::From(id) => block.last_id().is_none_or(|last| last < id),
        }
    }

    fn trim_within_first(&mut self, keep: Keep) -> u64 {
        let Some(block) = self.first_block() else { return 0 };
        let excess = match keep {
            Keep::Length(len) => self.len() - len,
            Keep::From(_) => u64::MAX,
        };
        let stands = |id: StreamId| matches!(keep, Keep::From(lowest) if id >= lowest);
        let live = block.all().filter(|found| !found.is_deleted);
        let go = live.take(excess as usize).take_while(|found| !stands(found.entry.id));
        let offsets: Vec<usize> = go.map(|found| found.offset).collect();
        if !offsets.is_empty() {
            self.delete_in(block.key, &offsets);
        }
        offsets.len() as u64
    }
}
