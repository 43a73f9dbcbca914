//! Streams of small and large blocks against a map of entries, and groups against maps of what is pending, by random changes; and what
//! RDB makes of them.

use ferrodis::base::hash::KeyHasher;
use ferrodis::formats::rdb::payload::{dump, verify};
use ferrodis::formats::rdb::{Compression, Limits, Value};
use ferrodis::values::stream::{
    AppendError, BlockLimits, Entries, Group, Keep, NewId, Pending, Stream, StreamEntry, StreamId, Trim,
};
use ferrodis::values::{AnyRef, Encodings, FieldDeadlines};
use std::collections::{BTreeMap, BTreeSet};

use crate::random;

type Words = Vec<Vec<u8>>;
/// What is pending: the name of the consumer, and how often it was delivered.
type PendingModel = BTreeMap<StreamId, (Vec<u8>, u64)>;

struct Twin {
    stream: Stream,
    model: BTreeMap<StreamId, Words>,
    last_id: StreamId,
    max_deleted_id: StreamId,
    added: u64,
    groups: BTreeMap<Vec<u8>, PendingModel>,
    encodings: Encodings,
}

fn words_of(entry: StreamEntry<'_>) -> (StreamId, Words) {
    (entry.id, entry.fields.flat_map(|(field, value)| [field.to_vec(), value.to_vec()]).collect())
}

fn text(rng: &mut fastrand::Rng) -> Vec<u8> {
    match rng.u32(..20) {
        0..10 => rng.i64(-30..300).to_string().into_bytes(),
        10..18 => vec![rng.u8(b'a'..b'f'); rng.usize(..5)],
        18 => rng.i64(..).to_string().into_bytes(),
        _ => vec![b'x'; rng.usize(..2000)],
    }
}

impl Twin {
    fn new(rng: &mut fastrand::Rng) -> Twin {
        let encodings = Encodings {
            stream_node_max_entries: [0, 1, 3, 100][rng.usize(..4)],
            stream_node_max_bytes: [0, 50, 4096][rng.usize(..3)],
            ..Encodings::new(KeyHasher::new([rng.u8(..); 16]))
        };
        let (last_id, max_deleted_id) = (StreamId::MIN, StreamId::MIN);
        let (model, groups) = (BTreeMap::new(), BTreeMap::new());
        Twin { stream: Stream::new(), model, last_id, max_deleted_id, added: 0, groups, encodings }
    }

    /// An ID that is there, or near one, or anywhere.
    fn id(&self, rng: &mut fastrand::Rng) -> StreamId {
        let near = self.model.keys().nth(rng.usize(..self.model.len().max(1))).copied();
        match (rng.u32(..6), near) {
            (0..4, Some(id)) => id,
            (4, Some(id)) => [id.next(), id.previous()][rng.usize(..2)].unwrap_or(id),
            _ => StreamId::new(rng.u64(..self.last_id.ms + 2), rng.u64(..4)),
        }
    }

    fn operate(&mut self, rng: &mut fastrand::Rng) {
        match rng.u32(..24) {
            0..10 => self.append(rng),
            10..13 => self.delete(rng),
            13 => self.trim(rng),
            14..16 => self.ask_for_ranges(rng),
            16..21 => self.change_groups(rng),
            21 => self.travel(rng),
            _ => self.compare(),
        }
    }

    fn append(&mut self, rng: &mut fastrand::Rng) {
        let new = match rng.u32(..4) {
            0 => NewId::Given(self.id(rng)),
            1 => NewId::Within(self.last_id.ms + rng.u64(..2)),
            _ => NewId::Now(self.last_id.ms + rng.u64(..3)),
        };
        let Ok(id) = self.stream.entries.next_id(new) else {
            assert!(matches!(new, NewId::Given(id) if id <= self.last_id), "{new:?}");
            return;
        };
        assert!(id > self.last_id);
        // Often the same fields as before, which a block says once.
        let pairs = rng.usize(1..4);
        let names: Words = match rng.bool() {
            true => (0..pairs).map(|i| vec![b'f', b'0' + i as u8]).collect(),
            false => (0..pairs).map(|_| text(rng)).collect(),
        };
        let words: Words = names.into_iter().flat_map(|name| [name, text(rng)]).collect();
        let limits = BlockLimits::of(&self.encodings);
        self.stream.entries.append(id, pairs, |i| &words[i], limits).unwrap();
        let again = self.stream.entries.append(id, pairs, |i| &words[i], limits);
        assert_eq!(again, Err(AppendError::NotGreater));
        self.model.insert(id, words);
        (self.last_id, self.added) = (id, self.added + 1);
    }

    fn delete(&mut self, rng: &mut fastrand::Rng) {
        let id = self.id(rng);
        let was_there = self.model.remove(&id).is_some();
        assert_eq!(self.stream.entries.delete(id), was_there);
        if was_there {
            self.max_deleted_id = self.max_deleted_id.max(id);
        }
    }

    fn trim(&mut self, rng: &mut fastrand::Rng) {
        let keep = match rng.bool() {
            true => Keep::Length(rng.u64(..self.model.len() as u64 + 2)),
            false => Keep::From(self.id(rng)),
        };
        let whole_blocks = rng.bool();
        let goes = match keep {
            Keep::Length(len) => self.model.len().saturating_sub(len as usize),
            Keep::From(id) => self.model.range(..id).count(),
        };
        let gone = self.stream.entries.trim(Trim { keep, whole_blocks, limit: 0 }) as usize;
        assert!(if whole_blocks { gone <= goes } else { gone == goes }, "{keep:?}");
        for _ in 0..gone {
            self.model.pop_first();
        }
    }

