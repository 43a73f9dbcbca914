//! Hashes in a listpack of field, value, deadline: what Redis calls a listpackex.
//!
//! Invariant: fields with a deadline stand first, the earliest in front; those without have 0 and stand behind them. So the first deadline
//! is one read, and expired fields are a run at the front.

use super::packed::begin;
use super::{Field, FieldTtl};
use crate::structures::listpack::{self, Entry, Listpack};

/// The deadline that an element stands for.
#[inline]
pub(super) fn deadline_of(entry: Entry<'_>) -> Option<u64> {
    entry.as_int().and_then(|deadline| u64::try_from(deadline).ok()).filter(|&deadline| deadline > 0)
}

/// A field's deadline as an element.
fn element_of(deadline: Option<u64>) -> Entry<'static> {
    Entry::Int(deadline.map_or(0, |deadline| deadline.clamp(1, super::DEADLINE_MAX_MS) as i64))
}

#[inline]
pub(super) fn find<'a>(pack: Listpack<'a>, name: &[u8]) -> Option<Field<'a>> {
    pack.find(name, 2).and_then(|at| field_at(pack, at))
}

#[inline]
fn field_at(pack: Listpack<'_>, at: usize) -> Option<Field<'_>> {
    let mut entries = pack.iter_from(at);
    let (name, value, deadline) = (entries.next()?, entries.next()?, entries.next()?);
    Some(Field { name, value, deadline: deadline_of(deadline) })
}

/// The earliest deadline.
pub(super) fn earliest(pack: Listpack<'_>) -> Option<u64> {
    pack.first().and_then(|at| field_at(pack, at))?.deadline
}

/// The same fields, without deadlines.
pub(super) fn from_pairs(pairs: Listpack<'_>) -> Vec<u8> {
    let mut pack = Vec::with_capacity(pairs.bytes().len() + pairs.len());
    begin(&mut pack);
    for (name, value) in pairs.pairs() {
        push(&mut pack, name, value, None);
    }
    pack
}

fn push(pack: &mut Vec<u8>, name: Entry<'_>, value: Entry<'_>, deadline: Option<u64>) {
    listpack::push_back(pack, name);
    listpack::push_back(pack, value);
    listpack::push_back(pack, element_of(deadline));
}

/// Puts a new field in its place.
pub(super) fn insert(pack: &mut Vec<u8>, name: Entry<'_>, value: Entry<'_>, deadline: Option<u64>) {
    begin(pack);
    let Some(deadline) = deadline else { return push(pack, name, value, None) };
    let mut at = place_of(Listpack::new(pack), deadline);
    for element in [name, value, element_of(Some(deadline))] {
        at = listpack::insert(pack, at, element);
    }
}

/// The offset of the first field that is later than `deadline`, or of the end.
fn place_of(pack: Listpack<'_>, deadline: u64) -> usize {
    let mut offsets = pack.offsets();
    while let (Some(name_at), Some(_), Some(deadline_at)) = (offsets.next(), offsets.next(), offsets.next()) {
        if deadline_of(pack.at(deadline_at)).is_none_or(|other| other > deadline) {
            return name_at;
        }
    }
    pack.end()
}

/// Sets a field; whether it is new, and how many there are.
pub(super) fn set(pack: &mut Vec<u8>, name: &[u8], value: &[u8], ttl: FieldTtl) -> (bool, usize) {
    begin(pack);
    let view = Listpack::new(pack);
    let found = view.find(name, 2);
    match found {
        Some(at) if ttl == FieldTtl::Clear && field_at(view, at).is_some_and(|field| field.deadline.is_some()) => {
            listpack::remove_range(pack, at, 3);
            push(pack, name.into(), value.into(), None);
        }
        Some(at) => {
            let value_at = view.next(at).expect("a value follows its field");
            listpack::replace(pack, value_at, value);
        }
        None => push(pack, name.into(), value.into(), None),
    }
    (found.is_none(), Listpack::new(pack).len() / 3)
}

/// Gives a field another deadline: it moves to its place.
pub(super) fn set_deadline(pack: &mut Vec<u8>, name: &[u8], deadline: Option<u64>) {
    let view = Listpack::or_empty(pack);
    let Some(at) = view.find(name, 2) else { return };
    let Some(field) = field_at(view, at).filter(|field| field.deadline != deadline) else { return };
    let value = field.value.to_vec();
    listpack::remove_range(pack, at, 3);
    insert(pack, name.into(), Entry::from(&value), deadline);
}

/// Removes fields that are due, from the front.
pub(super) fn expire_due(pack: &mut Vec<u8>, now_ms: u64, budget: &mut usize, mut visit: impl FnMut(&[u8])) {
    let mut due = 0;
    let mut entries = Listpack::or_empty(pack).iter();
    while let (Some(name), Some(_), Some(deadline)) = (entries.next(), entries.next(), entries.next())
        && *budget > 0
        && deadline_of(deadline).is_some_and(|deadline| deadline <= now_ms)
    {
        visit(name.as_slice(&mut itoa::Buffer::new()));
        due += 1;
        *budget -= 1;
    }
    if due > 0 {
        listpack::remove_range(pack, listpack::FIRST, 3 * due);
    }
}
