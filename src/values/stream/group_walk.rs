//! Walks over a stream's groups: each as it was when the walk began, in the order of names, while they go on changing.
//!
//! ```text
//! begin    what is few is copied: names, times and counts of groups and consumers
//! step     a group's pending entries by ID, then those of each of its consumers
//! change   of a pending entry that has yet to be given: what it was is noted in its group, once
//! destroy  the group comes into the walk's hands, and is freed there, piece by piece
//! ```
//! An entry that stands in a group and is not noted is as it was. IDs above the greatest that was pending when the walk began are
//! not part of it, so that what is delivered meanwhile costs nothing.

use super::group::{Consumer, Group, Pending};
use super::groups::Groups;
use super::id::StreamId;
use crate::values::walk::{Slot, WalkId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Heap of a note, in both trees.
const NOTE_BYTES: usize = 116;

/// What is told of a group before its pending entries.
#[derive(Debug, PartialEq)]
pub struct GroupHead {
    /// Its name.
    pub name: Box<[u8]>,
    /// The last entry delivered.
    pub last_id: StreamId,
    /// How many entries were read up to there, if that is known.
    pub entries_read: Option<i64>,
    /// How many entries are pending.
    pub pending: usize,
}

/// What is told of a consumer before its pending entries.
#[derive(Debug, PartialEq)]
pub struct ConsumerHead {
    /// Its name.
    pub name: Box<[u8]>,
    /// When it last tried to read or claim.
    pub seen_ms: i64,
    /// How many entries are pending with it.
    pub pending: usize,
    slot: u32,
}

/// A part of a stream's groups.
#[derive(Debug, Clone, Copy)]
pub enum GroupPart<'a> {
    /// The groups begin: all blocks have been given.
    Begin,
    /// The next group.
    Group(&'a GroupHead),
    /// The next entry that is pending in it.
    Pending(StreamId, Pending),
    /// All of those have been given; so many consumers follow.
    Consumers(usize),
    /// The next consumer.
    Consumer(&'a GroupHead, &'a ConsumerHead),
    /// The next entry that is pending with it.
    Owed(Owed<'a>),
}

/// An entry that is pending with a consumer.
#[derive(Debug, Clone, Copy)]
pub struct Owed<'a> {
    /// Its ID.
    pub id: StreamId,
    /// In which group.
    pub group: &'a GroupHead,
    /// With whom.
    pub consumer: &'a ConsumerHead,
    noted: Option<Pending>,
    standing: &'a BTreeMap<StreamId, Pending>,
}

impl Owed<'_> {
    /// What is known of it. Is looked up only now.
    pub fn pending(&self) -> Pending {
        self.noted.unwrap_or_else(|| self.standing[&self.id])
    }
}

/// What pending entries of a group were before they changed.
#[derive(Default)]
pub(super) struct Before {
    /// The greatest ID that the walk gives.
    last: StreamId,
    /// `None`: it was not pending.
    states: BTreeMap<StreamId, Option<Pending>>,
    /// Those of them that were pending, by consumer's slot.
    by_consumer: BTreeSet<(u32, StreamId)>,
}

impl Before {
    pub(super) fn bytes(&self) -> usize {
        self.states.len() * NOTE_BYTES
    }

    /// Notes what an entry is, unless that was done.
    #[cold]
    pub(super) fn note(&mut self, id: StreamId, pending: Option<&Pending>) {
        if id > self.last || self.states.contains_key(&id) {
            return;
        }
        self.states.insert(id, pending.copied());
        if let Some(pending) = pending {
            self.by_consumer.insert((pending.consumer.slot(), id));
        }
    }

    fn has(&self, id: StreamId) -> bool {
        !self.states.is_empty() && self.states.contains_key(&id)
    }
}

/// A walk under way.
pub(super) struct Walk {
    id: WalkId,
    has_begun: bool,
    groups: VecDeque<Walked>,
    kept_bytes: usize,
}

/// A group that is to be given.
struct Walked {
    head: GroupHead,
    consumers: Vec<ConsumerHead>,
    /// The group itself, once it has been destroyed.
    gone: Option<Box<Group>>,
    place: Place,
}

