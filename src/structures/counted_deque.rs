//! A sequence of items that each stand for a number of elements: found by an element's index, changed anywhere, at a cost far below
//! that of walking it.
//!
//! ```text
//!  groups   ┌───────────┬───────────┬─────┬───────────┐      VecDeque
//!           │ count 910 │ count 455 │ ... │ count 871 │      the sums of its items' counts and bytes
//!           │ items ────┼──┐        │     │           │
//!           └───────────┴──│────────┴─────┴───────────┘
//!                          └─▶ ┌────┬────┬─────┬────┐         VecDeque, up to 128
//!                              │ 12 │ 40 │ ... │  7 │         items with their counts
//!                              └────┴────┴─────┴────┘
//! ```
//!
//! A million items are 8,000 groups: an index is found by adding up groups from the nearer end and then items of one group; what is
//! put in or taken out in the middle moves one group's items, and at worst the heads of the groups. No push waits for more than a group, or
//! the groups' heads, to move. Sums of counts and of heap bytes are kept.
//!
//! Invariants: no group is empty; a group has at most `GROUP_ITEMS` items; the sums are those of the items.
//!
//! A [`Place`] is where an item stands. Putting in and taking out leave the places before valid; edits leave all.

use std::collections::VecDeque;

/// Most items of a group.
const GROUP_ITEMS: usize = 128;

/// What an item stands for. Both may change in [`CountedDeque::edit`] only.
pub trait Counted {
    /// Elements.
    fn count(&self) -> usize;
    /// Bytes of heap it holds.
    fn heap_bytes(&self) -> usize;
}

/// A sequence of items with counts.
pub struct CountedDeque<T> {
    groups: VecDeque<Group<T>>,
    items: usize,
    count: usize,
    /// What the items hold.
    item_bytes: usize,
    /// Room for items in all groups.
    slots: usize,
}

#[derive(Clone)]
struct Group<T> {
    items: VecDeque<T>,
    count: usize,
    /// What the items hold.
    bytes: usize,
}

impl<T: Counted> Group<T> {
    fn of(items: VecDeque<T>) -> Group<T> {
        let (count, bytes) = (items.iter().map(T::count).sum(), items.iter().map(T::heap_bytes).sum::<usize>());
        Group { items, count, bytes }
    }
}

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    group: usize,
    slot: usize,
}

impl<T> Default for CountedDeque<T> {
    fn default() -> Self {
        CountedDeque { groups: VecDeque::new(), items: 0, count: 0, item_bytes: 0, slots: 0 }
    }
}

