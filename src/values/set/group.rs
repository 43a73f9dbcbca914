//! Members of one set that are looked for in others, a group at a time: the cache is asked for all before the first is compared, so that
//! their misses overlap.

use super::{Members, SetRef, Table};
use crate::structures::listpack::Entry;
use smallvec::SmallVec;

/// Members in a group: as many misses as a core can have under way, and a few more.
const GROUP: usize = 16;

/// Some members of a set.
#[derive(Default)]
pub struct Group<'a> {
    members: SmallVec<[Candidate<'a>; GROUP]>,
}

struct Candidate<'a> {
    member: Entry<'a>,
    /// Computed for the first table it is looked for in, good for all.
    hash: Option<u64>,
}

impl<'a> Group<'a> {
    /// Takes the next members, in place of those it had. Whether there were any.
    #[inline]
    pub fn refill(&mut self, members: &mut Members<'a>) -> bool {
        self.members.clear();
        self.members.extend(members.take(GROUP).map(|member| Candidate { member, hash: None }));
        !self.members.is_empty()
    }

    /// Keeps those that are in `set`, too.
    #[inline]
    pub fn keep_those_in(&mut self, set: SetRef<'_>) {
        self.filter(set, |is_there| is_there);
    }

    /// Keeps those that are not in `set`.
    #[inline]
    pub fn keep_those_not_in(&mut self, set: SetRef<'_>) {
        self.filter(set, |is_there| !is_there);
    }

    /// Those that are left.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Entry<'a>> {
        self.members.iter().map(|candidate| candidate.member)
    }

    fn filter(&mut self, set: SetRef<'_>, is_kept: impl Fn(bool) -> bool) {
        match set {
            SetRef::Table(table) => {
                self.look_ahead(table);
                self.members.retain(|candidate| {
                    let hash = candidate.hash.expect("computed above");
                    is_kept(table.contains_hashed(hash, candidate.member.as_slice(&mut itoa::Buffer::new())))
                });
            }
            SetRef::Ints(_) | SetRef::Packed(_) => {
                self.members.retain(|candidate| is_kept(set.contains_entry(candidate.member)));
            }
        }
    }

    fn look_ahead(&mut self, table: &Table) {
        for Candidate { member, hash } in &mut self.members {
            let hash = *hash.get_or_insert_with(|| table.hash(member.as_slice(&mut itoa::Buffer::new())));
            table.prefetch_bucket(hash);
        }
        for candidate in &self.members {
            table.prefetch_record(candidate.hash.expect("computed above"));
        }
    }
}
