//! A block: entries that follow each other, in one listpack, as Redis has them in memory and in RDB.
//!
//! ```text
//! block    live | deleted | n | field 1 .. field n | 0 | entry | entry | ...          fields: those of the first entry
//! entry    2 | ms | seq | value 1 .. value n | n + 3                                  the same fields
//!          0 | ms | seq | m | field 1 | value 1 .. field m | value m | 2 m + 4        its own
//!          └ flags: 1 is added once it is deleted     └ elements before this one: the way backwards
//! ```
//! `ms` and `seq` are differences to the block's key, the ID that its first entry had.
//!
//! Invariants: the listpack is one (`listpack::verify`), and is built like this ([`verify`]); `live` and `deleted` are counts of entries;
//! the IDs of live entries grow, and none is below the key. Deleted entries stay until their block goes.

use super::id::StreamId;
use crate::structures::listpack::{self, Appender, Entry, FIRST, Iter, Listpack};

/// The entry is deleted.
const DELETED: i64 = 1;
/// The entry has the block's fields, which are left out.
const SAME_FIELDS: i64 = 2;
/// About what a header and an entry's numbers take: room made beforehand.
const OVERHEAD_BYTES: usize = 24;

/// A block, to be read.
#[derive(Debug, Clone, Copy)]
pub struct BlockRef<'a> {
    /// What its IDs are counted from. None of its live entries is below.
    pub key: StreamId,
    pack: Listpack<'a>,
}

/// An entry of a stream.
#[derive(Debug, Clone)]
pub struct StreamEntry<'a> {
    /// Its ID.
    pub id: StreamId,
    /// Its fields and values.
    pub fields: Fields<'a>,
}

/// Fields and values of an entry, in the order they were given.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    /// The block's fields, if the entry has those.
    names: Option<Iter<'a>>,
    words: Iter<'a>,
    left: usize,
}

/// An entry as it stands in its block, deleted or not.
#[derive(Debug, Clone)]
pub(super) struct Found<'a> {
    /// Where it begins.
    pub(super) offset: usize,
    pub(super) is_deleted: bool,
    pub(super) entry: StreamEntry<'a>,
}

impl<'a> BlockRef<'a> {
    /// The block of this key; `bytes` were made here or passed [`verify`].
    #[inline]
    pub(super) fn new(key: StreamId, bytes: &'a [u8]) -> BlockRef<'a> {
        BlockRef { key, pack: Listpack::new(bytes) }
    }

    /// The listpack, as RDB has it.
    pub fn bytes(self) -> &'a [u8] {
        self.pack.bytes()
    }

    /// How many of its entries are there.
    #[inline]
    pub fn live(self) -> u64 {
        int(self.pack.at(FIRST)) as u64
    }

    /// The counts of entries, live and deleted, and of the block's fields, and where these begin.
    #[inline]
    fn header(self) -> (i64, i64, usize, usize) {
        let mut head = self.pack.iter();
        let mut next = || head.next().map_or(0, int);
        let (live, deleted, fields) = (next(), next(), next());
        (live, deleted, fields as usize, head.offset())
    }

    /// All its entries, in order.
    #[inline]
    pub(super) fn all(self) -> Forward<'a> {
        let (_, _, field_count, names) = self.header();
        let mut place = names;
        for _ in 0..=field_count {
            place = self.pack.next(place).unwrap_or(self.pack.end());
        }
        Forward { block: self, names, field_count, place }
    }

    /// All its entries, the last first.
    #[inline]
    pub(super) fn all_back(self) -> Backward<'a> {
        let (_, _, field_count, names) = self.header();
        Backward { block: self, names, field_count, end: self.pack.end() }
    }

    /// Its live entries, in order.
    pub fn entries(self) -> impl Iterator<Item = StreamEntry<'a>> {
        self.all().filter(|found| !found.is_deleted).map(|found| found.entry)
    }

    /// The ID of its last entry, deleted or not.
    pub(super) fn last_id(self) -> Option<StreamId> {
        self.all_back().next().map(|found| found.entry.id)
    }

    /// The entry that begins at `offset`, and where its last element stands.
    #[inline]
    fn entry_at(self, offset: usize, names: usize, field_count: usize) -> (Found<'a>, usize) {
        let mut words = self.pack.iter_from(offset);
        let mut next = || words.next().map_or(0, int);
        let (flags, ms, seq) = (next(), next(), next());
        let has_same_fields = flags & SAME_FIELDS != 0;
        let left = if has_same_fields { field_count } else { next() as usize };
        let mut end = words.offset();
        for _ in 0..if has_same_fields { left } else { 2 * left } {
            end = self.pack.next(end).unwrap_or(self.pack.end());
        }
        let names = has_same_fields.then(|| self.pack.iter_from(names));
        let entry = StreamEntry { id: self.key.offset(ms, seq), fields: Fields { names, words, left } };
        (Found { offset, is_deleted: flags & DELETED != 0, entry }, end)
    }
}