impl<T: Counted> CountedDeque<T> {
    /// How many items there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.items
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// The sum of all counts.
    #[inline]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Bytes of heap, the items' own included.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        self.item_bytes + self.slots * size_of::<T>() + self.groups.capacity() * size_of::<Group<T>>()
    }

    /// The first item's place.
    #[inline]
    pub fn first(&self) -> Option<Place> {
        (!self.is_empty()).then_some(Place { group: 0, slot: 0 })
    }

    /// The last item's place.
    #[inline]
    pub fn last(&self) -> Option<Place> {
        let group = self.groups.len().checked_sub(1)?;
        Some(Place { group, slot: self.groups[group].items.len() - 1 })
    }

    /// The place behind.
    #[inline]
    pub fn next(&self, place: Place) -> Option<Place> {
        let Place { group, slot } = place;
        if slot + 1 < self.groups[group].items.len() {
            return Some(Place { group, slot: slot + 1 });
        }
        (group + 1 < self.groups.len()).then_some(Place { group: group + 1, slot: 0 })
    }

    /// The place before.
    #[inline]
    pub fn prev(&self, place: Place) -> Option<Place> {
        let Place { group, slot } = place;
        if slot > 0 {
            return Some(Place { group, slot: slot - 1 });
        }
        let group = group.checked_sub(1)?;
        Some(Place { group, slot: self.groups[group].items.len() - 1 })
    }

    /// Whether a place that was valid once is one now.
    pub fn holds(&self, place: Place) -> bool {
        self.groups.get(place.group).is_some_and(|group| place.slot < group.items.len())
    }

    /// The item at a place.
    #[inline]
    pub fn at(&self, place: Place) -> &T {
        &self.groups[place.group].items[place.slot]
    }

    /// The item that has the element with this index, and the element's index in it.
    pub fn find(&self, index: usize) -> Option<(Place, usize)> {
        if index >= self.count {
            return None;
        }
        let (group, index) = by_count(&self.groups, self.count, index, |group| group.count);
        let found = &self.groups[group];
        let (slot, index) = by_count(&found.items, found.count, index, Counted::count);
        Some((Place { group, slot }, index))
    }

    /// The items from a place on.
    pub fn iter_from(&self, place: Place) -> impl Iterator<Item = &T> {
        let first = self.groups.get(place.group).into_iter().flat_map(move |group| group.items.iter().skip(place.slot));
        first.chain(self.groups.iter().skip(place.group + 1).flat_map(|group| &group.items))
    }

    /// The items from a place on, backwards.
    pub fn iter_back_from(&self, place: Place) -> impl Iterator<Item = &T> {
        let first =
            self.groups.get(place.group).into_iter().flat_map(move |group| group.items.range(..=place.slot).rev());
        first.chain(self.groups.range(..place.group).rev().flat_map(|group| group.items.iter().rev()))
    }

    /// All items.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.groups.iter().flat_map(|group| &group.items)
    }

    /// Changes an item.
    #[inline]
    pub fn edit<R>(&mut self, place: Place, change: impl FnOnce(&mut T) -> R) -> R {
        let group = &mut self.groups[place.group];
        let item = &mut group.items[place.slot];
        let (count, bytes) = (item.count(), item.heap_bytes());
        let result = change(item);
        let (count_now, bytes_now) = (item.count(), item.heap_bytes());
        group.count = group.count - count + count_now;
        group.bytes = group.bytes - bytes + bytes_now;
        self.count = self.count - count + count_now;
        self.item_bytes = self.item_bytes - bytes + bytes_now;
        result
    }

    /// Adds an item before the first.
    pub fn push_front(&mut self, item: T) {
        if self.groups.front().is_none_or(|group| group.items.len() == GROUP_ITEMS) {
            self.groups.push_front(Group::of(VecDeque::new()));
        }
        self.put(0, item, |items, item| items.push_front(item));
    }

    /// Adds an item behind the last.
    pub fn push_back(&mut self, item: T) {
        if self.groups.back().is_none_or(|group| group.items.len() == GROUP_ITEMS) {
            self.groups.push_back(Group::of(VecDeque::new()));
        }
        self.put(self.groups.len() - 1, item, |items, item| items.push_back(item));
    }

    /// Adds an item behind the one at a place. Gives the new one's place; [`prev`](Self::prev) of that is where the other stands now.
    pub fn insert_after(&mut self, place: Place, item: T) -> Place {
        let Place { mut group, mut slot } = place;
        if self.groups[group].items.len() == GROUP_ITEMS {
            self.split(Place { group, slot: GROUP_ITEMS / 2 });
            if slot >= GROUP_ITEMS / 2 {
                (group, slot) = (group + 1, slot - GROUP_ITEMS / 2);
            }
        }
        self.put(group, item, |items, item| items.insert(slot + 1, item));
        Place { group, slot: slot + 1 }
    }

    /// Adds an item before the one at a place. Gives the new one's place; [`next`](Self::next) of that is where the other stands now.
    pub fn insert_before(&mut self, place: Place, item: T) -> Place {
        match self.prev(place) {
            Some(before) => self.insert_after(before, item),
            None => {
                self.push_front(item);
                Place { group: 0, slot: 0 }
            }
        }
    }

    /// Takes an item out. Its place is then that of the one behind, if there is any.
    pub fn remove(&mut self, place: Place) -> (T, Option<Place>) {
        let Place { group, slot } = place;
        let holder = &mut self.groups[group];
        let item = holder.items.remove(slot).expect("a place is an item's");
        let (count, bytes) = (item.count(), item.heap_bytes());
        holder.count -= count;
        holder.bytes -= bytes;
        self.items -= 1;
        self.count -= count;
        self.item_bytes -= bytes;
        if holder.items.is_empty() {
            self.slots -= holder.items.capacity();
            self.groups.remove(group);
            return (item, (group < self.groups.len()).then_some(Place { group, slot: 0 }));
        }
        let is_last = slot == holder.items.len();
        if holder.items.len() < GROUP_ITEMS / 4 {
            self.join(group);
        }
        let next = match is_last {
            false => Some(place),
            // The group behind may have been joined to this one.
            true if slot < self.groups[group].items.len() => Some(place),
            true => (group + 1 < self.groups.len()).then_some(Place { group: group + 1, slot: 0 }),
        };
        (item, next)
    }

    /// Takes out the items from a place on, up to and without the one at `end` (`None`: all of them), which stands behind it.
    pub fn remove_between(&mut self, place: Place, end: Option<Place>) -> CountedDeque<T> {
        let mut removed = CountedDeque::default();
        if end.is_some() && end == self.next(place) {
            removed.push_back(self.remove(place).0);
            return removed;
        }
        removed = self.split_off(place);
        if let Some(Place { group, slot }) = end {
            let slot = if group == place.group { slot - place.slot } else { slot };
            self.append(removed.split_off(Place { group: group - place.group, slot }));
        }
        removed
    }

    /// Takes the items from a place on out.
    fn split_off(&mut self, place: Place) -> CountedDeque<T> {
        let mut rest = CountedDeque::default();
        let mut from = place.group;
        if place.slot > 0 {
            self.split(place);
            from += 1;
        }
        rest.groups = self.groups.split_off(from);
        for group in &rest.groups {
            rest.items += group.items.len();
            rest.count += group.count;
            rest.slots += group.items.capacity();
            rest.item_bytes += group.bytes;
        }
        self.items -= rest.items;
        self.count -= rest.count;
        self.slots -= rest.slots;
        self.item_bytes -= rest.item_bytes;
        rest
    }

    /// Adds all items of another sequence behind the last.
    fn append(&mut self, mut rest: CountedDeque<T>) {
        let seam = self.groups.len();
        self.groups.append(&mut rest.groups);
        self.items += rest.items;
        self.count += rest.count;
        self.slots += rest.slots;
        self.item_bytes += rest.item_bytes;
        if let Some(group) = seam.checked_sub(1) {
            self.join(group);
        }
    }

    fn put(&mut self, group: usize, item: T, put: impl FnOnce(&mut VecDeque<T>, T)) {
        let (count, bytes) = (item.count(), item.heap_bytes());
        let group = &mut self.groups[group];
        let capacity = group.items.capacity();
        put(&mut group.items, item);
        group.count += count;
        group.bytes += bytes;
        self.items += 1;
        self.count += count;
        self.item_bytes += bytes;
        self.slots = self.slots - capacity + group.items.capacity();
    }

    /// Makes a group of the items from a place on, which is not the group's first.
    fn split(&mut self, place: Place) {
        let group = &mut self.groups[place.group];
        let behind = Group::of(group.items.split_off(place.slot));
        group.count -= behind.count;
        group.bytes -= behind.bytes;
        self.slots += behind.items.capacity();
        self.groups.insert(place.group + 1, behind);
    }

    /// Adds the items of the group behind to a group, if they are few together.
    fn join(&mut self, group: usize) {
        let Some(next) = self.groups.get(group + 1) else { return };
        if self.groups[group].items.len() + next.items.len() > GROUP_ITEMS / 2 {
            return;
        }
        let mut next = self.groups.remove(group + 1).expect("it is there");
        let group = &mut self.groups[group];
        self.slots -= next.items.capacity() + group.items.capacity();
        group.items.append(&mut next.items);
        group.count += next.count;
        group.bytes += next.bytes;
        self.slots += group.items.capacity();
    }
}

