//! The timer wheel against a sorted set, under a clock that jumps both ways.

use std::collections::{BTreeMap, BTreeSet};

use ferrodis::structures::timer_wheel::{CASCADE_BURST, TimerWheel, WheelItems};

use crate::random;

#[derive(Clone)]
struct Record {
    id: u64,
    deadline_ms: u64,
    links: (u32, u32),
}

/// Records by handle. A handle that is not in use panics when it is looked at.
struct Records(Vec<Option<Record>>);

impl Records {
    fn at(&self, item: u32) -> &Record {
        self.0[item as usize].as_ref().expect("a live handle")
    }

    fn at_mut(&mut self, item: u32) -> &mut Record {
        self.0[item as usize].as_mut().expect("a live handle")
    }

    fn free_handle(&self, rng: &mut fastrand::Rng) -> u32 {
        loop {
            let item = rng.usize(..self.0.len());
            if self.0[item].is_none() {
                return item as u32;
            }
        }
    }
}

impl WheelItems for Records {
    fn deadline_ms(&self, item: u32) -> u64 {
        self.at(item).deadline_ms
    }
    fn links(&self, item: u32) -> (u32, u32) {
        self.at(item).links
    }
    fn set_prev(&mut self, item: u32, prev: u32) {
        self.at_mut(item).links.0 = prev;
    }
    fn set_next(&mut self, item: u32, next: u32) {
        self.at_mut(item).links.1 = next;
    }
}

struct Run {
    rng: fastrand::Rng,
    wheel: TimerWheel,
    records: Records,
    most: usize,
    now_ms: u64,
    handles: BTreeMap<u64, u32>,
    model: BTreeSet<(u64, u64)>,
    next_id: u64,
    /// Inserted when their time had come already, so that their turn among the others is not promised.
    late: BTreeSet<u64>,
    last_given_ms: u64,
}

impl Run {
    fn new(mut rng: fastrand::Rng, most: usize) -> Self {
        let now_ms = if rng.bool() { 1_700_000_000_000 + rng.u64(..1 << 40) } else { rng.u64(..) };
        Run {
            wheel: TimerWheel::new(now_ms),
            records: Records(vec![None; 2 * most]),
            most,
            now_ms,
            handles: BTreeMap::new(),
            model: BTreeSet::new(),
            next_id: 0,
            late: BTreeSet::new(),
            last_given_ms: 0,
            rng,
        }
    }

    fn random_deadline(&mut self) -> u64 {
        let (rng, now_ms) = (&mut self.rng, self.now_ms);
        match rng.u32(..16) {
            0..4 => now_ms.saturating_add(rng.u64(..100)),
            4..8 => now_ms.saturating_add(rng.u64(..10_000)),
            8..11 => now_ms.saturating_add(rng.u64(..10_000_000)),
            11 => (now_ms | 4095).saturating_add(rng.u64(..5)),
            12 => now_ms.saturating_add(1 << rng.u32(..64)),
            13 => rng.u64(..),
            14 => now_ms.saturating_sub(rng.u64(..5000)),
            _ => *rng.choice(&[0, u64::MAX, i64::MAX as u64, now_ms]).unwrap(),
        }
    }

    fn random_live(&mut self) -> Option<(u64, u32)> {
        let from = self.rng.u64(..self.next_id.max(1));
        let (&id, &item) = self.handles.range(from..).next().or(self.handles.first_key_value())?;
        Some((id, item))
    }

    fn file(&mut self, id: u64, item: u32, deadline_ms: u64) {
        self.model.insert((deadline_ms, id));
        if deadline_ms <= self.now_ms {
            self.late.insert(id);
        }
        self.wheel.insert(&mut self.records, item);
    }

    fn insert(&mut self) {
        if self.handles.len() == self.most {
            return;
        }
        let (id, item) = (self.next_id, self.records.free_handle(&mut self.rng));
        let deadline_ms = self.random_deadline();
        self.next_id += 1;
        self.records.0[item as usize] = Some(Record { id, deadline_ms, links: (77, 77) });
        self.handles.insert(id, item);
        self.file(id, item, deadline_ms);
    }

    fn remove(&mut self) {
        let Some((id, item)) = self.random_live() else { return };
        self.wheel.remove(&mut self.records, item);
        self.forget(id, item);
    }

    fn forget(&mut self, id: u64, item: u32) {
        let record = self.records.0[item as usize].take().expect("a live handle");
        assert!(self.model.remove(&(record.deadline_ms, id)));
        self.handles.remove(&id);
        self.late.remove(&id);
    }

    fn change_deadline(&mut self) {
        let Some((id, item)) = self.random_live() else { return };
        self.wheel.remove(&mut self.records, item);
        self.model.remove(&(self.records.at(item).deadline_ms, id));
        self.late.remove(&id);
        let deadline_ms = self.random_deadline();
        self.records.at_mut(item).deadline_ms = deadline_ms;
        self.file(id, item, deadline_ms);
    }

