//! Hashes in RDB.
//!
//! ```text
//!  4   count, (field, value)*                                       16   listpack of field, value
//!  9   zipmap          13   ziplist of field, value                      (each packed form in a string)
//!
//!  with deadlines, milliseconds since 1970; in Redis:
//! 24   earliest u64, count, (ttl, field, value)*                    ttl: length; 0: none, else deadline - earliest + 1
//! 25   earliest u64, listpack of field, value, deadline             the earliest first; 0: none, all behind the others
//! 22   count, (deadline, field, value)*                             release candidates of 7.4; deadline: length, 0: none
//! 23   listpack of field, value, deadline                           the same
//!
//!  in Valkey:
//! 22   count, (field, value, deadline i64)*                         -1: none
//! ```
//!
//! Whatever the form, a field comes once, packed bytes are checked whole, and the thresholds of now decide the encoding.

use super::{ReadValue, Row};
use crate::formats::rdb::encode::{write_length, write_string};
use crate::formats::rdb::error::Reason;
use crate::formats::rdb::input::{Input, Stop};
use crate::formats::rdb::legacy::{ziplist, zipmap};
use crate::formats::rdb::opcodes::{Dialect, type_number};
use crate::formats::rdb::{Compression, Value};
use crate::structures::listpack::{self, Entry, Listpack};
use crate::values::hash::{DEADLINE_MAX_MS, Field, FieldTtl, Hash, HashRef};
use crate::values::{Encodings, FieldDeadlines, Owned};

/// What is read.
pub(super) static ROWS: &[Row] = &[
    Row { number: type_number::HASH, dialect: None, start: || Box::new(Fields::new(Ttl::None)) },
    Row { number: type_number::HASH_ZIPMAP, dialect: None, start: || Box::new(Packed::new(Pack::Zipmap)) },
    Row { number: type_number::HASH_ZIPLIST, dialect: None, start: || Box::new(Packed::new(Pack::Ziplist)) },
    Row { number: type_number::HASH_LISTPACK, dialect: None, start: || Box::new(Packed::new(Pack::Pairs)) },
    Row {
        number: type_number::HASH_METADATA_PRE_GA,
        dialect: Some(Dialect::Redis),
        start: || Box::new(Fields::new(Ttl::Absolute)),
    },
    Row {
        number: type_number::HASH_LISTPACK_EX_PRE_GA,
        dialect: Some(Dialect::Redis),
        start: || Box::new(Packed::new(Pack::Triples)),
    },
    Row {
        number: type_number::HASH_METADATA,
        dialect: Some(Dialect::Redis),
        start: || Box::new(Fields::new(Ttl::Relative)),
    },
    Row {
        number: type_number::HASH_LISTPACK_EX,
        dialect: Some(Dialect::Redis),
        start: || Box::new(Packed::new(Pack::TriplesWithEarliest)),
    },
    Row {
        number: type_number::VALKEY_HASH_2,
        dialect: Some(Dialect::Valkey),
        start: || Box::new(Fields::new(Ttl::Behind)),
    },
];

// ---- writing ----

/// The type number under which a hash is written.
pub(super) fn type_of(hash: HashRef<'_>, deadlines: FieldDeadlines) -> u8 {
    match (hash, deadlines) {
        (HashRef::Table(_), _) if !hash.has_deadlines() => type_number::HASH,
        _ if !hash.has_deadlines() => type_number::HASH_LISTPACK,
        (HashRef::Table(_), FieldDeadlines::Behind) => type_number::HASH,
        (_, FieldDeadlines::Behind) => type_number::HASH_LISTPACK,
        (_, FieldDeadlines::Valkey) => type_number::VALKEY_HASH_2,
        (HashRef::Table(_), FieldDeadlines::Redis) => type_number::HASH_METADATA,
        (_, FieldDeadlines::Redis) => type_number::HASH_LISTPACK_EX,
    }
}

