//! Members by chance: each as likely as any other, in every form.

use super::edit::push;
use super::{Set, SetRef, Table};
use crate::base::random::Generator;
use crate::structures::element_table::{Full, Handle};
use crate::structures::int_set::{self, IntSet};
use crate::structures::listpack::{self, Entry, Listpack};
use crate::values::Encodings;
use std::collections::BTreeSet;

/// Of a set with less than so many times the members asked for, those left out are drawn rather than those taken.
const FEW_TIMES: usize = 3;
/// Draws from a listpack that are worth an index of its members.
const DRAWS_FOR_AN_INDEX: usize = 4;

impl<'a> SetRef<'a> {
    /// A member; none if there is none.
    pub fn random(self, random: &mut Generator) -> Option<Entry<'a>> {
        match self {
            _ if self.is_empty() => None,
            SetRef::Ints(ints) => ints.get(below(random, ints.len())).map(Entry::Int),
            SetRef::Packed(pack) => pack.get(below(random, pack.len()) as i64),
            SetRef::Table(table) => draw(table, random).map(|handle| table.member(handle)),
        }
    }

    /// Shows `count` members, the same one several times if it so happens; none if there is none.
    pub fn random_with_repetition(self, count: usize, random: &mut Generator, mut show: impl FnMut(Entry<'a>)) {
        match self {
            SetRef::Packed(pack) if count > DRAWS_FOR_AN_INDEX && !pack.is_empty() => {
                let members: Vec<Entry<'a>> = pack.iter().collect();
                (0..count).for_each(|_| show(members[below(random, members.len())]));
            }
            _ => (0..count).map_while(|_| self.random(random)).for_each(show),
        }
    }

    /// Shows `count` different members, or all if there are no more. Every choice of so many is as likely; their order is not.
    pub fn random_distinct(self, count: usize, random: &mut Generator, mut show: impl FnMut(Entry<'a>)) {
        match self {
            _ if count >= self.len() => self.for_each(show),
            SetRef::Ints(ints) => {
                let chosen = distinct_indexes(count, ints.len(), random);
                chosen.into_iter().filter_map(|index| ints.get(index)).for_each(|value| show(Entry::Int(value)));
            }
            SetRef::Packed(pack) => {
                let mut chosen = distinct_indexes(count, pack.len(), random).into_iter().peekable();
                let is_chosen = |(index, _): &(usize, Entry<'_>)| chosen.next_if_eq(index).is_some();
                pack.iter().enumerate().filter(is_chosen).for_each(|(_, member)| show(member));
            }
            SetRef::Table(table) => {
                distinct_handles(table, count, random).into_iter().for_each(|handle| show(table.member(handle)));
            }
        }
    }
}

impl Set {
    /// Takes a member out, which is shown first.
    pub fn pop(&mut self, random: &mut Generator, show: impl FnOnce(Entry<'_>)) {
        let len = self.len();
        if len == 0 {
            return;
        }
        match self {
            Set::Ints(bytes) => {
                let index = below(random, len);
                show(Entry::Int(IntSet::new(bytes).get(index).expect("an index below the length")));
                int_set::remove_at(bytes, index);
            }
            Set::Packed(bytes) => {
                let pack = Listpack::or_empty(bytes);
                let offset = pack.seek(below(random, len) as i64).expect("an index below the length");
                show(pack.at(offset));
                listpack::remove(bytes, offset);
            }
            Set::Table(table) => {
                let handle = draw(table, random).expect("there are members");
                show(table.member(handle));
                table.remove_at(handle);
            }
        }
    }

    /// Takes `count` different members out, fewer than there are; each is shown first. For a table: few against those that stay.
    pub fn pop_some(&mut self, count: usize, random: &mut Generator, mut show: impl FnMut(Entry<'_>)) {
        if let Set::Table(_) = self {
            return (0..count).for_each(|_| self.pop(random, &mut show));
        }
        *self = self.split_off_by_index(distinct_indexes(count, self.len(), random), show);
    }

    /// The set that is left when all members but `left` are taken out, which are shown. `self` stays as it is, to be freed. A table's
    /// remains begin as a listpack, as in Redis.
    pub fn pop_most(
        &self,
        left: usize,
        random: &mut Generator,
        encodings: &Encodings,
        mut show: impl FnMut(Entry<'_>),
    ) -> Result<Set, Full> {
        let Set::Table(table) = self else {
            return Ok(self.split_off_by_index(distinct_indexes(self.len() - left, self.len(), random), show));
        };
        let kept: BTreeSet<Handle> = distinct_handles(table, left, random).into_iter().collect();
        let mut rest = Set::default();
        for handle in table.handles() {
            if kept.contains(&handle) {
                rest.insert_entry(table.member(handle), encodings)?;
            } else {
                show(table.member(handle));
            }
        }
        Ok(rest)
    }

    /// The members whose index is not among `taken` (ascending), packed as before; the others are shown.
    fn split_off_by_index(&self, taken: Vec<usize>, mut show: impl FnMut(Entry<'_>)) -> Set {
        let mut taken = taken.into_iter().peekable();
        let mut rest = match self {
            Set::Ints(_) => Set::Ints(int_set::new()),
            Set::Packed(bytes) => Set::Packed(Vec::with_capacity(bytes.len())),
            Set::Table(_) => unreachable!("members of a table have no index"),
        };
        for (index, member) in self.as_ref().iter().enumerate() {
            match (&mut rest, member) {
                _ if taken.next_if_eq(&index).is_some() => show(member),
                (Set::Ints(ints), Entry::Int(value)) => assert!(int_set::insert(ints, value), "members ascend"),
                (Set::Packed(pack), member) => push(pack, member),
                _ => unreachable!("an intset holds integers"),
            }
        }
        rest
    }
}

fn below(random: &mut Generator, n: usize) -> usize {
    random.below(n as u64) as usize
}

fn draw(table: &Table, random: &mut Generator) -> Option<Handle> {
    table.sample(|n| below(random, n))
}

/// `count` different numbers below `n`, ascending: every choice is as likely.
fn distinct_indexes(count: usize, n: usize, random: &mut Generator) -> Vec<usize> {
    if count.saturating_mul(FEW_TIMES) < n {
        // Floyd: a number that was drawn before stands for the last of those that can be drawn now, which never was.
        let mut chosen = BTreeSet::new();
        for last in n - count..n {
            let drawn = below(random, last + 1);
            if !chosen.insert(drawn) {
                chosen.insert(last);
            }
        }
        return chosen.into_iter().collect();
    }
    // Knuth's algorithm S: each number with the chance of those still wanted among those still to come.
    let mut chosen = Vec::with_capacity(count);
    for index in 0..n {
        if below(random, n - index) < count - chosen.len() {
            chosen.push(index);
        }
    }
    chosen
}

/// `count` different members, at most as many as there are: every choice is as likely.
fn distinct_handles(table: &Table, count: usize, random: &mut Generator) -> Vec<Handle> {
    if count.saturating_mul(FEW_TIMES) < table.len() {
        let (mut drawn, mut chosen) = (BTreeSet::new(), Vec::with_capacity(count));
        while chosen.len() < count {
            let handle = draw(table, random).expect("there are members");
            if drawn.insert(handle) {
                chosen.push(handle);
            }
        }
        return chosen;
    }
    let mut handles: Vec<Handle> = table.handles().collect();
    for at in 0..count {
        let other = at + below(random, handles.len() - at);
        handles.swap(at, other);
    }
    handles.truncate(count);
    handles
}
