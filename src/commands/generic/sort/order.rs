//! The order of elements: by numbers or by texts, their own or those that belong to them.
//!
//! ```text
//! Item      key 8 | element 16               key: the number, or the first eight bytes of the text, as an integer of the same order
//! Weighed   weight 16 | key 8 | element 16 | place 4       by texts that are not the elements' own
//! ```
//!
//! Most comparisons end at the key, so that the elements, which stay where they are, are not looked at. Where only a window of the
//! order is asked for, what lies outside is told from what lies within, and not sorted.

use super::options::{Comparison, Direction, Options};
use super::pattern::{Pattern, Reader};
use super::source::Source;
use crate::commands::error::Error;
use crate::commands::look_ahead::GROUP;
use crate::structures::listpack::Entry;
use std::cmp::Ordering;
use std::ops::Range;

const NO_NUMBER: Error = Error::Text("ERR One or more scores can't be converted into double");

/// The elements that are asked for, in order.
pub(super) fn sorted<'a>(
    source: Source<'a>,
    options: &Options<'_>,
    reader: &mut Reader<'a>,
) -> Result<Vec<Entry<'a>>, Error> {
    let window = options.window(source.len());
    // What is stored has to be the same wherever the call is run again.
    let is_forced = options.keeps_order && source.is_unordered() && options.store.is_some();
    if options.keeps_order && !is_forced {
        return Ok(source.in_place(window, options.direction));
    }
    let (by, comparison) = match &options.by {
        _ if is_forced => (None, Comparison::Texts),
        by => (by.as_ref(), options.comparison),
    };
    Ok(match (by, comparison) {
        (None, Comparison::Texts) => in_order(by_own_text(source), window, options.direction),
        (None, Comparison::Numbers) => in_order(by_own_number(source)?, window, options.direction),
        (Some(by), Comparison::Numbers) => in_order(by_number(source, by, reader)?, window, options.direction),
        (Some(by), Comparison::Texts) => {
            let ties = match source.is_unordered() && options.store.is_some() {
                true => Ties::ByText,
                false => Ties::InPlace,
            };
            in_order_of_weights(by_text(source, by, reader), window, options.direction, ties)
        }
    })
}

/// An element with what it is compared by first. Elements of equal keys go by their texts.
struct Item<'a> {
    key: u64,
    element: Entry<'a>,
}

fn by_own_text(source: Source<'_>) -> Vec<Item<'_>> {
    let mut items = Vec::with_capacity(source.len());
    source.for_each(|element| items.push(Item { key: prefix(element), element }));
    items
}

fn by_own_number(source: Source<'_>) -> Result<Vec<Item<'_>>, Error> {
    let (mut items, mut all_numbers) = (Vec::with_capacity(source.len()), true);
    source.for_each(|element| match number(element) {
        Some(weight) => items.push(Item { key: rank(weight), element }),
        None => all_numbers = false,
    });
    if all_numbers { Ok(items) } else { Err(NO_NUMBER) }
}

/// By the numbers that belong to the elements; an element that has none has a zero.
fn by_number<'a>(source: Source<'a>, by: &Pattern<'_>, reader: &mut Reader<'a>) -> Result<Vec<Item<'a>>, Error> {
    let elements = all(source);
    let mut items = Vec::with_capacity(elements.len());
    for group in elements.chunks(GROUP) {
        for (&element, weight) in group.iter().zip(reader.read(by, group)) {
            let weight = weight.map_or(Some(0.0), number).ok_or(NO_NUMBER)?;
            items.push(Item { key: rank(weight), element });
        }
    }
    Ok(items)
}

/// An element with the text that belongs to it.
struct Weighed<'a> {
    weight: Option<Entry<'a>>,
    key: u64,
    element: Entry<'a>,
    place: u32,
}

fn by_text<'a>(source: Source<'a>, by: &Pattern<'_>, reader: &mut Reader<'a>) -> Vec<Weighed<'a>> {
    let elements = all(source);
    let mut items = Vec::with_capacity(elements.len());
    for group in elements.chunks(GROUP) {
        for (&element, weight) in group.iter().zip(reader.read(by, group)) {
            items.push(Weighed { weight, key: weight.map_or(0, prefix), element, place: items.len() as u32 });
        }
    }
    items
}

fn all(source: Source<'_>) -> Vec<Entry<'_>> {
    let mut elements = Vec::with_capacity(source.len());
    source.for_each(|element| elements.push(element));
    elements
}

fn in_order<'a>(mut items: Vec<Item<'a>>, window: Range<usize>, direction: Direction) -> Vec<Entry<'a>> {
    let compare = |a: &Item<'_>, b: &Item<'_>| a.key.cmp(&b.key).then_with(|| compare_texts(a.element, b.element));
    let window = match direction {
        Direction::Ascending => sort_window(&mut items, window, compare),
        Direction::Descending => sort_window(&mut items, window, |a, b| compare(b, a)),
    };
    window.iter().map(|item| item.element).collect()
}

/// What elements of the same weight go by.
#[derive(Clone, Copy)]
enum Ties {
    /// Their order.
    InPlace,
    /// Their own texts, where an order means nothing and the result is stored: it is the same then wherever the call is run again.
    ByText,
}