/// Appends it.
pub(super) fn write(hash: HashRef<'_>, compression: Compression, deadlines: FieldDeadlines, out: &mut Vec<u8>) {
    match (type_of(hash, deadlines), hash) {
        (type_number::HASH_LISTPACK, HashRef::Packed(pack)) => write_string(pack.bytes(), compression, out),
        (type_number::HASH_LISTPACK, _) => write_string(&pairs_of(hash), compression, out),
        (type_number::HASH_LISTPACK_EX, HashRef::Timed(pack)) => {
            out.extend_from_slice(&hash.next_deadline().unwrap_or(0).to_le_bytes());
            write_string(pack.bytes(), compression, out);
        }
        (number, _) => {
            let earliest = write_head(hash, number, out);
            hash.iter().for_each(|field| write_part(field, number, earliest, compression, out));
        }
    }
}

/// Appends what stands before the fields of a form that is no listpack. Gives the time that deadlines are counted from: a deadline, or a
/// time before all of them (which is as good to all readers).
pub(in crate::formats::rdb) fn write_head(hash: HashRef<'_>, number: u8, out: &mut Vec<u8>) -> u64 {
    let earliest = hash.deadlines_from().unwrap_or(0);
    if number == type_number::HASH_METADATA {
        out.extend_from_slice(&earliest.to_le_bytes());
    }
    write_length(hash.len() as u64, out);
    earliest
}

/// Appends a field in one of these forms.
pub(in crate::formats::rdb) fn write_part(
    field: Field<'_>,
    number: u8,
    earliest: u64,
    compression: Compression,
    out: &mut Vec<u8>,
) {
    if number == type_number::HASH_METADATA {
        write_length(field.deadline.map_or(0, |deadline| deadline - earliest + 1), out);
    }
    write_field(field, compression, out);
    if number == type_number::VALKEY_HASH_2 {
        let deadline = field.deadline.map_or(-1, |deadline| deadline as i64);
        out.extend_from_slice(&deadline.to_le_bytes());
    }
}

fn write_field(field: Field<'_>, compression: Compression, out: &mut Vec<u8>) {
    for entry in [field.name, field.value] {
        write_string(entry.as_slice(&mut itoa::Buffer::new()), compression, out);
    }
}

/// Fields and values as a listpack, without their deadlines.
fn pairs_of(hash: HashRef<'_>) -> Vec<u8> {
    let mut pack = listpack::new();
    for field in hash.iter() {
        listpack::push_back(&mut pack, field.name);
        listpack::push_back(&mut pack, field.value);
    }
    pack
}

// ---- reading ----

const DUPLICATE: Reason = Reason::Value("Hash with dup elements");
const TOO_MANY: Reason = Reason::Value("Hash with more fields than there can be");

/// A hash in the making.
#[derive(Default)]
struct Builder(Hash);

impl Builder {
    /// Adds a field that must not have come before.
    fn add(&mut self, name: &[u8], value: &[u8], deadline: Option<u64>, encodings: &Encodings) -> Result<(), Reason> {
        match self.0.set(name, value, FieldTtl::Clear, encodings) {
            Ok(true) => {}
            Ok(false) => return Err(DUPLICATE),
            Err(_) => return Err(TOO_MANY),
        }
        let full = |_| TOO_MANY;
        if deadline.is_some() { self.0.set_deadline(name, deadline).map_err(full) } else { Ok(()) }
    }

    fn finish(self) -> Value {
        if self.0.len() == 0 { Value::Empty } else { Value::Collection(Owned::of(self.0)) }
    }
}

/// Where a field's deadline stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ttl {
    None,
    /// Before the field, from the earliest on.
    Relative,
    /// Before the field.
    Absolute,
    /// Behind the value.
    Behind,
}

enum Stage {
    Earliest,
    Count,
    Deadline,
    Name,
    Value,
    DeadlineBehind { value: Vec<u8> },
}

/// Count and fields.
struct Fields {
    ttl: Ttl,
    stage: Stage,
    earliest: u64,
    left: u64,
    deadline: Option<u64>,
    name: Vec<u8>,
    hash: Builder,
}

impl Fields {
    fn new(ttl: Ttl) -> Fields {
        let stage = if ttl == Ttl::Relative { Stage::Earliest } else { Stage::Count };
        Fields { ttl, stage, earliest: 0, left: 0, deadline: None, name: Vec::new(), hash: Builder::default() }
    }

    /// The stage at which a field begins.
    fn next_field(&self) -> Stage {
        match self.ttl {
            Ttl::Relative | Ttl::Absolute => Stage::Deadline,
            Ttl::None | Ttl::Behind => Stage::Name,
        }
    }

