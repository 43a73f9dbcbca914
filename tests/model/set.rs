//! Sets in all their encodings against a BTreeSet, by random changes; what chance takes, and what RDB makes of them.

use ferrodis::base::hash::KeyHasher;
use ferrodis::base::random::Generator;
use ferrodis::formats::rdb::payload::{dump, verify};
use ferrodis::formats::rdb::{Compression, Limits, Value};
use ferrodis::values::set::{Set, SetRef};
use ferrodis::values::{AnyRef, Encodings, FieldDeadlines, Owned};
use std::collections::BTreeSet;

use crate::random;

type Model = BTreeSet<Vec<u8>>;

struct Twin {
    set: Set,
    model: Model,
    encodings: Encodings,
    /// The least often drawn kind of member: 0: integers only.
    kinds: u32,
}

impl Twin {
    fn new(rng: &mut fastrand::Rng) -> Twin {
        let encodings = Encodings {
            set_max_intset_entries: [0, 3, 20, 512][rng.usize(..4)],
            set_max_listpack_entries: [0, 5, 20, 128][rng.usize(..4)],
            set_max_listpack_value: [3, 64, 10_000][rng.usize(..3)],
            ..Encodings::new(KeyHasher::new([rng.u8(..); 16]))
        };
        Twin { set: Set::default(), model: Model::new(), encodings, kinds: rng.u32(..3) }
    }

    fn member(&self, rng: &mut fastrand::Rng) -> Vec<u8> {
        match rng.u32(..20) * self.kinds {
            0..20 => match rng.u32(..6) {
                0 => rng.i64(..).to_string().into_bytes(),
                1 => rng.i32(..).to_string().into_bytes(),
                _ => rng.i64(-20..60).to_string().into_bytes(),
            },
            20..38 => vec![rng.u8(b'a'..b'g'); rng.usize(..4)],
            _ => vec![b'x'; rng.usize(..300)],
        }
    }

    fn operate(&mut self, rng: &mut fastrand::Rng) {
        match rng.u32(..20) {
            0..9 => self.add(rng),
            9..12 => {
                let member = self.member(rng);
                assert_eq!(self.set.remove(&member), self.model.remove(&member));
            }
            12 => self.remove_several(rng),
            13 => self.pop(rng),
            14 => self.pop_several(rng),
            15 => self.show_some(rng),
            16 => self.travel(rng),
            _ => self.compare(),
        }
    }

    fn add(&mut self, rng: &mut fastrand::Rng) {
        let members: Vec<Vec<u8>> = (0..rng.usize(1..6)).map(|_| self.member(rng)).collect();
        self.set.expect(&members[0], members.len(), &self.encodings).unwrap();
        let added = self.set.insert_all(members.iter().map(Vec::as_slice), &self.encodings).unwrap();
        assert_eq!(added, members.into_iter().filter(|member| self.model.insert(member.clone())).count());
    }

    fn remove_several(&mut self, rng: &mut fastrand::Rng) {
        let members: Vec<Vec<u8>> = (0..rng.usize(1..40)).map(|_| self.member(rng)).collect();
        let removed = self.set.remove_all(members.iter().map(Vec::as_slice));
        assert_eq!(removed, members.iter().filter(|member| self.model.remove(*member)).count());
    }

    fn pop(&mut self, rng: &mut fastrand::Rng) {
        let mut popped = None;
        self.set.pop(&mut Generator::new(rng.u64(..)), |member| popped = Some(member.to_vec()));
        match popped {
            Some(member) => assert!(self.model.remove(&member)),
            None => assert!(self.model.is_empty()),
        }
    }

    /// Fewer than there are, by either of the two ways.
    fn pop_several(&mut self, rng: &mut fastrand::Rng) {
        if self.model.len() < 2 {
            return;
        }
        let (count, mut random) = (rng.usize(1..self.model.len()), Generator::new(rng.u64(..)));
        let mut popped = Vec::new();
        if rng.bool() {
            self.set.pop_some(count, &mut random, |member| popped.push(member.to_vec()));
        } else {
            let left = self.model.len() - count;
            let rest = self.set.pop_most(left, &mut random, &self.encodings, |member| popped.push(member.to_vec()));
            self.set = rest.unwrap();
        }
        assert_eq!(popped.len(), count);
        popped.iter().for_each(|member| assert!(self.model.remove(member), "once, and it was there"));
    }

    fn show_some(&self, rng: &mut fastrand::Rng) {
        let (set, mut random) = (self.set.as_ref(), Generator::new(rng.u64(..)));
        assert_eq!(set.random(&mut random).is_some(), !self.model.is_empty());
        let count = rng.usize(..self.model.len() + 3);
        let mut shown = Model::new();
        set.random_distinct(count, &mut random, |member| assert!(shown.insert(member.to_vec()), "once"));
        assert_eq!(shown.len(), count.min(self.model.len()));
        assert!(shown.is_subset(&self.model));
        let mut times = 0;
        set.random_with_repetition(count, &mut random, |member| {
            assert!(self.model.contains(&member.to_vec()));
            times += 1;
        });
        assert_eq!(times, if self.model.is_empty() { 0 } else { count });
    }

    fn travel(&self, rng: &mut fastrand::Rng) {
        if self.model.is_empty() {
            return;
        }
        let limits = Limits { encodings: self.encodings, ..Limits::default() };
        let compression = if rng.bool() { Compression::Off } else { Compression::Lzf { max_bytes: 10_000 } };
        let mut payload = Vec::new();
        dump(AnyRef::Set(self.set.as_ref()), compression, FieldDeadlines::Redis, &mut payload);
        let Ok(Value::Collection(value)) = verify(&payload, limits).unwrap().decode(limits) else { panic!("a set") };
        let AnyRef::Set(read) = AnyRef::of(value.view()) else { panic!("a set") };
        assert_same(read, &self.model);
        let copy = Owned::of(self.set.clone());
        let AnyRef::Set(copied) = AnyRef::of(copy.view()) else { panic!("a set") };
        assert_same(copied, &self.model);
        assert_same(copied.to_set().as_ref(), &self.model);
    }

    fn compare(&self) {
        self.set.check_invariants();
        assert_same(self.set.as_ref(), &self.model);
        let (mut seen, mut cursor) = (Model::new(), 0);
        loop {
            cursor = self.set.as_ref().scan(cursor, |member| assert!(seen.insert(member.to_vec()), "once"));
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen, self.model);
    }
}

fn assert_same(set: SetRef<'_>, model: &Model) {
    assert_eq!(set.len(), model.len());
    assert!(model.iter().all(|member| set.contains(member)));
    let mut answers = Vec::new();
    set.test_all(model.iter().map(Vec::as_slice), |is_member| answers.push(is_member));
    assert_eq!(answers, vec![true; model.len()]);
    let mut members: Vec<Vec<u8>> = set.iter().map(|member| member.to_vec()).collect();
    members.sort();
    assert!(members.iter().eq(model.iter()));
}

#[test]
fn sets_do_what_a_tree_does() {
    let mut rng = random();
    for _ in 0..100 {
        let mut twin = Twin::new(&mut rng);
        for _ in 0..rng.usize(..500) {
            twin.operate(&mut rng);
        }
        twin.compare();
    }
}
