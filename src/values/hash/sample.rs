//! Fields by chance: each as likely as any other, those past their deadline left out.

use super::{Field, HashRef, Table};
use crate::base::random::Generator;
use crate::structures::element_table::Handle;
use std::collections::BTreeSet;

/// Draws in a table until it is searched for a field that is not past its deadline.
const TRIES: usize = 100;
/// A table of less than so many times the fields asked for is gone over once.
const FEW_TIMES: usize = 3;

impl<'a> HashRef<'a> {
    /// A field that is not past its deadline at `now_ms`.
    pub fn sample(self, now_ms: u64, random: &mut Generator) -> Option<Field<'a>> {
        match self {
            HashRef::Table(table) => sample_of(table, now_ms, random),
            _ => {
                let live = self.live(now_ms).count();
                self.live(now_ms).nth((live > 0).then(|| random.below(live as u64) as usize)?)
            }
        }
    }

    /// Shows `count` fields, the same one several times if it so happens; none if there is none.
    pub fn sample_with_repetition(
        self,
        count: usize,
        now_ms: u64,
        random: &mut Generator,
        mut show: impl FnMut(Field<'a>),
    ) {
        if let HashRef::Table(table) = self {
            return (0..count).map_while(|_| sample_of(table, now_ms, random)).for_each(show);
        }
        let fields: Vec<Field<'a>> = self.live(now_ms).collect();
        if !fields.is_empty() {
            (0..count).for_each(|_| show(fields[random.below(fields.len() as u64) as usize]));
        }
    }

    /// Up to `count` different fields; all of them if there are no more.
    pub fn sample_distinct(self, count: usize, now_ms: u64, random: &mut Generator) -> Vec<Field<'a>> {
        if let HashRef::Table(table) = self
            && count < table.len() / FEW_TIMES
            && let Some(fields) = distinct_of(table, count, now_ms, random)
        {
            return fields;
        }
        let mut fields: Vec<Field<'a>> = self.live(now_ms).collect();
        while fields.len() > count {
            fields.swap_remove(random.below(fields.len() as u64) as usize);
        }
        fields
    }

    /// Fields that are not past their deadline.
    pub fn live(self, now_ms: u64) -> impl Iterator<Item = Field<'a>> {
        self.iter().filter(move |field| !field.is_past(now_ms))
    }
}

fn sample_of<'a>(table: &'a Table, now_ms: u64, random: &mut Generator) -> Option<Field<'a>> {
    for _ in 0..TRIES {
        let field = draw(table, random).map(|handle| table.field_of(handle))?;
        if !field.is_past(now_ms) {
            return Some(field);
        }
    }
    HashRef::Table(table).live(now_ms).next()
}

fn draw(table: &Table, random: &mut Generator) -> Option<Handle> {
    table.sample(|n| random.below(n as u64) as usize)
}

/// Draws until there are `count`; `None` if that takes too long, since nearly all are past their deadline.
fn distinct_of<'a>(table: &'a Table, count: usize, now_ms: u64, random: &mut Generator) -> Option<Vec<Field<'a>>> {
    let (mut fields, mut drawn) = (Vec::new(), BTreeSet::new());
    for _ in 0..TRIES + 4 * count {
        if fields.len() == count {
            return Some(fields);
        }
        let handle = draw(table, random)?;
        let field = table.field_of(handle);
        if !field.is_past(now_ms) && drawn.insert(handle) {
            fields.push(field);
        }
    }
    (fields.len() == count).then_some(fields)
}
