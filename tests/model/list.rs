//! Lists of both encodings against a deque of texts, by random operations; and each list through RDB and back.

use crate::random;
use ferrodis::base::hash::KeyHasher;
use ferrodis::formats::calls;
use ferrodis::formats::rdb::payload::{dump, verify};
use ferrodis::formats::rdb::{Compression, Limits, Value};
use ferrodis::structures::listpack::{self, Entry, Sliding};
use ferrodis::structures::record_arena::Payload;
use ferrodis::values::list::{ChunkRef, End, List, ListRef, Needle, Side};
use ferrodis::values::{AnyRef, Big, Collection, Encodings, FieldDeadlines, Stowed, tag};
use std::collections::VecDeque;

/// Few texts, so that searches find some, of all lengths that matter to chunks of 4 KiB.
fn text(rng: &mut fastrand::Rng) -> Vec<u8> {
    match rng.u32(..24) {
        0..8 => rng.i64(-20..20).to_string().into_bytes(),
        8..16 => vec![rng.u8(b'a'..b'd'); rng.usize(..4)],
        16..22 => vec![b'x'; rng.usize(50..400)],
        22 => vec![b'y'; [4000, 4080, 4096, 4097][rng.usize(..4)]],
        _ => vec![b'z'; rng.usize(4097..9000)],
    }
}

fn end(rng: &mut fastrand::Rng) -> End {
    if rng.bool() { End::Left } else { End::Right }
}

struct Twin {
    list: List,
    model: VecDeque<Vec<u8>>,
    encodings: Encodings,
}

impl Twin {
    fn operate(&mut self, rng: &mut fastrand::Rng, is_growing: bool) {
        let Twin { list, model, encodings } = self;
        let index = rng.usize(..=model.len());
        match rng.u32(..if is_growing { 10 } else { 16 }) {
            0..5 => {
                let (end, elements) = (end(rng), [text(rng), text(rng)]);
                list.expect(2, elements.iter().map(Vec::len).sum(), encodings);
                for element in elements {
                    list.push(end, &element, encodings);
                    match end {
                        End::Left => model.push_front(element),
                        End::Right => model.push_back(element),
                    }
                }
            }
            5 | 6 => {
                let (pivot, element) = (text(rng), text(rng));
                let side = if rng.bool() { Side::Before } else { Side::After };
                list.expect(1, element.len(), encodings);
                let at = model.iter().position(|other| *other == pivot);
                assert_eq!(list.insert(Needle::new(&pivot), side, &element, encodings), at.is_some());
                if let Some(at) = at {
                    model.insert(at + (side == Side::After) as usize, element);
                }
            }
            7 | 8 => {
                let element = text(rng);
                list.expect(1, element.len(), encodings);
                assert_eq!(list.set(index, &element, encodings), index < model.len());
                if let Some(place) = model.get_mut(index) {
                    *place = element;
                }
            }
            9 if !model.is_empty() => {
                let (from, to) = (end(rng), end(rng));
                list.rotate(from, to, encodings);
                let element = if from == End::Left { model.pop_front() } else { model.pop_back() }.unwrap();
                if to == End::Left { model.push_front(element) } else { model.push_back(element) }
            }
            10 | 11 => {
                let (end, count) = (end(rng), rng.usize(..4).min(model.len()));
                list.pop(end, count, encodings);
                match end {
                    End::Left => drop(model.drain(..count)),
                    End::Right => model.truncate(model.len() - count),
                }
            }
            12 | 13 => {
                let (needle, from, most) = (text(rng), end(rng), [1, 2, usize::MAX][rng.usize(..3)]);
                let removed = list.remove(Needle::new(&needle), from, most, encodings);
                assert_eq!(removed, remove(model, &needle, from, most));
            }
            14 if rng.u8(..4) == 0 => {
                let len = rng.usize(..=(model.len() - index).min(20));
                list.trim(index, len, encodings);
                *model = model.drain(index..index + len).collect();
            }
            15 => {
                let sizes = [-1, -1, -1, -1, 0, 3, 20];
                encodings.list_max_listpack_size = sizes[rng.usize(..sizes.len())];
                encodings.list_packed_threshold = [0, 0, 0, 0, 2, 100][rng.usize(..6)];
            }
            _ => {}
        }
        if !list.is_empty() {
            *list = stowed_and_taken(std::mem::take(list));
        }
    }

    fn compare(&self, rng: &mut fastrand::Rng) {
        let (list, model) = (self.list.read(), &self.model);
        assert_eq!((list.len(), list.is_empty()), (model.len(), model.is_empty()));
        assert!(list.iter().map(Entry::to_vec).eq(model.iter().cloned()));
        for place in [0, rng.usize(..=model.len()), model.len()] {
            assert_eq!(list.get(place).map(Entry::to_vec).as_ref(), model.get(place));
            assert!(list.iter_from(place).map(Entry::to_vec).eq(model.iter().skip(place).cloned()));
            if place < model.len() {
                let back = list.iter_back_from(place).map(Entry::to_vec);
                assert!(back.eq(model.range(..=place).rev().cloned()));
            }
        }
        assert_eq!(list.peek(End::Left).map(Entry::to_vec).as_ref(), model.front());
        assert_eq!(list.peek(End::Right).map(Entry::to_vec).as_ref(), model.back());
        self.check_chunks();
    }

