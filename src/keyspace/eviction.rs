//! Which key goes when memory is short, and the order that tells.
//!
//! ```text
//! allkeys-lru, volatile-lru      the oldest of all databases' lists: exact, O(1). After the policy is switched on, a list is
//!                                built by stamp in slices; until it has begun to be sorted, the oldest of a sample goes
//! allkeys-lfu, volatile-lfu      the least counter in a sample (Redis's logarithmic counter with decay)
//! volatile-ttl                   a key of the first occupied slot of the wheel: exact to the slot's width, which is 1 ms for the
//!                                nearest deadlines, and beyond between a 64th of their distance and all of it
//! allkeys-random, volatile-random   any
//! ```

use super::database::Database;
use super::links::{LruLinks, ReadLinks};
use super::removal::Cause;
use crate::structures::lru_builder::LruBuilder;
use crate::structures::lru_list::{ListLinks, LruList, NONE};
use crate::structures::record_arena::{Handle, RecordArena};
use crate::values::Big;

/// How keys are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// None goes: writes are refused.
    #[default]
    Never,
    /// The one that was not used for the longest time.
    Lru,
    /// The one that is used the least often.
    Lfu,
    /// Any.
    Random,
    /// The one whose deadline comes first.
    Ttl,
}

/// The policy in force.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Policy {
    /// How keys are chosen.
    pub order: Order,
    /// Whether only keys with a deadline are.
    pub volatile_only: bool,
    /// Whether a limit is set: without one no list is kept.
    pub limited: bool,
    /// Whether stamps hold LFU counters.
    pub is_lfu: bool,
    /// `maxmemory-samples`.
    pub samples: usize,
    /// How LFU counters grow and decay.
    pub lfu: Lfu,
}

/// Redis's frequency counter: a byte that grows ever more slowly and loses one per `decay_minutes`, with the minute of its
/// last change in 16 bits: `stamp = minute << 8 | counter`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lfu {
    /// `lfu-log-factor`.
    pub log_factor: u32,
    /// `lfu-decay-time`; 0: never.
    pub decay_minutes: u32,
}

impl Default for Lfu {
    fn default() -> Self {
        Lfu { log_factor: 10, decay_minutes: 1 }
    }
}

const LFU_INIT: u8 = 5;

fn minute(now_ms: u64) -> u32 {
    (now_ms / 60_000) as u32 & 0xffff
}

impl Lfu {
    /// The stamp of a new key.
    pub fn at_birth(&self, now_ms: u64) -> u32 {
        self.stamp(LFU_INIT, now_ms)
    }

    /// The stamp of a key with this counter.
    pub fn stamp(&self, counter: u8, now_ms: u64) -> u32 {
        minute(now_ms) << 8 | counter as u32
    }

    /// The counter after decay.
    pub fn frequency(&self, stamp: u32, now_ms: u64) -> u8 {
        let counter = stamp as u8;
        if self.decay_minutes == 0 {
            return counter;
        }
        let minutes = minute(now_ms).wrapping_sub(stamp >> 8) & 0xffff;
        counter.saturating_sub((minutes / self.decay_minutes).min(255) as u8)
    }

    /// The stamp after one more use: the counter grows with a chance of 1 in (counter - 5) * factor + 1, which `draw`, any
    /// number as likely as any other, decides.
    pub fn after_use(&self, stamp: u32, now_ms: u64, draw: u32) -> u32 {
        let counter = self.frequency(stamp, now_ms);
        if counter == 255 {
            return self.stamp(counter, now_ms);
        }
        let above = counter.saturating_sub(LFU_INIT) as u64;
        let one_in = above * self.log_factor as u64 + 1;
        let grows = (draw as u128 * one_in as u128) >> 32 == 0;
        self.stamp(counter + grows as u8, now_ms)
    }
}

/// Reads access stamps, which wrap round, as ages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Age {
    now: u32,
}

impl Age {
    /// As seen at this time.
    #[inline]
    pub(super) fn at(now_ms: u64) -> Age {
        Age { now: super::database::stamp_of(now_ms) }
    }

    /// How old a stamp is, in tenths of a second; 0 for one of the future (the clock has gone back).
    #[inline]
    pub(super) fn of(self, stamp: u32) -> u32 {
        (self.now.wrapping_sub(stamp) as i32).max(0) as u32
    }

    /// The stamp of this age.
    pub(super) fn stamp(self, tenths: u32) -> u32 {
        self.now.wrapping_sub(tenths)
    }
}

/// The order of use, where the policy needs one.
#[derive(Debug)]
pub(super) enum Recency {
    /// Not kept: only stamps are written.
    Off,
    /// Being built by stamp; `cursor` is where feeding stands, `None` when all are fed.
    Building(LruBuilder, Option<u64>),
    /// Exact.
    Exact(LruList),
}