    /// What a number before a field means.
    fn deadline_of(&self, number: u64) -> Result<Option<u64>, Reason> {
        let deadline = match (self.ttl, number) {
            (_, 0) => return Ok(None),
            (Ttl::Relative, ttl) => ttl.checked_add(self.earliest).map(|sum| sum - 1),
            (_, deadline) => Some(deadline),
        };
        let deadline = deadline.filter(|deadline| *deadline <= DEADLINE_MAX_MS);
        deadline.map(Some).ok_or(Reason::Value("Hash with a field that expires too late"))
    }

    fn add(&mut self, value: &[u8], input: &Input) -> Result<(), Stop> {
        let (name, deadline) = (std::mem::take(&mut self.name), self.deadline.take());
        self.hash.add(&name, value, deadline, &input.encodings).map_err(|reason| input.error(reason))?;
        self.left -= 1;
        self.stage = self.next_field();
        Ok(())
    }
}

impl ReadValue for Fields {
    fn read(&mut self, input: &mut Input) -> Result<Value, Stop> {
        loop {
            match &mut self.stage {
                Stage::Earliest => {
                    self.earliest = u64::from_le_bytes(input.array()?);
                    self.stage = Stage::Count;
                }
                Stage::Count => {
                    self.left = input.length()?;
                    self.stage = self.next_field();
                    let expected = usize::try_from(self.left).unwrap_or(usize::MAX);
                    if self.hash.0.expect(expected, &input.encodings).is_err() {
                        return Err(input.error(TOO_MANY).into());
                    }
                }
                Stage::Deadline | Stage::Name if self.left == 0 => return Ok(std::mem::take(&mut self.hash).finish()),
                Stage::Deadline => {
                    let number = input.length()?;
                    self.deadline = self.deadline_of(number).map_err(|reason| input.error(reason))?;
                    self.stage = Stage::Name;
                }
                Stage::Name => {
                    self.name = input.string()?.into_bytes();
                    self.stage = Stage::Value;
                }
                Stage::Value => {
                    let value = input.string()?.into_bytes();
                    if self.ttl == Ttl::Behind {
                        self.stage = Stage::DeadlineBehind { value };
                    } else {
                        self.add(&value, input)?;
                    }
                }
                Stage::DeadlineBehind { value } => {
                    let deadline = i64::from_le_bytes(input.array()?);
                    let value = std::mem::take(value);
                    // What lies before 1970 has passed as well as what lies in it; what lies beyond Redis's bound is far away.
                    self.deadline = (deadline != -1).then(|| (deadline.max(1) as u64).min(DEADLINE_MAX_MS));
                    self.add(&value, input)?;
                }
            }
        }
    }
}

/// The packed forms.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pack {
    Zipmap,
    Ziplist,
    Pairs,
    Triples,
    TriplesWithEarliest,
}

/// One of them, in a string.
struct Packed {
    pack: Pack,
    /// Whether what stands before the string was read.
    at_string: bool,
}

impl Packed {
    fn new(pack: Pack) -> Packed {
        Packed { pack, at_string: pack != Pack::TriplesWithEarliest }
    }
}

impl ReadValue for Packed {
    fn read(&mut self, input: &mut Input) -> Result<Value, Stop> {
        if !self.at_string {
            let _earliest: [u8; 8] = input.array()?; // the listpack says it too
            self.at_string = true;
        }
        let bytes = input.string()?.into_bytes();
        let hash = match self.pack {
            Pack::Zipmap => of_zipmap(&bytes, &input.encodings),
            Pack::Ziplist => of_ziplist(&bytes, &input.encodings),
            Pack::Pairs => of_pairs(bytes, &input.encodings),
            Pack::Triples | Pack::TriplesWithEarliest => of_triples(&bytes, &input.encodings),
        };
        hash.map_err(|reason| input.error(reason).into())
    }
}

fn of_zipmap(bytes: &[u8], encodings: &Encodings) -> Result<Value, Reason> {
    let pairs = zipmap::pairs(bytes).map_err(|_| Reason::Value("Zipmap integrity check failed."))?;
    of_entries(pairs.map(|(name, value)| (name, value, None)), encodings)
}