    fn move_record(&mut self) {
        let Some((id, from)) = self.random_live() else { return };
        let to = self.records.free_handle(&mut self.rng);
        self.records.0[to as usize] = self.records.0[from as usize].take();
        self.wheel.moved(&mut self.records, from, to);
        self.handles.insert(id, to);
    }

    fn clock(&mut self) {
        let before_ms = self.now_ms;
        self.now_ms = match self.rng.u32(..20) {
            0..10 => self.now_ms.saturating_add(self.rng.u64(..20)),
            10..13 => self.now_ms.saturating_add(self.rng.u64(..3000)),
            13 => self.now_ms.saturating_add(self.rng.u64(..1 << 36)),
            14..16 => self.now_ms.saturating_sub(self.rng.u64(..70)),
            16 => self.now_ms.saturating_sub(self.rng.u64(..10_000_000)),
            17 => self.now_ms.saturating_sub(1 << self.rng.u32(..64)),
            18 => self.model.first().map_or(self.now_ms, |&(deadline_ms, _)| deadline_ms),
            _ => self.wheel.next_deadline().unwrap_or(self.now_ms),
        };
        if self.now_ms < before_ms {
            self.last_given_ms = 0;
            self.advance(&mut 0); // tells the wheel, so that "late" means the same for both
        }
    }

    /// Takes what is due. Gives whether the wheel says that this was all.
    fn advance(&mut self, budget: &mut usize) -> bool {
        let ordered = self.most <= CASCADE_BURST;
        while let Some(item) = self.wheel.advance(&mut self.records, self.now_ms, budget) {
            let Record { id, deadline_ms, .. } = *self.records.at(item);
            assert!(deadline_ms <= self.now_ms, "{deadline_ms} came at {}", self.now_ms);
            if ordered && !self.late.contains(&id) {
                assert!(deadline_ms >= self.last_given_ms, "{deadline_ms} came after {}", self.last_given_ms);
                self.last_given_ms = deadline_ms;
            }
            self.forget(id, item);
        }
        *budget > 0
    }

    fn advance_fully(&mut self) {
        assert!(self.advance(&mut usize::MAX.clone()));
        let Some(&(first_ms, _)) = self.model.first() else {
            assert_eq!(self.wheel.next_deadline(), None);
            return;
        };
        assert!(first_ms > self.now_ms, "{first_ms} did not come at {}", self.now_ms);
        let next_ms = self.wheel.next_deadline().expect("the wheel is not empty");
        assert!(self.now_ms < next_ms && next_ms <= first_ms);
        if self.now_ms / 64 == first_ms / 64 {
            assert_eq!(next_ms, first_ms);
        }
    }

    fn operation(&mut self) {
        match self.rng.u32(..100) {
            0..40 => self.insert(),
            40..50 => self.remove(),
            50..60 => self.change_deadline(),
            60..75 => self.move_record(),
            75..85 => self.clock(),
            85..97 => {
                let mut budget = self.rng.usize(..self.most);
                self.advance(&mut budget);
            }
            _ => self.advance_fully(),
        }
        assert_eq!(self.wheel.len(), self.model.len());
    }
}

#[test]
fn few_items_come_in_order_whatever_the_clock_does() {
    let mut rng = random();
    for _ in 0..30 {
        let most = *rng.choice(&[3, 30, 200]).unwrap();
        let mut run = Run::new(rng.fork(), most);
        for _ in 0..500 {
            run.operation();
            run.wheel.check_invariants(&run.records);
        }
        run.now_ms = u64::MAX;
        run.advance_fully();
        assert!(run.wheel.is_empty());
    }
}

#[test]
fn many_items_in_one_slot_stay_right_while_their_cascade_is_cut_in_slices() {
    let mut run = Run::new(random(), 3000);
    run.now_ms = 1_700_000_000_000;
    run.advance(&mut 0);
    for _ in 0..4 {
        // All of the crowd stands in one slot, and the clock goes to where that is opened.
        let crowd_ms = (run.now_ms | 0x3_ffff) + 1;
        while run.handles.len() < 2500 {
            run.insert();
            let Some((id, item)) = run.random_live().filter(|_| run.rng.u32(..10) > 0) else { continue };
            run.wheel.remove(&mut run.records, item);
            run.model.remove(&(run.records.at(item).deadline_ms, id));
            let deadline_ms = crowd_ms + run.rng.u64(..4096);
            run.records.at_mut(item).deadline_ms = deadline_ms;
            run.late.remove(&id);
            run.file(id, item, deadline_ms);
        }
        run.now_ms = crowd_ms + run.rng.u64(..200);
        for step in 0..run.rng.usize(..150) {
            run.operation();
            if step % 10 == 0 {
                run.wheel.check_invariants(&run.records);
            }
        }
        run.advance_fully();
    }
    run.now_ms = u64::MAX;
    run.advance_fully();
    assert!(run.wheel.is_empty());
}
