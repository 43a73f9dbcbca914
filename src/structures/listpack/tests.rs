//! Tests of the listpack as a whole: bytes of Redis, and a list of texts as its model.

use super::*;
use proptest::prelude::*;

fn pack_of<'v>(texts: impl IntoIterator<Item = &'v [u8]>) -> Vec<u8> {
    let mut pack = new();
    texts.into_iter().for_each(|text| {
        push_back(&mut pack, text);
    });
    pack
}

fn texts_of(pack: &[u8]) -> Vec<Vec<u8>> {
    Listpack::new(pack).iter().map(Entry::to_vec).collect()
}

/// What Redis 8.0 has in its DUMP of a list with an element of each kind: the entry of each.
const OF_REDIS: &[(&[u8], &[u8])] = &[
    (b"a", b"\x81a\x02"),
    (b"12", b"\x0c\x01"),
    (b"-1", b"\xdf\xff\x02"),
    (b"127", b"\x7f\x01"),
    (b"128", b"\xc0\x80\x02"),
    (b"4095", b"\xcf\xff\x02"),
    (b"4096", b"\xf1\x00\x10\x03"),
    (b"-4096", b"\xd0\x00\x02"),
    (b"-4097", b"\xf1\xff\xef\x03"),
    (b"32767", b"\xf1\xff\x7f\x03"),
    (b"32768", b"\xf2\x00\x80\x00\x04"),
    (b"-8388608", b"\xf2\x00\x00\x80\x04"),
    (b"8388608", b"\xf3\x00\x00\x80\x00\x05"),
    (b"2147483648", b"\xf4\x00\x00\x00\x80\x00\x00\x00\x00\x09"),
    (b"-2147483648", b"\xf3\x00\x00\x00\x80\x05"),
    (b"-9223372036854775808", b"\xf4\x00\x00\x00\x00\x00\x00\x00\x80\x09"),
    (b"9223372036854775807", b"\xf4\xff\xff\xff\xff\xff\xff\xff\x7f\x09"),
    (b"9223372036854775808", b"\x939223372036854775808\x14"),
    (b"", b"\x80\x01"),
    (b"007", b"\x83007\x04"),
    (b"-0", b"\x82-0\x03"),
    (
        b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        b"\xe0\x40xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\x42",
    ),
];

#[test]
fn bytes_are_those_of_redis() {
    let pack = pack_of(OF_REDIS.iter().map(|&(text, _)| text));
    let mut expected = b"\xbd\x00\x00\x00\x16\x00".to_vec();
    OF_REDIS.iter().for_each(|&(_, entry)| expected.extend_from_slice(entry));
    expected.push(0xFF);
    assert_eq!(pack, expected);
    assert_eq!(verify(&pack), Ok(OF_REDIS.len()));
    let mut buffer = itoa::Buffer::new();
    for (entry, &(text, bytes)) in Listpack::new(&pack).iter().zip(OF_REDIS) {
        assert_eq!(entry.as_slice(&mut buffer), text);
        assert_eq!((entry.len(), entry.is_empty(), entry_bytes(text)), (text.len(), text.is_empty(), bytes.len()));
    }
    let hash = b"\x14\0\0\0\x04\0\x81f\x02\x01\x01\x81g\x02\x83two\x04\xff";
    assert_eq!(pack_of([&b"f"[..], b"1", b"g", b"two"]), hash);
}

/// Also of Redis 8.0: the header of a text of 4096 bytes, and the backlen of 4101 behind it.
#[test]
fn a_long_text_is_as_redis_has_it() {
    let text = [b'y'; 4096];
    let pack = pack_of([&text[..], b"a"]);
    assert_eq!(pack[..11], *b"\x11\x10\0\0\x02\0\xf0\x00\x10\x00\x00");
    assert_eq!(pack[11 + 4096..], *b"\x20\x85\x81a\x02\xff");
    assert_eq!(Listpack::new(&pack).get(-2), Some(Entry::Bytes(&text)));
}

#[test]
fn texts_of_each_length_at_the_edges_of_headers_and_backlens() {
    let edges = [63usize, 126, 4095, 16_380, 2_097_146];
    for edge in edges.into_iter().take(if cfg!(miri) { 2 } else { 5 }) {
        for len in edge.saturating_sub(5)..edge + 6 {
            let text = vec![b'z'; len];
            let pack = pack_of([b"before", &text[..], b"behind"]);
            assert_eq!(verify(&pack), Ok(3));
            assert_eq!(pack.len(), EMPTY_BYTES + 2 * 8 + entry_bytes(&text));
            let back: Vec<usize> = Listpack::new(&pack).iter().rev().map(Entry::len).collect();
            assert_eq!(back, [6, len, 6]);
        }
    }
}

