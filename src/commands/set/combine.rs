//! What the commands over several sets have in common: the sets that their words name, and a key for the result.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::look_ahead::{GROUP, Group};
use crate::commands::row::{Done, Outcome};
use crate::keyspace::database::{Database, Expiry};
use crate::structures::record_arena::Handle;
use crate::values::set::{Set, SetRef};
use crate::values::{Collection, Owned};
use smallvec::SmallVec;
use std::ops::Range;

/// The records of some keys; none where there is no such key.
pub(super) type Handles = SmallVec<[Option<Handle>; 8]>;
/// Sets as they stand.
pub(super) type Sets<'a> = SmallVec<[SetRef<'a>; 8]>;

/// Looks the keys at `words` up, all of them.
pub(super) fn sets_at(cx: &mut DataContext<'_>, args: &Args<'_>, words: Range<usize>) -> Result<Handles, Error> {
    let mut handles = Handles::with_capacity(words.len());
    for first in words.clone().step_by(GROUP) {
        let end = words.end.min(first + GROUP);
        let group = Group::ask(cx.db, args, first, 1, end);
        for word in first..end {
            let key = args.get(word);
            group.expect(cx.db, word - first, key);
            let handle = cx.db.read(key);
            if let Some(handle) = handle {
                cx.db.view_as::<Set>(handle)?;
            }
            handles.push(handle);
        }
    }
    Ok(handles)
}

/// The set that a record holds, which was looked at before.
pub(super) fn set_of(db: &Database, handle: Handle) -> SetRef<'_> {
    db.view_as::<Set>(handle).expect("a set, as was checked when it was looked up")
}

/// The sets of these records, each once, in the order in which they were named; those that are not there left out.
pub(super) fn distinct_sets<'a>(db: &'a Database, handles: &Handles) -> Sets<'a> {
    let mut there: SmallVec<[(Handle, usize); 8]> =
        handles.iter().enumerate().filter_map(|(place, handle)| Some(((*handle)?, place))).collect();
    there.sort_unstable();
    there.dedup_by_key(|(handle, _)| *handle);
    there.sort_unstable_by_key(|(_, place)| *place);
    there.into_iter().map(|(handle, _)| set_of(db, handle)).collect()
}

/// Puts a result at `key`, in place of whatever was there, and answers how many members it has. An empty one removes the key.
pub(super) fn store(cx: &mut DataContext<'_>, key: &[u8], set: Set, event: &'static str) -> Outcome {
    let len = set.len();
    if set.is_empty() {
        if cx.db.remove(key) {
            cx.changed(key, Event::generic("del"));
        }
    } else {
        cx.db.put(key, Owned::of(set), Expiry::Clear)?;
        cx.changed(key, Event::set(event));
    }
    cx.reply.int(len as i64);
    Ok(Done)
}
