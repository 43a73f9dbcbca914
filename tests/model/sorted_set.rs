//! Sorted sets in both encodings against a map of scores and a sorted vector, by random changes; and what RDB makes of them.

use ferrodis::base::hash::KeyHasher;
use ferrodis::formats::rdb::payload::{dump, verify};
use ferrodis::formats::rdb::{Compression, Limits, Value};
use ferrodis::values::sorted_set::{
    Builder, Direction, LexBound, LexRange, ScoreBound, ScoreRange, SortedSet, SortedSetRef, Written,
};
use ferrodis::values::{AnyRef, Encodings, FieldDeadlines, Owned};
use std::collections::{BTreeMap, BTreeSet};

use crate::random;

type Model = BTreeMap<Vec<u8>, f64>;

struct Twin {
    set: SortedSet,
    model: Model,
    encodings: Encodings,
}

fn member(rng: &mut fastrand::Rng) -> Vec<u8> {
    match rng.u32(..40) {
        0..20 => rng.i64(-30..90).to_string().into_bytes(),
        20..38 => (0..rng.usize(..4)).map(|_| rng.u8(b'a'..b'd')).collect(),
        38 => vec![b'x'; rng.usize(..300)],
        _ => vec![b'y'; [63, 64, 65, 254, 255, 256, 1024][rng.usize(..7)]],
    }
}

fn score(rng: &mut fastrand::Rng) -> f64 {
    match rng.u32(..10) {
        0 => [f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e-300, 9007199254740993.0][rng.usize(..5)],
        1 => rng.f64() * 100.0 - 50.0,
        2 => rng.i64(..) as f64,
        _ => f64::from(rng.i8(-5..6)),
    }
}

/// All elements, in order.
fn in_order(model: &Model) -> Vec<(Vec<u8>, f64)> {
    let mut elements: Vec<_> = model.iter().map(|(member, &score)| (member.clone(), score)).collect();
    elements.sort_by(|(a, x), (b, y)| x.partial_cmp(y).unwrap().then_with(|| a.cmp(b)));
    elements
}

impl Twin {
    fn new(rng: &mut fastrand::Rng) -> Twin {
        let encodings = Encodings {
            zset_max_listpack_entries: [0, 5, 20, 128][rng.usize(..4)],
            zset_max_listpack_value: [10, 64, 10_000][rng.usize(..3)],
            ..Encodings::new(KeyHasher::new([rng.u8(..); 16]))
        };
        Twin { set: SortedSet::default(), model: Model::new(), encodings }
    }

    fn operate(&mut self, rng: &mut fastrand::Rng) {
        match rng.u32(..20) {
            0..10 => self.write(rng),
            10..13 => {
                let member = member(rng);
                assert_eq!(self.set.remove(&member), self.model.remove(&member).is_some());
            }
            13 => self.remove_ranks(rng),
            14 => self.ask_for_scores(rng),
            15 => self.ask_for_ranks(rng),
            16 => self.travel(rng),
            17 => self.build(rng),
            _ => self.compare(),
        }
    }

    /// A new score, one added to the old, or none after all.
    fn write(&mut self, rng: &mut fastrand::Rng) {
        let (member, score, way) = (member(rng), score(rng), rng.u32(..4));
        let decide = |old: Option<f64>| match way {
            0 => old.is_none().then_some(score),
            1 => Some(old.unwrap_or(0.0) + score).filter(|sum| !sum.is_nan()),
            _ => Some(score),
        };
        self.set.expect(1, &self.encodings).unwrap();
        let written = self.set.write(&member, &self.encodings, decide).unwrap();
        let old = self.model.get(&member).copied();
        let new = decide(old);
        let expected = match (old, new) {
            (_, None) => Written::Nothing,
            (None, Some(_)) => Written::Added,
            (Some(old), Some(new)) if old == new => Written::Nothing,
            (Some(_), Some(_)) => Written::Updated,
        };
        assert_eq!(written, expected);
        if let Some(new) = new {
            self.model.insert(member, new);
        }
    }

    fn remove_ranks(&mut self, rng: &mut fastrand::Rng) {
        let end = rng.usize(..self.model.len() + 1);
        let ranks = end.saturating_sub(rng.usize(..8))..end;
        for (member, _) in &in_order(&self.model)[ranks.clone()] {
            self.model.remove(member);
        }
        self.set.remove_ranks(ranks);
    }

    fn ask_for_scores(&self, rng: &mut fastrand::Rng) {
        let mut bound = || ScoreBound { score: score(rng), is_exclusive: rng.bool() };
        let range = ScoreRange { min: bound(), max: bound() };
        let elements = in_order(&self.model);
        let ranks = self.set.as_ref().score_ranks(&range);
        let within = |score: f64| !range.is_above(score) && range.reaches(score);
        assert_eq!(ranks.len(), elements.iter().filter(|(_, score)| within(*score)).count(), "{range:?}");
        assert!(elements[ranks].iter().all(|(_, score)| within(*score)), "{range:?}");
    }