#[test]
fn needles_are_found_as_numbers_and_as_texts() {
    let pack = pack_of([&b"12"[..], b"a", b"a", b"12", b"", b"007", b"-0", b"0"]);
    let pack = Listpack::new(&pack);
    let index = |needle: &[u8], skip| {
        let offset = pack.find(needle, skip)?;
        pack.offsets().position(|place| place == offset)
    };
    assert_eq!(index(b"12", 0), Some(0));
    assert_eq!(index(b"a", 0), Some(1));
    assert_eq!(index(b"a", 1), Some(2));
    assert_eq!(index(b"", 1), Some(4));
    assert_eq!(index(b"-0", 0), Some(6));
    assert_eq!(index(b"0", 0), Some(7));
    for (absent, skip) in [(&b"0"[..], 1), (b"7", 0), (b"+12", 0), (b"012", 0), (b"b", 0), (b"12", 100)] {
        assert_eq!(index(absent, skip).filter(|&index| index > 0), None, "{absent:?}");
    }
    let third = pack.seek(2).unwrap();
    assert_eq!(pack.find_from(third, b"12", 0), pack.seek(3));
    // Canonical or not: what others may have written is found all the same.
    let spelled_out = b"\x0b\0\0\0\x01\0\x8212\x03\xff";
    assert_eq!(verify(spelled_out), Ok(1));
    assert_eq!(Listpack::new(spelled_out).find(b"12", 0), Some(FIRST));
    assert!(Listpack::new(spelled_out).at(FIRST).equals(b"12"));
}

#[test]
#[cfg_attr(miri, ignore = "so many entries take it minutes, and there is nothing unsafe")]
fn the_count_is_unknown_from_65535_on() {
    let mut pack = new();
    for number in 0..65_534i64 {
        push_back(&mut pack, number % 100);
    }
    assert_eq!(pack[4..6], [0xFE, 0xFF]);
    push_back(&mut pack, b"x");
    insert(&mut pack, FIRST, b"first");
    assert_eq!((pack[4..6].to_vec(), Listpack::new(&pack).len()), (vec![0xFF, 0xFF], 65_536));
    assert_eq!(verify(&pack), Ok(65_536));
    assert_eq!(Listpack::new(&pack).get(-1), Some(Entry::Bytes(b"x")));
    assert_eq!(Listpack::new(&pack).get(65_535), Some(Entry::Bytes(b"x")));
    assert_eq!(Listpack::new(&pack).get(65_536), None);
    assert_eq!(Listpack::new(&pack).get(-65_537), None);
    assert_eq!(remove_range(&mut pack, FIRST, 3), 3);
    assert_eq!((pack[4..6].to_vec(), Listpack::new(&pack).len()), (vec![0xFF, 0xFF], 65_533));
    assert_eq!(verify(&pack), Ok(65_533));
}

#[test]
fn flaws_are_named() {
    let good = pack_of([&b"ab"[..], b"300", b"c"]);
    let with = |at: usize, byte: u8| {
        let mut bad = good.clone();
        bad[at] = byte;
        verify(&bad)
    };
    assert_eq!(verify(&good[..6]), Err(Flaw::TooShort));
    assert_eq!(verify(&good[..12]), Err(Flaw::Total));
    assert_eq!(with(0, 100), Err(Flaw::Total));
    assert_eq!(with(good.len() - 1, 0xFE), Err(Flaw::End));
    assert_eq!(with(4, 2), Err(Flaw::Count));
    assert_eq!(with(4, 4), Err(Flaw::Count));
    assert_eq!(with(FIRST, 0xFF), Err(Flaw::Entry(6)));
    assert_eq!(with(FIRST, 0xF5), Err(Flaw::Entry(6)));
    assert_eq!(with(FIRST, 0x83), Err(Flaw::Entry(6)));
    assert_eq!(with(FIRST, 0xF0), Err(Flaw::Entry(6)));
    assert_eq!(with(9, 2), Err(Flaw::Entry(6)));
    assert_eq!(with(13, 0x82), Err(Flaw::Entry(13)));
    let unknown = [&good[..4], &[0xFF, 0xFF], &good[6..]].concat();
    assert_eq!(verify(&unknown), Ok(3));
    // An entry of one byte whose backlen runs on into it: Redis takes it.
    assert_eq!(verify(b"\x09\0\0\0\x01\0\x00\x81\xff"), Err(Flaw::Entry(6)));
}