    fn check_chunks(&self) {
        let list = self.list.read();
        let mut elements = 0;
        let mut bytes = 0;
        for chunk in list.chunks() {
            bytes += chunk.bytes().len();
            match chunk {
                ChunkRef::Packed(pack) => {
                    let count = listpack::verify(pack).expect("a listpack");
                    assert!(count > 0 || list.chunk_count() == 1);
                    elements += count;
                }
                ChunkRef::Plain(_) => elements += 1,
            }
        }
        assert_eq!((elements, list.chunks().count()), (list.len(), list.chunk_count()));
        if let ListRef::Chunks(_) = list {
            // Chunks of the default size are far larger than what keeps them together.
            assert!(self.list.heap_bytes() >= bytes);
        }
    }

    fn travel(&self) {
        let value = AnyRef::List(self.list.read());
        let mut payload = Vec::new();
        dump(value, Compression::Lzf { max_bytes: 1 << 20 }, FieldDeadlines::Redis, &mut payload);
        let limits = Limits { encodings: self.encodings, ..Limits::default() };
        let decoded = verify(&payload, limits).expect("a footer").decode(limits).expect("a value");
        let Value::Collection(owned) = decoded else { panic!("{decoded:?}") };
        let AnyRef::List(list) = AnyRef::of(owned.view()) else { panic!("{owned:?}") };
        assert!(list.iter().map(Entry::to_vec).eq(self.model.iter().cloned()));
        let mut again = Vec::new();
        dump(AnyRef::List(list), Compression::Lzf { max_bytes: 1 << 20 }, FieldDeadlines::Redis, &mut again);
        assert_eq!(payload, again, "what is read is written the same");
        let mut words = Vec::new();
        calls::write_value(b"k", None, value, &mut words);
        assert_eq!(rebuilt(&words), self.model);
    }
}

/// As a record does it.
fn stowed_and_taken(list: List) -> List {
    match list.stow(1024) {
        Stowed::Inline(_, bytes) => {
            let count = listpack::verify(&bytes).expect("a listpack");
            let view = Payload::Inline { tag: tag::LIST, bytes: &bytes };
            assert_eq!(List::view(view).expect("a list").len(), count);
            List::Packed(Sliding::copied(&bytes, Vec::with_capacity(100)))
        }
        Stowed::Big(Big::List(list)) => list,
        other => panic!("{other:?}"),
    }
}

fn remove(model: &mut VecDeque<Vec<u8>>, needle: &[u8], from: End, most: usize) -> usize {
    let before = model.len();
    for _ in 0..most.min(before) {
        let at = match from {
            End::Left => model.iter().position(|other| other == needle),
            End::Right => model.iter().rposition(|other| other == needle),
        };
        let Some(at) = at else { break };
        model.remove(at);
    }
    before - model.len()
}

/// The list that RPUSH calls make.
fn rebuilt(calls: &[u8]) -> VecDeque<Vec<u8>> {
    let mut list = VecDeque::new();
    let mut rest = Words(calls);
    while !rest.0.is_empty() {
        let words = rest.number(b'*');
        assert!((3..=66).contains(&words));
        assert_eq!((rest.word(), rest.word()), (b"RPUSH".to_vec(), b"k".to_vec()));
        (2..words).for_each(|_| list.push_back(rest.word()));
    }
    list
}

struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn number(&mut self, kind: u8) -> usize {
        let end = self.0.windows(2).position(|two| two == b"\r\n").expect("a line");
        assert_eq!(self.0[0], kind);
        let number = str::from_utf8(&self.0[1..end]).unwrap().parse().unwrap();
        self.0 = &self.0[end + 2..];
        number
    }

    fn word(&mut self) -> Vec<u8> {
        let len = self.number(b'$');
        let (word, rest) = self.0.split_at(len);
        self.0 = rest.strip_prefix(b"\r\n").expect("the end of a word");
        word.to_vec()
    }
}

#[test]
fn a_list_is_a_deque_of_texts() {
    let mut rng = random();
    let mut switches = 0;
    for _ in 0..20 {
        let encodings = Encodings { list_max_listpack_size: -1, ..Encodings::new(KeyHasher::new([0; 16])) };
        let mut twin = Twin { list: List::default(), model: VecDeque::new(), encodings };
        for step in 0..600 {
            let encoding = twin.list.read().encoding();
            twin.operate(&mut rng, step / 60 % 2 == 0);
            twin.compare(&mut rng);
            switches += (encoding != twin.list.read().encoding()) as u32;
            if step % 20 == 0 && !twin.model.is_empty() {
                twin.travel();
            }
        }
    }
    assert!(switches > 50, "{switches} switches");
}

/// Many elements: every operation stays far from walking them.
#[test]
fn a_long_list_is_edited_anywhere() {
    let encodings = Encodings::new(KeyHasher::new([0; 16]));
    let mut list = List::default();
    for number in 0..300_000u32 {
        let element = number.to_string();
        list.expect(1, element.len(), &encodings);
        list.push(End::Right, element.as_bytes(), &encodings);
    }
    let middle = 150_000;
    assert_eq!(list.read().get(middle), Some(Entry::Int(150_000)));
    for _ in 0..20_000 {
        assert!(list.set(middle, b"a text that takes more room than a number", &encodings));
        assert!(list.set(middle + 7, b"-1", &encodings));
    }
    list.trim(1000, 200_000, &encodings);
    assert_eq!((list.len(), list.read().get(0)), (200_000, Some(Entry::Int(1000))));
    let per_element = list.heap_bytes() as f64 / list.len() as f64;
    assert!(per_element < 6.0, "{per_element}");
    list.pop(End::Right, 199_990, &encodings);
    assert_eq!((list.len(), list.read().encoding()), (10, "listpack"));
}