impl<T: Clone> Clone for CountedDeque<T>
where
    T: Counted,
{
    fn clone(&self) -> Self {
        let mut copy = CountedDeque::default();
        self.iter().for_each(|item| copy.push_back(item.clone()));
        copy
    }
}

/// The part that has the unit with this index, of parts that have `sum` units together, and the unit's index in it. Goes from the nearer
/// end.
fn by_count<P>(parts: &VecDeque<P>, sum: usize, index: usize, count: impl Fn(&P) -> usize) -> (usize, usize) {
    if index < sum / 2 {
        let mut rest = index;
        for (number, part) in parts.iter().enumerate() {
            match rest.checked_sub(count(part)) {
                Some(left) => rest = left,
                None => return (number, rest),
            }
        }
    } else {
        let mut begin = sum;
        for (number, part) in parts.iter().enumerate().rev() {
            begin -= count(part);
            if begin <= index {
                return (number, index - begin);
            }
        }
    }
    unreachable!("the index is below the sum")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An item of so many elements, told apart by its number.
    #[derive(Clone, Debug, PartialEq)]
    struct Item {
        number: u64,
        count: usize,
    }

    impl Counted for Item {
        fn count(&self) -> usize {
            self.count
        }

        fn heap_bytes(&self) -> usize {
            self.count * 3
        }
    }

    fn check(deque: &CountedDeque<Item>, model: &[Item]) {
        assert!(deque.iter().eq(model));
        assert_eq!((deque.len(), deque.is_empty()), (model.len(), model.is_empty()));
        assert_eq!(deque.count(), model.iter().map(|item| item.count).sum::<usize>());
        for group in &deque.groups {
            assert!((1..=GROUP_ITEMS).contains(&group.items.len()));
            assert_eq!(group.count, group.items.iter().map(Item::count).sum::<usize>());
            assert_eq!(group.bytes, group.items.iter().map(Item::heap_bytes).sum::<usize>());
        }
        assert_eq!(deque.item_bytes, model.iter().map(Item::heap_bytes).sum::<usize>());
        assert_eq!(deque.slots, deque.groups.iter().map(|group| group.items.capacity()).sum::<usize>());
    }

    fn nth(deque: &CountedDeque<Item>, number: usize) -> Option<Place> {
        std::iter::successors(deque.first(), |&place| deque.next(place)).nth(number)
    }

    fn place_of(deque: &CountedDeque<Item>, number: usize) -> Place {
        let place = nth(deque, number).expect("there are so many");
        assert_eq!(deque.iter_from(deque.first().unwrap()).nth(number), Some(deque.at(place)));
        place
    }

    fn live(seed: u64) {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut deque, mut model) = (CountedDeque::default(), Vec::<Item>::new());
        for step in 0..if cfg!(miri) { 100 } else { 1500 } {
            let is_growing = step / 300 % 2 == 0;
            let item = Item { number: step, count: random.usize(1..5) };
            let at = random.usize(..model.len().max(1));
            match random.u8(..if is_growing { 6 } else { 12 }) {
                0 => {
                    deque.push_front(item.clone());
                    model.insert(0, item);
                }
                1 => {
                    deque.push_back(item.clone());
                    model.push(item);
                }
                2 if !model.is_empty() => {
                    let behind = place_of(&deque, at);
                    let place = deque.insert_before(behind, item.clone());
                    assert_eq!(deque.at(place), &item);
                    assert_eq!(deque.at(deque.next(place).unwrap()), &model[at]);
                    model.insert(at, item);
                }
                3..5 if !model.is_empty() => {
                    let before = place_of(&deque, at);
                    let place = deque.insert_after(before, item.clone());
                    assert_eq!(deque.at(place), &item);
                    assert_eq!(deque.at(deque.prev(place).unwrap()), &model[at]);
                    model.insert(at + 1, item);
                }
                5 if !model.is_empty() => {
                    let place = place_of(&deque, at);
                    deque.edit(place, |item| item.count += 2);
                    model[at].count += 2;
                }
                6..11 if !model.is_empty() => {
                    let place = place_of(&deque, at);
                    let (item, next) = deque.remove(place);
                    assert_eq!(item, model.remove(at));
                    assert_eq!(next.map(|next| deque.at(next)), model.get(at));
                }
                11 if !model.is_empty() && random.u8(..10) == 0 => {
                    let many = random.usize(1..=model.len() - at);
                    let place = place_of(&deque, at);
                    let removed = deque.remove_between(place, nth(&deque, at + many));
                    let expected: Vec<Item> = model.drain(at..at + many).collect();
                    check(&removed, &expected);
                }
                _ => {}
            }
            if step % 10 == 0 {
                check(&deque, &model);
                check(&deque.clone(), &model);
                walk(&deque, &model);
            }
        }
    }

    fn walk(deque: &CountedDeque<Item>, model: &[Item]) {
        let mut index = 0;
        for (number, item) in model.iter().enumerate() {
            let place = place_of(deque, number);
            for within in 0..item.count {
                assert_eq!(deque.find(index), Some((place, within)));
                index += 1;
            }
            assert_eq!(deque.next(place).map(|next| deque.at(next)), model.get(number + 1));
            assert_eq!(deque.prev(place).map(|prev| deque.at(prev)), number.checked_sub(1).map(|prev| &model[prev]));
            if number % 50 == 0 {
                assert!(deque.iter_from(place).eq(&model[number..]));
                assert!(deque.iter_back_from(place).eq(model[..=number].iter().rev()));
            }
        }
        assert_eq!(deque.find(index), None);
        assert_eq!(deque.last().map(|place| deque.at(place)), model.last());
    }

    #[test]
    fn it_is_a_list_of_items() {
        (0..if cfg!(miri) { 2 } else { 12 }).for_each(live);
    }
}
