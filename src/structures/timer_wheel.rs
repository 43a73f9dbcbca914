//! The timer wheel: records with a deadline in milliseconds, given back one by one when it has come.
//!
//! ```text
//!   deadline − now   < 64 ms      < 4 s      < 4 min     < 4.6 h    ...   any u64
//!   level               0           1           2           3       ...     10
//!                    64 × 1 ms   64 × 64 ms  64 × 4 s    64 × 4 min      16 × 36 million years
//! ```
//!
//! It is a [`RadixQueue`] whose keys are deadlines and whose floor follows the clock; there is the drawing of its levels (the
//! bounds above hold from the start of a block; a deadline just across one is filed higher). This file adds the clock:
//!
//! - **Nothing comes early.** An item is given only from the chain of the floor's own millisecond, and the floor never
//!   stands beyond the clock: if `advance` is told an earlier time than before, the floor first goes down to it. That
//!   joins a few chains and looks at none of the items beyond, so it needs no slices and no call of its own.
//! - **A jump forward costs occupied slots only**: the floor goes from one to the next, or over all that is empty at once.
//! - **A deadline already past** when it is inserted is due at the next `advance`.
//! - **Work is bounded** by the caller's budget: one unit per item given, one per item that an opened slot (a *cascade*) files
//!   at a lower level. A cascade can stop anywhere; what is left of it waits in a chain of its own.
//!
//! **Order.** All of millisecond t comes before any of t + 1, however the work is sliced, as long as no cascade of more than
//! [`CASCADE_BURST`] items is under way. A larger one does not hold up what is due elsewhere: after each burst of it one
//! due item is given, so an item of the cascade may come after later ones; but it comes when its turn in the cascade is
//! reached, which no flood of due items delays. Within a millisecond, and among those inserted late, no order is promised.
//!
//! Invariants: those of the queue; the floor is at most the time that the last `advance` was told; `len` counts all items.
//!
//! Cost: insert touches the record, the slot's last record (mostly the one inserted before it) and two cache lines of the wheel;
//! remove touches the record and its neighbours, and the wheel only for the first and last of a slot. 8 bytes of links per
//! record, no slot number; a wheel that was never used has no slots, each level in use has 512 bytes of them.

use super::chain::ListLinks;
use super::radix_queue::{KeyedLinks, Pull, RadixQueue};

/// How many items a cascade files before it lets one item by that is due.
pub const CASCADE_BURST: usize = 256;

/// Who keeps the records: their deadlines, and the two links that the wheel needs.
pub trait WheelItems {
    /// When `item` is due, in milliseconds. It must not change while the item is in the wheel.
    fn deadline_ms(&self, item: u32) -> u64;
    /// What was last written as the handles before and after `item`.
    fn links(&self, item: u32) -> (u32, u32);
    /// Writes the handle before `item`.
    fn set_prev(&mut self, item: u32, prev: u32);
    /// Writes the handle after `item`.
    fn set_next(&mut self, item: u32, next: u32);
}

/// All records of one keeper that have a deadline, by deadline.
#[derive(Debug)]
pub struct TimerWheel {
    queue: RadixQueue,
    len: usize,
}

impl TimerWheel {
    /// An empty wheel at `now_ms`, by the same clock as the deadlines.
    pub fn new(now_ms: u64) -> Self {
        TimerWheel { queue: RadixQueue::new(now_ms), len: 0 }
    }

    /// How many items are in it.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no item is in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that the wheel holds beside itself; the items' links stand with the items.
    pub fn heap_bytes(&self) -> usize {
        self.queue.heap_bytes()
    }

    /// Files `item`, which is not in the wheel, under its deadline.
    pub fn insert(&mut self, items: &mut impl WheelItems, item: u32) {
        self.queue.insert(&mut ByDeadline(items), item);
        self.len += 1;
    }

    /// As [`TimerWheel::insert`], for a keeper that calls `advance` only when `next_deadline` has come: the floor goes down to a deadline
    /// below it, since a floor that stood beyond a clock set back would otherwise be named in its place.
    pub fn insert_below_floor(&mut self, items: &mut impl WheelItems, item: u32) {
        let deadline = items.deadline_ms(item);
        if deadline < self.queue.floor() {
            self.queue.lower_floor(&mut ByDeadline(items), deadline);
        }
        self.insert(items, item);
    }