/// Entries of a block, in order.
#[derive(Debug, Clone)]
pub(super) struct Forward<'a> {
    block: BlockRef<'a>,
    names: usize,
    field_count: usize,
    place: usize,
}

impl<'a> Iterator for Forward<'a> {
    type Item = Found<'a>;

    #[inline]
    fn next(&mut self) -> Option<Found<'a>> {
        let pack = self.block.pack;
        if self.place >= pack.end() {
            return None;
        }
        let (found, count) = self.block.entry_at(self.place, self.names, self.field_count);
        self.place = pack.next(count).unwrap_or(pack.end());
        Some(found)
    }
}

/// Entries of a block, the last first.
#[derive(Debug, Clone)]
pub(super) struct Backward<'a> {
    block: BlockRef<'a>,
    names: usize,
    field_count: usize,
    /// Behind the entry to come.
    end: usize,
}

impl<'a> Iterator for Backward<'a> {
    type Item = Found<'a>;

    #[inline]
    fn next(&mut self) -> Option<Found<'a>> {
        let pack = self.block.pack;
        let mut place = pack.prev(self.end)?;
        let elements = int(pack.at(place));
        if elements == 0 {
            return None; // the zero behind the block's fields
        }
        for _ in 0..elements {
            place = pack.prev(place)?;
        }
        self.end = place;
        Some(self.block.entry_at(place, self.names, self.field_count).0)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Entry<'a>, Entry<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = match &mut self.names {
            Some(names) => names.next(),
            None => self.words.next(),
        };
        Some((name?, self.words.next()?))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// A block that holds this entry, in a buffer of its own.
pub(super) fn begin<'w>(pairs: usize, word: impl Fn(usize) -> &'w [u8], text_bytes: usize, room: usize) -> Vec<u8> {
    let needed = OVERHEAD_BYTES + text_bytes + 4 * pairs;
    let mut pack = Vec::with_capacity(needed.max(room));
    pack.extend_from_slice(&listpack::new());
    let mut appender = Appender::new(&mut pack, 0);
    [1, 0, pairs as i64].into_iter().for_each(|number| appender.int(number));
    (0..pairs).for_each(|pair| appender.text(word(2 * pair)));
    appender.int(0);
    put_entry(&mut appender, SAME_FIELDS, (0, 0), pairs, word);
    drop(appender);
    pack
}

/// Adds an entry to a block. Its ID is greater than all before it.
#[inline]
pub(super) fn append<'w>(
    key: StreamId,
    pack: &mut Vec<u8>,
    id: StreamId,
    pairs: usize,
    word: impl Fn(usize) -> &'w [u8],
    text_bytes: usize,
) {
    let block = BlockRef::new(key, pack);
    let (live, _, field_count, names) = block.header();
    let has_same_fields = field_count == pairs
        && block.pack.iter_from(names).zip(0..pairs).all(|(name, pair)| name.equals(word(2 * pair)));
    listpack::replace(pack, FIRST, live + 1);
    let mut appender = Appender::new(pack, OVERHEAD_BYTES + text_bytes + 4 * pairs);
    put_entry(&mut appender, if has_same_fields { SAME_FIELDS } else { 0 }, id.offset_from(key), pairs, word);
}