#[test]
fn room_ends_at_a_gibibyte() {
    let pack = new();
    assert!(has_room(&pack, MAX_BYTES - EMPTY_BYTES));
    assert!(!has_room(&pack, MAX_BYTES - EMPTY_BYTES + 1));
    assert!(!has_room(&pack, usize::MAX));
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let number = |value: i64| value.to_string().into_bytes();
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        (0u32..64, -2i64..2).prop_map(move |(bit, near)| number((1i64 << bit).wrapping_add(near))),
        (-200i64..200).prop_map(number),
        (any::<u8>(), prop_oneof![60usize..70, 120usize..130, 4090usize..4100]).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 256 }, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_goes_in_comes_out(texts in prop::collection::vec(text(), 0..30)) {
        let pack = pack_of(texts.iter().map(|text| &text[..]));
        prop_assert_eq!(verify(&pack), Ok(texts.len()));
        prop_assert_eq!(&texts_of(&pack), &texts);
        let view = Listpack::new(&pack);
        let backwards: Vec<Vec<u8>> = view.iter().rev().map(Entry::to_vec).collect();
        prop_assert!(backwards.iter().eq(texts.iter().rev()));
        prop_assert_eq!(pack.len(), EMPTY_BYTES + texts.iter().map(entry_bytes).sum::<usize>());
        let len = texts.len() as i64;
        for index in -len - 1..=len {
            let expected = if index < 0 { index + len } else { index };
            let expected = usize::try_from(expected).ok().and_then(|at| texts.get(at)).map(Entry::from);
            prop_assert_eq!(view.get(index), expected);
        }
        for (text, entry) in texts.iter().zip(view) {
            prop_assert!(entry.equals(text));
            prop_assert_eq!(entry.len(), text.len());
            let offset = view.find(text, 0).unwrap();
            prop_assert_eq!(view.offsets().position(|place| place == offset), texts.iter().position(|other| other == text));
        }
        let mut pairs = view.pairs();
        for pair in texts.chunks_exact(2) {
            prop_assert_eq!(pairs.next(), Some((Entry::from(&pair[0]), Entry::from(&pair[1]))));
        }
        prop_assert_eq!(pairs.next(), None);
    }

    #[test]
    fn what_passes_the_check_can_be_read_and_edited(
        texts in prop::collection::vec(text(), 1..8), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut pack = pack_of(texts.iter().map(|text| &text[..]));
        for (at, byte) in damage {
            let at = at.index(pack.len());
            pack[at] = byte;
        }
        check_all_uses(pack);
    }

    #[test]
    fn garbage_that_passes_the_check_can_be_read_and_edited(body in prop::collection::vec(prop_oneof![0u8..6, 0x7Eu8..0x86, any::<u8>()], 0..40), count in 0u8..8) {
        let mut pack = vec![body.len() as u8 + 7, 0, 0, 0, count, 0];
        pack.extend_from_slice(&body);
        pack.push(0xFF);
        check_all_uses(pack);
    }
}

fn check_all_uses(pack: Vec<u8>) {
    let Ok(count) = verify(&pack) else { return };
    let view = Listpack::new(&pack);
    let entries: Vec<Entry> = view.iter().collect();
    let mut backwards: Vec<Entry> = view.iter().rev().collect();
    backwards.reverse();
    assert_eq!((entries.len(), &entries), (count, &backwards));
    for (index, offset) in view.offsets().enumerate() {
        assert_eq!(view.seek(index as i64), Some(offset));
        assert_eq!(view.seek(index as i64 - count as i64), Some(offset));
        assert!(view.find(&view.at(offset).to_vec(), 0).is_some_and(|found| found <= offset));
        let _ = view.find(b"absent", index);
        let mut edited = pack.clone();
        replace(&mut edited, offset, b"other");
        remove(&mut edited, FIRST);
        insert(&mut edited, FIRST, 300);
        assert_eq!((verify(&edited), Listpack::new(&edited).iter().rev().count()), (Ok(count), count));
    }
}