    /// Takes `item`, which is in the wheel, out of it. To be called before its deadline changes.
    pub fn remove(&mut self, items: &mut impl WheelItems, item: u32) {
        self.queue.remove(&mut ByDeadline(items), item);
        self.len -= 1;
    }

    /// The item `from` now has the handle `to`; its links and its deadline have been copied there.
    pub fn moved(&mut self, items: &mut impl WheelItems, from: u32, to: u32) {
        self.queue.moved(&mut ByDeadline(items), from, to);
    }

    /// Gives an item with a deadline of at most `now_ms`, which is then no longer in the wheel; `None` when there is none, or
    /// when `budget` has run out (it is 0 then, and [`TimerWheel::next_deadline`] tells whether to come back at once).
    /// `now_ms` may be less than in earlier calls. A slice should be worth several [`CASCADE_BURST`]s of budget.
    pub fn advance(&mut self, items: &mut impl WheelItems, now_ms: u64, budget: &mut usize) -> Option<u32> {
        let items = &mut ByDeadline(items);
        if now_ms < self.queue.floor() {
            self.queue.lower_floor(items, now_ms);
        }
        loop {
            self.queue.file_waiting(items, CASCADE_BURST, budget);
            if *budget == 0 {
                return None;
            }
            match self.queue.pull(items, now_ms) {
                Pull::Item(item) => {
                    debug_assert!(items.key(item) <= now_ms);
                    *budget -= 1;
                    self.len -= 1;
                    return Some(item);
                }
                Pull::Nothing if !self.queue.has_waiting() => {
                    self.queue.raise_floor(now_ms);
                    return None;
                }
                Pull::Opened | Pull::Nothing => {}
            }
        }
    }

    /// When [`TimerWheel::advance`] should be called next, in milliseconds: the deadline of the first item if it is near
    /// enough for level 0, else a time before it at which its slot is to be opened. A time that has come already if
    /// there is work left. It counts on `advance` having been called with the clock as it is now.
    pub fn next_deadline(&self) -> Option<u64> {
        self.queue.first_key()
    }

    /// A time that no deadline is before, also when the clock was set back behind what `advance` saw; 0 if none is known.
    pub fn lower_bound(&self) -> Option<u64> {
        self.queue.lower_bound()
    }

    /// An item of the first slot that has any: its deadline is the nearest, exact to the width of that slot. That is 1 ms
    /// within the clock's own block of 64 ms; beyond, at level n, it is 64^n ms: a small part of the distance for most slots, as
    /// much as all of it for the first of a level. While a slot is being opened, any of its items may be the one. None when
    /// there is no item.
    pub fn nearest(&self) -> Option<u32> {
        self.queue.nearest()
    }

    /// Panics unless every item stands where its deadline says, all links agree, and their number is `len`.
    pub fn check_invariants(&self, items: &impl WheelItems) {
        let count = self.queue.check_invariants(|item| items.links(item), |item| items.deadline_ms(item));
        assert_eq!(count, self.len, "the number of items");
    }
}

/// The items as the queue wants to see them.
struct ByDeadline<'a, T>(&'a mut T);

impl<T: WheelItems> ListLinks for ByDeadline<'_, T> {
    fn links(&self, item: u32) -> (u32, u32) {
        self.0.links(item)
    }
    fn set_prev(&mut self, item: u32, prev: u32) {
        self.0.set_prev(item, prev);
    }
    fn set_next(&mut self, item: u32, next: u32) {
        self.0.set_next(item, next);
    }
}