/// What is given next of a group.
enum Place {
    Head,
    /// Pending entries from this ID on.
    Pending(StreamId),
    Consumers,
    Consumer(usize),
    /// What is pending with this consumer, from this ID on.
    Owed(usize, StreamId),
    /// Nothing: what was kept for it is freed.
    Freed(Before),
}

impl Walked {
    fn of(name: &[u8], group: &mut Group) -> Walked {
        let pending = group.pending().len();
        let head = GroupHead { name: name.into(), last_id: group.last_id, entries_read: group.entries_read, pending };
        let consumer_head = |(slot, consumer): (u32, &Consumer)| {
            let (name, pending) = (consumer.name().into(), consumer.pending().len());
            ConsumerHead { name, seen_ms: consumer.seen_ms, pending, slot }
        };
        let consumers = group.slots().map(consumer_head).collect();
        if let Some((&last, _)) = group.pending().last_key_value() {
            group.walk = Slot(Some(Box::new(Before { last, ..Before::default() })));
        }
        Walked { head, consumers, gone: None, place: Place::Head }
    }

    /// Gives the next parts; whether that was all. `groups` are those that stand.
    fn step(
        &mut self,
        groups: &mut BTreeMap<Box<[u8]>, Group>,
        left: &mut usize,
        visit: &mut impl FnMut(GroupPart<'_>),
    ) -> bool {
        while *left > 0 {
            let group = match &mut self.gone {
                Some(gone) => gone,
                None => groups.get_mut(&self.head.name).expect("it stands, or is in our hands"),
            };
            self.place = match &mut self.place {
                Place::Head => {
                    visit(GroupPart::Group(&self.head));
                    *left -= 1;
                    Place::Pending(StreamId::MIN)
                }
                Place::Pending(next) => match give_pending(group, *next, left, visit) {
                    Some(next) => Place::Pending(next),
                    None => Place::Consumers,
                },
                Place::Consumers => {
                    visit(GroupPart::Consumers(self.consumers.len()));
                    Place::Consumer(0)
                }
                &mut Place::Consumer(number) => match self.consumers.get(number) {
                    Some(consumer) => {
                        visit(GroupPart::Consumer(&self.head, consumer));
                        *left -= 1;
                        Place::Owed(number, StreamId::MIN)
                    }
                    None => Place::Freed(*group.walk.0.take().unwrap_or_default()),
                },
                &mut Place::Owed(number, next) => {
                    match give_owed(group, &self.head, &self.consumers[number], next, left, visit) {
                        Some(next) => Place::Owed(number, next),
                        None => Place::Consumer(number + 1),
                    }
                }
                Place::Freed(before) => {
                    let noted = before.states.pop_first().is_some() | before.by_consumer.pop_first().is_some();
                    let pending = self.gone.as_mut().is_some_and(|gone| gone.forget_first_pending());
                    if !noted && !pending {
                        return true;
                    }
                    *left -= 1;
                    continue;
                }
            };
        }
        false
    }

    /// Bytes kept for it.
    fn kept_bytes(&self, groups: &BTreeMap<Box<[u8]>, Group>) -> usize {
        let noted = match (&self.place, &self.gone) {
            (Place::Freed(before), _) => before.bytes(),
            (_, Some(gone)) => gone.noted_bytes(),
            (_, None) => groups.get(&self.head.name).map_or(0, Group::noted_bytes),
        };
        noted + self.gone.as_ref().map_or(0, |gone| gone.heap_bytes())
    }
}

/// Gives pending entries from `next` on; where it goes on, if there may be more.
fn give_pending(
    group: &Group,
    next: StreamId,
    left: &mut usize,
    visit: &mut impl FnMut(GroupPart<'_>),
) -> Option<StreamId> {
    let before = group.walk.0.as_deref().filter(|before| next <= before.last)?;
    let standing = group.pending().range(next..=before.last).filter(|(id, _)| !before.has(**id));
    let noted = before.states.range(next..=before.last).filter_map(|(id, state)| Some((id, state.as_ref()?)));
    merge(standing, noted, |(id, _)| **id, left, |(&id, &pending)| visit(GroupPart::Pending(id, pending)))
}

/// Gives what is pending with a consumer from `next` on; where it goes on, if there may be more.
fn give_owed(
    group: &Group,
    head: &GroupHead,
    consumer: &ConsumerHead,
    next: StreamId,
    left: &mut usize,
    visit: &mut impl FnMut(GroupPart<'_>),
) -> Option<StreamId> {
    let before = group.walk.0.as_deref().filter(|before| next <= before.last)?;
    let owed = |id, noted| Owed { id, group: head, consumer, noted, standing: group.pending() };
    let standing =
        group.slot(consumer.slot).into_iter().flat_map(|consumer| consumer.pending().range(next..=before.last));
    let standing = standing.filter(|id| !before.has(**id)).map(|&id| owed(id, None));
    let noted = before.by_consumer.range((consumer.slot, next)..=(consumer.slot, before.last));
    let noted = noted.map(|(_, id)| owed(*id, before.states[id]));
    merge(standing, noted, |owed| owed.id, left, |owed| visit(GroupPart::Owed(owed)))
}

/// Gives two ascending sequences as one, `left` items at most; where it goes on, if there may be more.
fn merge<T>(
    one: impl Iterator<Item = T>,
    other: impl Iterator<Item = T>,
    id: impl Fn(&T) -> StreamId,
    left: &mut usize,
    mut visit: impl FnMut(T),
) -> Option<StreamId> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    while *left > 0 {
        let takes_one = match (one.peek(), other.peek()) {
            (Some(a), Some(b)) => id(a) < id(b),
            (first, _) => first.is_some(),
        };
        let item = if takes_one { one.next() } else { other.next() }?;
        let next = id(&item).next();
        visit(item);
        *left -= 1;
        if *left == 0 {
            return next;
        }
    }
    None
}

impl Groups {
    /// Begins a walk over the groups as they are now.
    pub fn begin_walk(&mut self, id: WalkId) {
        assert!(self.walk.0.is_none(), "one walk at a time");
        let groups = self.by_name.iter_mut().map(|(name, group)| Walked::of(name, group)).collect();
        self.walk = Slot(Some(Box::new(Walk { id, has_begun: false, groups, kept_bytes: 0 })));
    }

    /// The walk under way.
    #[inline]
    pub fn walk_id(&self) -> Option<WalkId> {
        self.walk.0.as_ref().map(|walk| walk.id)
    }

    /// Bytes of notes, and of groups that are gone, which are kept for the walk.
    pub fn kept_bytes(&self) -> usize {
        self.walk.0.as_ref().map_or(0, |walk| walk.kept_bytes)
    }

    /// Gives the next parts, about `budget`; whether there are more.
    pub fn step_walk(&mut self, budget: usize, mut visit: impl FnMut(GroupPart<'_>)) -> bool {
        let Some(mut walk) = self.walk.0.take() else { return false };
        if !walk.has_begun {
            walk.has_begun = true;
            visit(GroupPart::Begin);
        }
        let mut left = budget;
        while left > 0 {
            let Some(first) = walk.groups.front_mut() else { return false };
            let before = first.kept_bytes(&self.by_name);
            let is_done = first.step(&mut self.by_name, &mut left, &mut visit);
            let after = if is_done { 0 } else { first.kept_bytes(&self.by_name) };
            walk.kept_bytes = walk.kept_bytes + after - before;
            if is_done {
                walk.groups.pop_front();
            }
        }
        self.walk = Slot(Some(walk));
        true
    }

    /// A group is about to go: if the walk has not given all of it, it takes it.
    pub(super) fn keep_gone(&mut self, name: &[u8], group: Group) -> Option<Group> {
        let Some(walk) = &mut self.walk.0 else { return Some(group) };
        match walk.groups.iter_mut().find(|walked| walked.gone.is_none() && *walked.head.name == *name) {
            Some(walked) => {
                walk.kept_bytes += group.heap_bytes();
                walked.gone = Some(Box::new(group));
                None
            }
            None => Some(group),
        }
    }
}

impl Walk {
    /// What a group has noted has grown.
    pub(super) fn note_kept(&mut self, before: usize, after: usize) {
        self.kept_bytes = self.kept_bytes + after - before;
    }
}
