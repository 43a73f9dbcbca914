//! The LRU list against a deque, and its building by stamp against a sort, with accesses in between.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ferrodis::structures::lru_builder::{LruBuilder, StampedLinks};
use ferrodis::structures::lru_list::{ListLinks, LruList, NONE, UNLINKED};

use crate::random;

#[derive(Clone)]
struct Record {
    id: u64,
    stamp: u64,
    links: (u32, u32),
}

/// Records by handle. A handle that is not in use panics when it is looked at.
struct Records {
    at: Vec<Option<Record>>,
    handles: BTreeMap<u64, u32>,
    next_id: u64,
}

impl Records {
    fn new(most: usize) -> Self {
        Records { at: vec![None; most], handles: BTreeMap::new(), next_id: 0 }
    }

    fn get(&self, item: u32) -> &Record {
        self.at[item as usize].as_ref().expect("a live handle")
    }

    fn get_mut(&mut self, item: u32) -> &mut Record {
        self.at[item as usize].as_mut().expect("a live handle")
    }

    fn free_handle(&self, rng: &mut fastrand::Rng) -> u32 {
        let free: Vec<usize> = (0..self.at.len()).filter(|&item| self.at[item].is_none()).collect();
        *rng.choice(&free).expect("a free handle") as u32
    }

    fn create(&mut self, rng: &mut fastrand::Rng, stamp: u64) -> (u64, u32) {
        let (id, item) = (self.next_id, self.free_handle(rng));
        self.next_id += 1;
        self.at[item as usize] = Some(Record { id, stamp, links: (UNLINKED, NONE) });
        self.handles.insert(id, item);
        (id, item)
    }

    fn any(&self, rng: &mut fastrand::Rng) -> Option<(u64, u32)> {
        let (&id, &item) = rng.choice(self.handles.iter().collect::<Vec<_>>())?;
        Some((id, item))
    }

    fn delete(&mut self, item: u32) {
        let record = self.at[item as usize].take().expect("a live handle");
        self.handles.remove(&record.id);
    }

    fn move_to(&mut self, from: u32, to: u32) {
        self.at[to as usize] = self.at[from as usize].take();
        let id = self.get(to).id;
        self.handles.insert(id, to);
    }
}

impl ListLinks for Records {
    fn links(&self, item: u32) -> (u32, u32) {
        self.get(item).links
    }
    fn set_prev(&mut self, item: u32, prev: u32) {
        self.get_mut(item).links.0 = prev;
    }
    fn set_next(&mut self, item: u32, next: u32) {
        self.get_mut(item).links.1 = next;
    }
}

impl StampedLinks for Records {
    fn stamp(&self, item: u32) -> u64 {
        self.get(item).stamp
    }
}

/// One random operation on a finished list and on its model, the ids from oldest to newest.
fn operate(rng: &mut fastrand::Rng, list: &mut LruList, records: &mut Records, model: &mut VecDeque<u64>) {
    let full = records.handles.len() + 1 >= records.at.len();
    let any = records.any(rng);
    match (rng.u32(..10), any) {
        (0..2, _) if !full => {
            let (id, item) = records.create(rng, 0);
            list.push_newest(records, item);
            model.push_back(id);
        }
        (2, Some((beside, place))) if !full => {
            let index = model.iter().position(|&id| id == beside).unwrap();
            let (id, item) = records.create(rng, 0);
            if rng.bool() {
                list.insert_after(records, item, place);
                model.insert(index + 1, id);
            } else {
                list.insert_before(records, item, place);
                model.insert(index, id);
            }
        }
        (3..6, Some((id, item))) => {
            list.touch(records, item);
            model.retain(|&other| other != id);
            model.push_back(id);
        }
        (6, Some((id, item))) => {
            list.remove(records, item);
            records.delete(item);
            model.retain(|&other| other != id);
        }
        (7, Some(_)) => {
            let item = list.oldest().unwrap();
            assert_eq!(records.get(item).id, model.pop_front().unwrap());
            list.remove(records, item);
            records.delete(item);
        }
        (8.., Some((_, from))) if !full => {
            let to = records.free_handle(rng);
            records.move_to(from, to);
            list.moved(records, from, to);
        }
        _ => {}
    }
}

fn compare(list: &LruList, records: &Records, model: &VecDeque<u64>) {
    list.check_invariants(records);
    assert!(list.iter(records).map(|item| records.get(item).id).eq(model.iter().copied()));
    assert_eq!(list.len(), model.len());
}