impl<T: WheelItems> KeyedLinks for ByDeadline<'_, T> {
    fn key(&self, item: u32) -> u64 {
        self.0.deadline_ms(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structures::records_for_tests::Records;

    fn wheel_of(now_ms: u64, deadlines: impl IntoIterator<Item = u64>) -> (TimerWheel, Records) {
        let mut records = Records(deadlines.into_iter().map(|deadline| (deadline, 0, 0)).collect());
        let mut wheel = TimerWheel::new(now_ms);
        (0..records.0.len() as u32).for_each(|item| wheel.insert(&mut records, item));
        wheel.check_invariants(&records);
        (wheel, records)
    }

    fn due(wheel: &mut TimerWheel, records: &mut Records, now_ms: u64) -> Vec<u64> {
        let mut given = Vec::new();
        while let Some(item) = wheel.advance(records, now_ms, &mut usize::MAX.clone()) {
            given.push(records.deadline_ms(item));
        }
        wheel.check_invariants(records);
        given
    }

    #[test]
    fn items_come_at_their_millisecond() {
        let (mut wheel, mut records) = wheel_of(1000, [1000, 1001, 1064, 5096, 9_999_999]);
        assert_eq!(due(&mut wheel, &mut records, 1000), [1000]);
        for deadline in [1001, 1064, 5096, 9_999_999] {
            assert_eq!(due(&mut wheel, &mut records, deadline - 1), [0; 0]);
            assert_eq!(due(&mut wheel, &mut records, deadline), [deadline]);
        }
        assert!(wheel.is_empty());
    }

    #[test]
    fn sleeping_until_the_next_deadline_finds_every_item_in_time() {
        let deadlines = [17, 64, 65, 4095, 4096, 300_000, 1 << 36, 1 << 50, u64::MAX];
        let (mut wheel, mut records) = wheel_of(0, deadlines);
        let mut given = Vec::new();
        let mut turns = 0;
        while let Some(now_ms) = wheel.next_deadline() {
            let items = due(&mut wheel, &mut records, now_ms);
            assert!(items.iter().all(|&deadline| deadline == now_ms), "{items:?} at {now_ms}");
            given.extend(items);
            turns += 1;
        }
        assert_eq!(given, deadlines);
        assert!(turns < 60, "{turns} turns");
    }

    #[test]
    fn a_past_deadline_is_due_at_once() {
        let (mut wheel, mut records) = wheel_of(5000, [0, 4999]);
        assert_eq!(wheel.next_deadline(), Some(5000));
        assert_eq!(due(&mut wheel, &mut records, 5000), [0, 4999]);
    }

    #[test]
    fn a_clock_that_goes_back_makes_nothing_come_early_or_late() {
        let hour = 3_600_000;
        let (mut wheel, mut records) = wheel_of(100 * hour, [100 * hour + 10, 101 * hour, 300 * hour]);
        assert_eq!(due(&mut wheel, &mut records, 100 * hour + 5), [0; 0]);
        // The clock is set back by an hour; a client then asks for one second.
        records.0.push((99 * hour + 1000, 0, 0));
        wheel.insert(&mut records, 3);
        assert_eq!(due(&mut wheel, &mut records, 99 * hour), [0; 0]);
        assert_eq!(due(&mut wheel, &mut records, 99 * hour + 999), [0; 0]);
        assert_eq!(due(&mut wheel, &mut records, 99 * hour + 1000), [99 * hour + 1000]);
        assert_eq!(due(&mut wheel, &mut records, 100 * hour + 9), [0; 0]);
        assert_eq!(due(&mut wheel, &mut records, 200 * hour), [100 * hour + 10, 101 * hour]);
        assert_eq!(due(&mut wheel, &mut records, 0), [0; 0]);
        assert_eq!(due(&mut wheel, &mut records, u64::MAX), [300 * hour]);
    }

    #[test]
    fn a_large_cascade_goes_in_slices_and_lets_what_is_due_pass() {
        let many = 20 * CASCADE_BURST;
        let (mut wheel, mut records) = wheel_of(0, (0..many as u64).map(|n| 4100 + n % 4000));
        assert_eq!(wheel.advance(&mut records, 4097, &mut CASCADE_BURST.clone()), None);
        records.0.push((4097, 0, 0));
        wheel.insert(&mut records, many as u32);
        let mut budget = 2 * CASCADE_BURST;
        assert_eq!(wheel.advance(&mut records, 4097, &mut budget), Some(many as u32));
        assert_eq!(budget, CASCADE_BURST - 1);
        wheel.check_invariants(&records);
        let mut slices = 0;
        while wheel.next_deadline().is_some_and(|deadline| deadline <= 4097) {
            let mut budget = 1000;
            assert_eq!(wheel.advance(&mut records, 4097, &mut budget), None);
            slices += 1;
        }
        assert_eq!(slices, (many - 2 * CASCADE_BURST).div_ceil(1000));
        assert_eq!(wheel.len(), many);
        assert_eq!(due(&mut wheel, &mut records, 8100).len(), many);
    }
}