fn of_ziplist(bytes: &[u8], encodings: &Encodings) -> Result<Value, Reason> {
    const FLAW: Reason = Reason::Value("Hash ziplist integrity check failed.");
    let mut entries = ziplist::entries(bytes).map_err(|_| FLAW)?;
    if entries.len() % 2 != 0 {
        return Err(FLAW);
    }
    let hash = of_entries(std::iter::from_fn(|| Some((entries.next()?, entries.next()?, None))), encodings);
    hash.map_err(|reason| if reason == DUPLICATE { FLAW } else { reason })
}

/// A listpack as Redis writes it is kept as it is, unless it is too large for that now.
fn of_pairs(bytes: Vec<u8>, encodings: &Encodings) -> Result<Value, Reason> {
    const FLAW: Reason = Reason::Value("Hash listpack integrity check failed.");
    let len = listpack::verify(&bytes).map_err(|_| FLAW)?;
    if len % 2 != 0 {
        return Err(FLAW);
    }
    let pack = Listpack::new(&bytes);
    let is_small = |(name, value): (Entry<'_>, Entry<'_>)| {
        name.len() <= encodings.hash_max_listpack_value && value.len() <= encodings.hash_max_listpack_value
    };
    if len == 0 || len / 2 > encodings.hash_max_listpack_entries || !pack.pairs().all(is_small) {
        let hash = of_entries(pack.pairs().map(|(name, value)| (name, value, None)), encodings);
        let twice = Reason::Value("Hash listpack with dup elements");
        return hash.map_err(|reason| if reason == DUPLICATE { twice } else { reason });
    }
    if !are_distinct(pack) {
        return Err(FLAW);
    }
    Ok(Value::Collection(Owned::of(Hash::Packed(bytes))))
}

fn of_triples(bytes: &[u8], encodings: &Encodings) -> Result<Value, Reason> {
    const FLAW: Reason = Reason::Value("Hash listpackex integrity check failed.");
    let len = listpack::verify(bytes).map_err(|_| FLAW)?;
    if len % 3 != 0 {
        return Err(FLAW);
    }
    let deadline_of =
        |entry: Entry<'_>| entry.as_int().filter(|deadline| (0..=DEADLINE_MAX_MS as i64).contains(deadline));
    let deadlines = Listpack::new(bytes).iter().skip(2).step_by(3);
    // Those without a deadline, marked by 0, stand behind all others.
    let in_order = deadlines.map(|entry| deadline_of(entry).map(|ms| if ms == 0 { i64::MAX } else { ms }));
    if in_order.clone().any(|ms| ms.is_none()) || !in_order.is_sorted() {
        return Err(FLAW);
    }
    let mut entries = Listpack::new(bytes).iter();
    let fields = std::iter::from_fn(|| {
        let (name, value, deadline) = (entries.next()?, entries.next()?, entries.next()?);
        Some((name, value, deadline_of(deadline).filter(|&ms| ms > 0).map(|ms| ms as u64)))
    });
    of_entries(fields, encodings)
}

fn of_entries<'a>(
    fields: impl Iterator<Item = (Entry<'a>, Entry<'a>, Option<u64>)>,
    encodings: &Encodings,
) -> Result<Value, Reason> {
    let mut hash = Builder::default();
    let (mut of_name, mut of_value) = (itoa::Buffer::new(), itoa::Buffer::new());
    for (name, value, deadline) in fields {
        hash.add(name.as_slice(&mut of_name), value.as_slice(&mut of_value), deadline, encodings)?;
    }
    Ok(hash.finish())
}

/// Fields compared each with each, up to so many; more are sorted.
const COMPARED_MAX: usize = 16;

/// Whether no field stands there twice. An integer that is spelled as a text is the same field.
fn are_distinct(pack: Listpack<'_>) -> bool {
    let mut buffer = itoa::Buffer::new();
    if pack.len() / 2 > COMPARED_MAX {
        let mut names: Vec<Vec<u8>> = pack.pairs().map(|(name, _)| name.to_vec()).collect();
        names.sort_unstable();
        return names.windows(2).all(|two| two[0] != two[1]);
    }
    pack.offsets().step_by(2).all(|at| pack.find(pack.at(at).as_slice(&mut buffer), 1) == Some(at))
}