#[inline]
fn put_entry<'w>(
    appender: &mut Appender<'_>,
    flags: i64,
    (ms, seq): (i64, i64),
    pairs: usize,
    word: impl Fn(usize) -> &'w [u8],
) {
    [flags, ms, seq].into_iter().for_each(|number| appender.int(number));
    if flags & SAME_FIELDS != 0 {
        (0..pairs).for_each(|pair| appender.text(word(2 * pair + 1)));
        appender.int(pairs as i64 + 3);
    } else {
        appender.int(pairs as i64);
        (0..2 * pairs).for_each(|i| appender.text(word(i)));
        appender.int(2 * pairs as i64 + 4);
    }
}

/// Entries of a block, deleted ones included.
#[inline]
pub(super) fn len(key: StreamId, pack: &[u8]) -> u64 {
    let (live, deleted, ..) = BlockRef::new(key, pack).header();
    (live + deleted) as u64
}

/// Marks the entries that begin at `offsets` as deleted. They were not.
pub(super) fn delete(pack: &mut Vec<u8>, offsets: &[usize]) {
    for &offset in offsets {
        let flags = int(Listpack::new(pack).at(offset));
        listpack::replace(pack, offset, flags | DELETED); // as long as before: offsets stay right
    }
    let count = offsets.len() as i64;
    let live = int(Listpack::new(pack).at(FIRST));
    let deleted_at = listpack::replace(pack, FIRST, live - count);
    let deleted = int(Listpack::new(pack).at(deleted_at));
    listpack::replace(pack, deleted_at, deleted + count);
}

/// What is wrong with bytes that claim to be a block.
pub type Flaw = &'static str;

/// Checks every element that readers rely on. Gives the IDs of the first and the last live entry, if there is any.
pub(super) fn verify(key: StreamId, bytes: &[u8]) -> Result<Option<(StreamId, StreamId)>, Flaw> {
    listpack::verify(bytes).map_err(|_| "a stream's block is no listpack")?;
    let mut words = Words(Listpack::new(bytes).iter());
    let (live, deleted, field_count) = (words.number()?, words.number()?, words.number()?);
    words.skip(field_count)?;
    if words.number()? != 0 {
        return Err("a stream's block has no end of its fields");
    }
    let (mut counts, mut edges) = ([0, 0], None);
    while let Some((id, is_deleted)) = words.entry(key, field_count)? {
        counts[usize::from(is_deleted)] += 1;
        if !is_deleted {
            let (first, last) = edges.unwrap_or((id, id));
            if id < key || (id <= last && edges.is_some()) {
                return Err("a stream's entries are out of order");
            }
            edges = Some((first, id));
        }
    }
    if counts != [live, deleted] {
        return Err("a stream's block has other entries than it counts");
    }
    Ok(edges)
}

/// Elements that are not believed yet.
struct Words<'a>(Iter<'a>);

impl Words<'_> {
    fn number(&mut self) -> Result<i64, Flaw> {
        match self.0.next() {
            Some(Entry::Int(number)) => Ok(number),
            Some(Entry::Bytes(_)) => Err("a stream's block has a text for a number"),
            None => Err("a stream's block is cut off"),
        }
    }

    /// Passes over so many elements, and no more than there are.
    fn skip(&mut self, count: i64) -> Result<(), Flaw> {
        let count = u64::try_from(count).map_err(|_| "a stream's block has a negative count")?;
        for _ in 0..count {
            self.0.next().ok_or("a stream's block is cut off")?;
        }
        Ok(())
    }

    /// The next entry's ID and whether it is deleted; `None` at the end.
    fn entry(&mut self, key: StreamId, field_count: i64) -> Result<Option<(StreamId, bool)>, Flaw> {
        let mut rest = self.0.clone();
        if rest.next().is_none() {
            return Ok(None);
        }
        let flags = self.number()?;
        if !(0..=DELETED | SAME_FIELDS).contains(&flags) {
            return Err("a stream's entry has unknown flags");
        }
        let id = key.offset(self.number()?, self.number()?);
        let elements = if flags & SAME_FIELDS != 0 {
            self.skip(field_count)?;
            field_count + 3
        } else {
            let pairs = self.number()?;
            self.skip(pairs)?;
            self.skip(pairs)?;
            2 * pairs + 4
        };
        if self.number()? != elements {
            return Err("a stream's entry has another length than it says");
        }
        Ok(Some((id, flags & DELETED != 0)))
    }
}