/// Elements without a weight come first.
fn in_order_of_weights<'a>(
    mut items: Vec<Weighed<'a>>,
    window: Range<usize>,
    direction: Direction,
    ties: Ties,
) -> Vec<Entry<'a>> {
    let by_weight = |a: &Weighed<'_>, b: &Weighed<'_>| match (a.weight, b.weight) {
        (Some(x), Some(y)) => a.key.cmp(&b.key).then_with(|| compare_texts(x, y)),
        (x, y) => x.is_some().cmp(&y.is_some()),
    };
    let compare = |a: &Weighed<'_>, b: &Weighed<'_>| {
        let weights = match direction {
            Direction::Ascending => by_weight(a, b),
            Direction::Descending => by_weight(b, a),
        };
        let equals = || match ties {
            Ties::ByText => compare_texts(a.element, b.element),
            Ties::InPlace => Ordering::Equal,
        };
        weights.then_with(equals).then(a.place.cmp(&b.place))
    };
    sort_window(&mut items, window, compare).iter().map(|item| item.element).collect()
}

/// Puts the items in order as far as they lie within the window, which is given.
fn sort_window<T>(items: &mut [T], window: Range<usize>, compare: impl Fn(&T, &T) -> Ordering) -> &[T] {
    let mut rest = items;
    if window.end < rest.len() {
        rest.select_nth_unstable_by(window.end, &compare);
        rest = &mut rest[..window.end];
    }
    if window.start > 0 && window.start < rest.len() {
        rest.select_nth_unstable_by(window.start, &compare);
    }
    rest = &mut rest[window.start..];
    rest.sort_unstable_by(&compare);
    rest
}

/// A text as a number, by the rules of Redis 8.0: up to a zero byte, of decimal digits, or infinity; no text is 0, what is too large
/// is infinity.
fn number(text: Entry<'_>) -> Option<f64> {
    let bytes = match text {
        Entry::Int(number) => return Some(number as f64),
        Entry::Bytes(bytes) => bytes.split(|&byte| byte == 0).next().unwrap_or_default(),
    };
    if bytes.is_empty() {
        return Some(0.0);
    }
    str::from_utf8(bytes).ok()?.parse::<f64>().ok().filter(|number| !number.is_nan())
}

/// An integer that is to others as the number is to theirs; zero has no sign.
fn rank(number: f64) -> u64 {
    const SIGN: u64 = 1 << 63;
    let bits = (number + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// The first eight bytes of a text as an integer, zeros where there are less.
fn prefix(text: Entry<'_>) -> u64 {
    let mut digits = itoa::Buffer::new();
    let text = text.as_slice(&mut digits);
    let mut first = [0; 8];
    let len = text.len().min(8);
    first[..len].copy_from_slice(&text[..len]);
    u64::from_be_bytes(first)
}

fn compare_texts(a: Entry<'_>, b: Entry<'_>) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    a.as_slice(&mut itoa::Buffer::new()).cmp(b.as_slice(&mut itoa::Buffer::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_in_the_order_of_numbers() {
        let numbers = [f64::NEG_INFINITY, -1e300, -2.0, -1.0, -5e-324, 0.0, 5e-324, 1.0, 1.5, 1e300, f64::INFINITY];
        assert!(numbers.is_sorted_by(|&a, &b| rank(a) < rank(b)));
        assert_eq!(rank(0.0), rank(-0.0));
    }

    #[test]
    fn prefixes_are_in_the_order_of_texts() {
        let texts: [&[u8]; 8] = [b"", b"\0", b"1", b"10", b"100000000", b"a", b"abcdefgh", b"\xff"];
        assert!(texts.is_sorted_by_key(|text| prefix(Entry::Bytes(text))));
        assert_eq!(prefix(Entry::Int(-12)), prefix(Entry::Bytes(b"-12")));
    }

    #[test]
    fn texts_are_numbers_as_redis_reads_them() {
        for (text, expected) in [
            ("", Some(0.0)),
            ("12", Some(12.0)),
            ("+.5", Some(0.5)),
            ("5.", Some(5.0)),
            ("-INF", Some(f64::NEG_INFINITY)),
            ("1e400", Some(f64::INFINITY)),
            ("1e-400", Some(0.0)),
            ("12\0abc", Some(12.0)),
            ("\0", Some(0.0)),
            (" 12", None),
            ("12 ", None),
            ("0x10", None),
            ("nan", None),
            ("-", None),
            ("1e", None),
        ] {
            assert_eq!(number(Entry::Bytes(text.as_bytes())), expected, "{text:?}");
        }
    }

    #[test]
    fn a_window_is_what_a_whole_sort_has_there() {
        let mut random = fastrand::Rng::with_seed(1);
        let numbers: Vec<u8> = (0..200).map(|_| random.u8(..)).collect();
        let mut all = numbers.clone();
        all.sort_unstable();
        for _ in 0..1000 {
            let end = random.usize(..=numbers.len());
            let window = random.usize(..=end)..end;
            assert_eq!(sort_window(&mut numbers.clone(), window.clone(), u8::cmp), &all[window]);
        }
    }
}