impl Recency {
    #[inline(always)]
    pub(super) fn is_listed(&self) -> bool {
        !matches!(self, Recency::Off)
    }

    #[inline]
    pub(super) fn touch(&mut self, links: &mut LruLinks<'_>, item: Handle) {
        match self {
            Recency::Exact(list) => list.touch(links, item),
            Recency::Building(builder, _) => builder.touch(links, item),
            Recency::Off => {}
        }
    }

    pub(super) fn push_newest(&mut self, links: &mut LruLinks<'_>, item: Handle) {
        match self {
            Recency::Exact(list) => list.push_newest(links, item),
            Recency::Building(builder, _) => builder.push_newest(links, item),
            Recency::Off => {}
        }
    }

    pub(super) fn remove(&mut self, links: &mut LruLinks<'_>, item: Handle) {
        match self {
            Recency::Exact(list) => list.remove(links, item),
            Recency::Building(builder, _) => builder.remove(links, item),
            Recency::Off => {}
        }
    }

    /// Adds a record by its stamp, which may be an old one. The place is looked for from both ends; if it is far from both, the
    /// record gets one that is too new. A list in the making takes it as the newest.
    pub(super) fn insert_by_age(&mut self, links: &mut LruLinks<'_>, item: Handle, age: Age) {
        const STEPS: usize = 512;
        let Recency::Exact(list) = self else { return self.push_newest(links, item) };
        let own = age.of(links.0.stamp(item));
        let (mut newer, mut older) = (list.newest().unwrap_or(NONE), list.oldest().unwrap_or(NONE));
        for _ in 0..STEPS {
            if newer == NONE || age.of(links.0.stamp(newer)) >= own {
                return list.insert_after(links, item, newer);
            }
            if older == NONE || age.of(links.0.stamp(older)) <= own {
                return list.insert_before(links, item, older);
            }
            (newer, older) = (links.links(newer).0, links.links(older).1);
        }
        list.insert_before(links, item, newer);
    }

    /// Panics unless the order's parts agree and it knows of `len` records (fewer while it is being built).
    pub(super) fn check_invariants(&self, records: &RecordArena<Big>, len: usize) {
        match self {
            Recency::Off => {}
            Recency::Exact(list) => {
                list.check_invariants(&ReadLinks(records));
                assert_eq!(list.len(), len, "records in the LRU list");
            }
            Recency::Building(builder, cursor) => {
                builder.check_invariants(&ReadLinks(records));
                assert!(builder.len() == len || cursor.is_some() && builder.len() < len, "records in the LRU list");
            }
        }
    }

    pub(super) fn moved(&mut self, links: &mut LruLinks<'_>, from: Handle, to: Handle) {
        match self {
            Recency::Exact(list) => list.moved(links, from, to),
            Recency::Building(builder, _) => builder.moved(links, from, to),
            Recency::Off => {}
        }
    }
}

impl Database {
    /// Puts a policy in force. A list that the new one needs is built in slices (`build_order`).
    pub fn set_policy(&mut self, policy: Policy) {
        let old = std::mem::replace(&mut self.policy, policy);
        if old.is_lfu != policy.is_lfu {
            self.forget_uses();
        }
        let needs = policy.limited && policy.order == Order::Lru;
        let keeps = old.limited && old.order == Order::Lru && old.volatile_only == policy.volatile_only;
        if needs == self.recency.is_listed() && (!needs || keeps) {
            return;
        }
        self.records.keep_links(false);
        self.recency = Recency::Off;
        if needs {
            self.records.keep_links(true);
            self.recency = match self.is_empty() {
                true => Recency::Exact(LruList::new()),
                false => Recency::Building(LruBuilder::new(), Some(0)),
            };
        }
    }

    /// Stamps change their meaning between LRU and LFU: what is there counts as used now.
    fn forget_uses(&mut self) {
        let stamp = match self.policy.is_lfu {
            true => self.policy.lfu.at_birth(self.now.ms),
            false => super::database::stamp_of(self.now.ms),
        };
        let mut cursor = 0;
        loop {
            let mut found = smallvec::SmallVec::<[Handle; 32]>::new();
            // The table stays as it is meanwhile, so that whole buckets are visited and no hash is asked for.
            cursor = self.table.scan(cursor, |_| 0, |handle| found.push(handle));
            found.iter().for_each(|&handle| self.records.set_stamp(handle, stamp));
            if cursor == 0 {
                return;
            }
        }
    }

    /// Whether the order of use is exact (or none is needed).
    pub fn is_order_exact(&self) -> bool {
        !matches!(self.recency, Recency::Building(..))
    }