#[inline]
fn int(entry: Entry<'_>) -> i64 {
    match entry {
        Entry::Int(number) => number,
        Entry::Bytes(_) => 0, // nobody made such a block, and `verify` lets none pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: StreamId = StreamId::new(100, 5);

    fn words<'w>(words: &'w [&'w str]) -> impl Fn(usize) -> &'w [u8] {
        |i| words[i].as_bytes()
    }

    fn sample() -> Vec<u8> {
        let mut pack = begin(2, words(&["a", "1", "b", "x"]), 4, 0);
        append(KEY, &mut pack, StreamId::new(101, 0), 2, words(&["a", "2", "b", "y"]), 4);
        append(KEY, &mut pack, StreamId::new(101, 7), 1, words(&["other", "3"]), 6);
        pack
    }

    fn shown(found: Found<'_>) -> String {
        let fields: Vec<String> = found
            .entry
            .fields
            .map(|(name, value)| String::from_utf8([name.to_vec(), value.to_vec()].join(&b'=')).unwrap())
            .collect();
        let id = String::from_utf8(found.entry.id.text().as_bytes().to_vec()).unwrap();
        format!("{}{id} {}", if found.is_deleted { "!" } else { "" }, fields.join(" "))
    }

    #[test]
    fn entries_come_back_from_both_ends() {
        let mut pack = sample();
        let expected = ["100-5 a=1 b=x", "101-0 a=2 b=y", "101-7 other=3"];
        let block = BlockRef::new(KEY, &pack);
        assert!(block.all().map(shown).eq(expected));
        assert!(block.all_back().map(shown).eq(expected.into_iter().rev()));
        assert_eq!(verify(KEY, &pack), Ok(Some((KEY, StreamId::new(101, 7)))));
        let offset = block.all().nth(1).unwrap().offset;
        delete(&mut pack, &[offset]);
        let block = BlockRef::new(KEY, &pack);
        assert_eq!(block.all().map(shown).nth(1).unwrap(), "!101-0 a=2 b=y");
        assert_eq!((block.live(), len(KEY, &pack)), (2, 3));
        assert_eq!(block.entries().count(), 2);
    }

    /// The bytes that Redis 8.0 has in its DUMP of a stream with these entries.
    #[test]
    fn bytes_are_those_of_redis() {
        let expected = [
            &b"\x36\0\0\0\x1c\0\x03\x01\0\x01\x02\x01\x81a\x02\x81b\x02\0\x01"[..],
            b"\x02\x01\0\x01\0\x01\x01\x01\x81x\x02\x05\x01",
            b"\x02\x01\x01\x01\xdf\xfb\x02\x02\x01\x81y\x02\x05\x01",
            b"\0\x01\x01\x01\x02\x01\x01\x01\x85other\x06\x03\x01\x06\x01\xff",
        ]
        .concat();
        let mut expected = expected;
        let (total, pack) = (expected.len() as u8, sample());
        expected[0] = total;
        expected[4] = Listpack::new(&pack).iter().count() as u8;
        assert_eq!(pack.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    #[test]
    fn any_damage_is_found_or_harmless() {
        let good = sample();
        for place in 0..good.len() {
            for byte in 0..=255 {
                let mut bad = good.clone();
                bad[place] = byte;
                if verify(KEY, &bad).is_ok() {
                    let block = BlockRef::new(KEY, &bad);
                    let mut back: Vec<String> = block.all_back().map(shown_lossy).collect();
                    back.reverse();
                    assert!(block.all().map(shown_lossy).eq(back));
                    let offsets: Vec<usize> =
                        block.all().filter(|found| !found.is_deleted).map(|found| found.offset).collect();
                    delete(&mut bad, &offsets);
                    assert_eq!(verify(KEY, &bad), Ok(None));
                }
            }
        }
    }

    fn shown_lossy(found: Found<'_>) -> String {
        format!("{:?} {:?}", found.entry.id, found.entry.fields.collect::<Vec<_>>())
    }
}