#[test]
fn the_list_keeps_the_order_of_access() {
    let mut rng = random();
    for most in [3, 10, 100] {
        let (mut list, mut records, mut model) = (LruList::new(), Records::new(most), VecDeque::new());
        for _ in 0..4000 {
            operate(&mut rng, &mut list, &mut records, &mut model);
            compare(&list, &records, &model);
        }
    }
}

/// A list in the making, and what is known of it.
struct Building {
    rng: fastrand::Rng,
    builder: LruBuilder,
    records: Records,
    /// Records by their stamps that nobody used since the building began.
    old: BTreeSet<(u64, u64)>,
    /// The others, in the order of their access.
    newest: VecDeque<u64>,
    clock: u64,
}

impl Building {
    fn new(mut rng: fastrand::Rng, count: usize) -> Self {
        let mut records = Records::new(2 * count + 200);
        let clock = 1 << rng.u32(1..64);
        let mut old = BTreeSet::new();
        for _ in 0..count {
            let stamp = rng.u64(..clock);
            old.insert((stamp, records.create(&mut rng, stamp).0));
        }
        Building { rng, builder: LruBuilder::new(), records, old, newest: VecDeque::new(), clock }
    }

    fn forget(&mut self, id: u64, item: u32) {
        if !self.old.remove(&(self.records.stamp(item), id)) {
            self.newest.retain(|&other| other != id);
        }
    }

    fn operation(&mut self) {
        self.clock += self.rng.u64(..2);
        let full = self.records.handles.len() + 1 >= self.records.at.len();
        let any = self.records.any(&mut self.rng);
        match (self.rng.u32(..8), any) {
            (0, _) if !full => {
                let (id, item) = self.records.create(&mut self.rng, self.clock);
                self.builder.push_newest(&mut self.records, item);
                self.newest.push_back(id);
            }
            (1..4, Some((id, item))) => {
                self.builder.touch(&mut self.records, item);
                self.forget(id, item);
                self.newest.push_back(id);
                self.records.get_mut(item).stamp = self.clock;
            }
            (4, Some((id, item))) => {
                self.builder.remove(&mut self.records, item);
                self.forget(id, item);
                self.records.delete(item);
            }
            (5, _) => self.evict(),
            (6.., Some((_, from))) if !full => {
                let to = self.records.free_handle(&mut self.rng);
                self.records.move_to(from, to);
                self.builder.moved(&mut self.records, from, to);
            }
            _ => {}
        }
        self.builder.check_invariants(&self.records);
    }

    fn evict(&mut self) {
        let Some(item) = self.builder.oldest() else { return };
        let Record { id, stamp, .. } = *self.records.get(item);
        assert_eq!(stamp, self.old.first().expect("an old record").0, "the oldest of all");
        self.builder.remove(&mut self.records, item);
        self.forget(id, item);
        self.records.delete(item);
    }

    /// The finished list has the old records by stamp, then the others by access. Gives it with the order of its ids.
    fn finish(self) -> (LruList, Records, VecDeque<u64>) {
        let Building { builder, mut records, old, newest, .. } = self;
        let list = builder.finish(&mut records);
        let ids: VecDeque<u64> = list.iter(&records).map(|item| records.get(item).id).collect();
        let stamps = list.iter(&records).map(|item| records.stamp(item));
        assert!(stamps.take(old.len()).eq(old.iter().map(|&(stamp, _)| stamp)), "the old ones by stamp");
        assert_eq!(
            ids.iter().copied().take(old.len()).collect::<BTreeSet<_>>(),
            old.iter().map(|&(_, id)| id).collect()
        );
        assert!(ids.iter().skip(old.len()).eq(newest.iter()), "the others by access");
        (list, records, ids)
    }
}

#[test]
fn a_list_is_built_by_stamp_while_its_records_are_used() {
    let mut rng = random();
    for round in 0..40 {
        let mut building = Building::new(rng.fork(), [0, 1, 5, 40, 200][round % 5]);
        let slice = building.rng.usize(1..12);
        // The walk goes by id: what moves while it goes is found all the same, as the keeper of the records must see to.
        let walk: Vec<u64> = building.records.handles.keys().copied().collect();
        for ids in walk.chunks(slice) {
            for id in ids {
                let Some(&item) = building.records.handles.get(id) else { continue };
                building.builder.feed(&mut building.records, item);
            }
            building.operation();
        }
        assert_eq!(building.builder.len(), building.records.handles.len());
        while !building.builder.step(&mut building.records, &mut slice.clone()) {
            building.operation();
        }
        (0..10).for_each(|_| building.operation());
        let (mut list, mut records, mut model) = building.finish();
        for _ in 0..50 {
            operate(&mut rng, &mut list, &mut records, &mut model);
            compare(&list, &records, &model);
        }
    }
}
