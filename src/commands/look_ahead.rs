//! For calls of many keys: the cache is asked for a group of keys before the first of them is looked up, so that their misses
//! overlap.

use super::args::Args;
use crate::keyspace::database::Database;

/// Keys asked for at once: as many misses as a core can have under way, and a few more.
pub const GROUP: usize = 16;

/// The hashes of a group of keys.
pub struct Group {
    hashes: [u64; GROUP],
    asked: bool,
}

impl Group {
    /// Asks for up to `GROUP` keys: the words `first`, `first + step`, ... below `end`.
    #[inline]
    pub fn ask(db: &Database, args: &Args<'_>, first: usize, step: usize, end: usize) -> Group {
        let mut group = Group { hashes: [0; GROUP], asked: first + step < end };
        if !group.asked {
            return group; // a single key, whose hash the dispatcher may know
        }
        let words = (first..end).step_by(step);
        let mut asked = 0;
        for (hash, word) in group.hashes.iter_mut().zip(words) {
            *hash = db.hash(args.get(word));
            db.prefetch_bucket(*hash);
            asked += 1;
        }
        let mut handles = [None; GROUP];
        for (handle, &hash) in handles.iter_mut().zip(&group.hashes[..asked]) {
            *handle = db.prefetch_record(hash);
        }
        for handle in handles.into_iter().flatten() {
            db.prefetch_neighbours(handle);
        }
        group
    }

    /// Says that the key with number `i` of the group comes next.
    #[inline]
    pub fn expect(&self, db: &mut Database, i: usize, key: &[u8]) {
        if self.asked {
            db.expect_key(key, self.hashes[i]);
        }
    }
}