    /// Goes on building the list, by about `budget` records; whether there is more to do.
    pub fn build_order(&mut self, budget: usize) -> bool {
        let Recency::Building(builder, cursor) = &mut self.recency else { return false };
        let mut left = budget;
        if let Some(at) = cursor {
            let mut found = smallvec::SmallVec::<[Handle; 32]>::new();
            while left > 0 {
                found.clear();
                let (records, hasher) = (&self.records, &self.hasher);
                *at = self.table.scan(*at, |handle| hasher.hash(records.key(handle)), |handle| found.push(handle));
                for &handle in &found {
                    if !self.policy.volatile_only || self.records.deadline_ms(handle).is_some() {
                        builder.feed(&mut LruLinks(&mut self.records), handle);
                    }
                }
                left = left.saturating_sub(found.len().max(1));
                if *at == 0 {
                    *cursor = None;
                    break;
                }
            }
            return true;
        }
        if builder.step(&mut LruLinks(&mut self.records), &mut left) {
            let builder = std::mem::take(builder);
            self.recency = Recency::Exact(builder.finish(&mut LruLinks(&mut self.records)));
            return false;
        }
        true
    }

    /// The key of this database that should go first, with a rank by which databases compare (less goes first).
    pub(super) fn eviction_candidate(
        &self,
        now_ms: u64,
        random: &mut dyn FnMut(usize) -> usize,
    ) -> Option<(u64, Handle)> {
        match self.policy.order {
            Order::Never => None,
            Order::Lru => {
                let oldest = match &self.recency {
                    Recency::Exact(list) => list.oldest(),
                    Recency::Building(builder, _) => builder.oldest(),
                    Recency::Off => None,
                };
                let age = Age::at(now_ms);
                let rank = |handle| (u32::MAX - age.of(self.records.stamp(handle))) as u64;
                oldest.map(|handle| (rank(handle), handle)).or_else(|| self.best_of_sample(random, rank))
            }
            Order::Lfu => {
                let lfu = self.policy.lfu;
                self.best_of_sample(random, |handle| lfu.frequency(self.records.stamp(handle), now_ms) as u64)
            }
            Order::Random => {
                let (_, handle) = self.best_of_sample(random, |_| 0)?;
                // The larger a database, the likelier its key is the one.
                let keys = if self.policy.volatile_only { self.wheel.len() } else { self.table.len() };
                Some((((random(1 << 30) as u64) << 30) / keys as u64, handle))
            }
            Order::Ttl => {
                let handle = self.wheel.nearest()?;
                Some((self.records.deadline_ms(handle)?, handle))
            }
        }
    }

    fn best_of_sample(
        &self,
        random: &mut dyn FnMut(usize) -> usize,
        rank: impl Fn(Handle) -> u64,
    ) -> Option<(u64, Handle)> {
        let fits = |handle: &Handle| !self.policy.volatile_only || self.records.deadline_ms(*handle).is_some();
        if self.policy.volatile_only && self.wheel.is_empty() {
            return None;
        }
        let wanted = if self.policy.order == Order::Random { 1 } else { self.policy.samples.max(1) };
        let (mut best, mut found) = (None, 0);
        // Where hardly any key has a deadline, sampling finds none in reasonable time: then the wheel's nearest goes.
        for _ in 0..wanted * 64 {
            let Some(handle) = self.sample(&mut *random).filter(fits) else { continue };
            best = best.min_by_rank((rank(handle), handle));
            found += 1;
            if found == wanted {
                break;
            }
        }
        best.or_else(|| {
            let handle = if self.policy.volatile_only { self.wheel.nearest() } else { self.sample(random) }?;
            Some((rank(handle), handle))
        })
    }

    /// Evicts a key found by `eviction_candidate`.
    pub(super) fn evict(&mut self, handle: Handle) {
        let hash = self.hash(self.key(handle));
        self.remove_by_itself(handle, hash, Cause::Evicted);
    }
}

trait MinByRank {
    fn min_by_rank(self, other: (u64, Handle)) -> Self;
}

impl MinByRank for Option<(u64, Handle)> {
    fn min_by_rank(self, other: (u64, Handle)) -> Self {
        match self {
            Some(best) if best.0 <= other.0 => self,
            _ => Some(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_grow_slowly_and_decay_by_the_minute() {
        let lfu = Lfu::default();
        let (mut stamp, mut now, mut random) = (lfu.at_birth(0), 0, fastrand::Rng::with_seed(7));
        for _ in 0..1000 {
            stamp = lfu.after_use(stamp, now, random.u32(..));
            now += 7;
        }
        let counter = lfu.frequency(stamp, now);
        assert!((12..30).contains(&counter), "{counter}");
        assert_eq!(lfu.frequency(stamp, now + 3 * 60_000), counter - 3);
        assert_eq!(lfu.frequency(stamp, now + 60 * 60_000), 0);
    }
}