    fn ask_for_ranges(&self, rng: &mut fastrand::Rng) {
        let (from, to) = (self.id(rng), self.id(rng));
        let entries = &self.stream.entries;
        let expected: Vec<(StreamId, Words)> = match from <= to {
            true => self.model.range(from..=to).map(|(&id, words)| (id, words.clone())).collect(),
            false => Vec::new(),
        };
        assert!(entries.range(from, to).map(words_of).eq(expected.iter().cloned()));
        assert!(entries.range_back(from, to).map(words_of).eq(expected.iter().rev().cloned()));
        let most = rng.u64(..5);
        assert_eq!(entries.count(from, to, most), most.min(expected.len() as u64));
        assert_eq!(entries.get(from).map(words_of), self.model.get(&from).map(|words| (from, words.clone())));
    }

    fn change_groups(&mut self, rng: &mut fastrand::Rng) {
        let (name, consumer, id) = (vec![rng.u8(b'a'..b'd')], vec![rng.u8(b'p'..b't')], self.id(rng));
        match rng.u32(..12) {
            0 => {
                assert_eq!(self.stream.groups.create(&name, id, None), !self.groups.contains_key(&name));
                self.groups.entry(name).or_default();
                return;
            }
            1 => {
                assert_eq!(self.stream.groups.remove(&name, drop), self.groups.remove(&name).is_some());
                return;
            }
            _ => {}
        }
        let (Some(mut group), Some(pending)) = (self.stream.groups.edit(&name), self.groups.get_mut(&name)) else {
            assert!(!self.groups.contains_key(&name));
            return;
        };
        match rng.u32(..8) {
            0..4 => {
                let index = group.find_consumer(&consumer);
                let index = index.unwrap_or_else(|| group.create_consumer(&consumer, 5).expect("there was none"));
                assert_eq!(group.create_consumer(&consumer, 5), None);
                group.put_pending(id, Pending { delivered_ms: 7, deliveries: 1, consumer: index });
                pending.insert(id, (consumer, 1));
            }
            4 => {
                group.deliver_again(id, 9);
                pending.entry(id).and_modify(|(_, deliveries)| *deliveries += 1);
            }
            5 | 6 => assert_eq!(group.remove_pending(id), pending.remove(&id).is_some()),
            _ => {
                let removed = group.find_consumer(&consumer).map_or(0, |index| group.remove_consumer(index));
                let before = pending.len();
                pending.retain(|_, (name, _)| *name != consumer);
                assert_eq!(removed, before - pending.len());
            }
        }
    }

    fn travel(&self, rng: &mut fastrand::Rng) {
        let limits = Limits { encodings: self.encodings, ..Limits::default() };
        let compression = if rng.bool() { Compression::Off } else { Compression::Lzf { max_bytes: 10_000 } };
        let mut payload = Vec::new();
        dump(AnyRef::Stream(&self.stream), compression, FieldDeadlines::Redis, &mut payload);
        let Ok(Value::Collection(value)) = verify(&payload, limits).unwrap().decode(limits) else { panic!("a stream") };
        let AnyRef::Stream(read) = AnyRef::of(value.view()) else { panic!("a stream") };
        self.assert_same(&read.entries);
        self.groups.iter().for_each(|(name, pending)| assert_pending(read.groups.get(name).unwrap(), pending));
        assert_eq!(read.groups.len(), self.groups.len());
    }

    fn compare(&self) {
        self.assert_same(&self.stream.entries);
        assert!(self.stream.groups.iter().map(|(name, _)| name).eq(self.groups.keys().map(Vec::as_slice)));
        for (name, pending) in &self.groups {
            let group = self.stream.groups.get(name).unwrap();
            group.check_invariants();
            assert_pending(group, pending);
        }
        let count: usize = self.groups.values().map(BTreeMap::len).sum();
        assert_eq!(self.stream.groups.pending_count(), count);
    }

    fn assert_same(&self, entries: &Entries) {
        let all = |(&id, words): (&StreamId, &Words)| (id, words.clone());
        assert!(entries.range(StreamId::MIN, StreamId::MAX).map(words_of).eq(self.model.iter().map(all)));
        assert_eq!(entries.len(), self.model.len() as u64);
        assert_eq!(entries.first_id(), self.model.keys().next().copied().unwrap_or(StreamId::MIN));
        assert_eq!(entries.last_live_id(), self.model.keys().last().copied());
        let known = (entries.last_id, entries.max_deleted_id, entries.added);
        assert_eq!(known, (self.last_id, self.max_deleted_id, self.added));
        let live: u64 = entries.blocks().map(|block| block.live()).sum();
        assert_eq!(live, self.model.len() as u64);
        assert_eq!(entries.blocks().count(), entries.block_count());
    }
}

fn assert_pending(group: &Group, expected: &PendingModel) {
    let shown = |(&id, pending): (&StreamId, &Pending)| {
        (id, (group.consumer(pending.consumer).name().to_vec(), pending.deliveries))
    };
    assert!(group.pending().iter().map(shown).eq(expected.iter().map(|(&id, what)| (id, what.clone()))));
    for consumer in group.consumers() {
        let of_consumer = expected.iter().filter(|(_, (name, _))| **name == *consumer.name()).map(|(&id, _)| id);
        assert_eq!(*consumer.pending(), of_consumer.collect::<BTreeSet<_>>());
    }
}

#[test]
fn streams_do_what_a_map_does() {
    let mut rng = random();
    for _ in 0..200 {
        let mut twin = Twin::new(&mut rng);
        for _ in 0..rng.usize(..400) {
            twin.operate(&mut rng);
        }
        twin.compare();
    }
}