    /// Of members between two others, where all scores are equal.
    fn ask_for_ranks(&self, rng: &mut fastrand::Rng) {
        let mut level = SortedSet::default();
        for member in self.model.keys() {
            level.write(member, &self.encodings, |_| Some(1.0)).unwrap();
        }
        let (one, other) = (member(rng), member(rng));
        let mut bound = |member| match rng.u32(..4) {
            0 => LexBound::Inclusive(member),
            1 => LexBound::Exclusive(member),
            2 => LexBound::Lowest,
            _ => LexBound::Highest,
        };
        let range = LexRange { min: bound(&one), max: bound(&other) };
        let members: Vec<&Vec<u8>> = self.model.keys().collect();
        let ranks = level.as_ref().lex_ranks(&range);
        let within = |member: &[u8]| !range.is_above(member) && range.reaches(member);
        assert_eq!(ranks.len(), members.iter().filter(|member| within(member)).count(), "{range:?}");
        assert!(members[ranks].iter().all(|member| within(member)), "{range:?}");
    }

    fn travel(&self, rng: &mut fastrand::Rng) {
        if self.model.is_empty() {
            return;
        }
        let limits = Limits { encodings: self.encodings, ..Limits::default() };
        let compression = if rng.bool() { Compression::Off } else { Compression::Lzf { max_bytes: 10_000 } };
        let mut payload = Vec::new();
        dump(AnyRef::SortedSet(self.set.as_ref()), compression, FieldDeadlines::Redis, &mut payload);
        let Ok(Value::Collection(value)) = verify(&payload, limits).unwrap().decode(limits) else {
            panic!("a sorted set")
        };
        let AnyRef::SortedSet(read) = AnyRef::of(value.view()) else { panic!("a sorted set") };
        assert_same(read, &self.model);
        let copy = Owned::of(self.set.clone());
        let AnyRef::SortedSet(copied) = AnyRef::of(copy.view()) else { panic!("a sorted set") };
        assert_same(copied, &self.model);
    }

    /// The elements in any order, each in two parts.
    fn build(&self, rng: &mut fastrand::Rng) {
        let (mut builder, mut members) = (Builder::new(&self.encodings), self.model.keys().collect::<Vec<_>>());
        rng.shuffle(&mut members);
        for member in members {
            assert!(builder.add(member, 1.0, |_, _| unreachable!("it is new")).unwrap());
            assert!(!builder.add(member, self.model[member], |_, score| score).unwrap());
        }
        builder.remove(b"nobody");
        assert!(builder.in_order().map(|(member, score)| (member.to_vec(), score)).eq(in_order(&self.model)));
        assert_same(builder.finish(&self.encodings).as_ref(), &self.model);
    }

    fn compare(&self) {
        self.set.as_ref().check_invariants();
        assert_same(self.set.as_ref(), &self.model);
        let (mut seen, mut cursor) = (BTreeSet::new(), 0);
        loop {
            cursor = self.set.as_ref().scan(cursor, |member, score| {
                assert_eq!(self.model.get(&member.to_vec()), Some(&score));
                assert!(seen.insert(member.to_vec()), "once");
            });
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len(), self.model.len());
    }
}

fn assert_same(set: SortedSetRef<'_>, model: &Model) {
    let elements = in_order(model);
    assert_eq!(set.len(), elements.len());
    let shown = |ranks, direction| set.walk(ranks, direction).map(|(member, score)| (member.to_vec(), score));
    assert!(shown(0..elements.len(), Direction::Forward).eq(elements.iter().cloned()));
    assert!(shown(0..elements.len(), Direction::Backward).eq(elements.iter().rev().cloned()));
    let (third, half) = (elements.len() / 3, elements.len() / 2);
    assert!(shown(third..half, Direction::Forward).eq(elements[third..half].iter().cloned()));
    assert!(shown(third..half, Direction::Backward).eq(elements[third..half].iter().rev().cloned()));
    for (rank, (member, score)) in elements.iter().enumerate() {
        assert_eq!(set.score(member), Some(*score));
        assert_eq!(set.rank_of(member), Some((rank, *score)));
    }
    assert_eq!((set.score(b"nobody"), set.rank_of(b"nobody")), (None, None));
}

#[test]
fn sorted_sets_do_what_a_sorted_vector_does() {
    let mut rng = random();
    for _ in 0..100 {
        let mut twin = Twin::new(&mut rng);
        for _ in 0..rng.usize(..400) {
            twin.operate(&mut rng);
        }
        twin.compare();
    }
}
