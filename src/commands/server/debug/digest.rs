//! DEBUG DIGEST: one hash over all keys, in whatever order they stand; equal to that of Redis over the same data.
//!
//! ```text
//! add(d, x)   d = d xor sha1(x)             order does not matter
//! mix(d, x)   d = sha1(d xor sha1(x))       order matters
//!
//! all         0; for each database that has keys: mix(its number), then for each key add(its digest)
//! key         0; mix(key), then the value's
//! value       mix(type number), then its content, and add("!!expire!!") if it has a deadline
//! string      mix(bytes)
//! list        mix(element) for each in turn
//! set         add(member) for each
//! sorted set  for each member add(0; mix(member), mix(score))
//! hash        for each field add(0; mix(field), mix(value), and add("!!hexpire!!") if it has a deadline)
//! ```
//! Numbers are 32 bits, big-endian. A key past its deadline counts as gone.

use super::{MANY, Probe, probe};
use crate::base::number::print_f64_by_digits;
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::row::{Done, Outcome};
use crate::keyspace::Keyspace;
use crate::keyspace::database::Database;
use crate::structures::listpack::Entry;
use crate::structures::record_arena::Handle;
use crate::values::hash::Field;
use crate::values::stream::{StreamId, StreamRef};
use crate::values::{AnyRef, Kind};
use sha1::{Digest as _, Sha1};

pub(super) const PROBES: &[Probe] = &[
    probe("digest", (0, 0), "", digest, "A hash over all keys and values: servers with the same data answer the same."),
    probe("digest-value", (1, MANY), "<key> [<key> ...]", digest_value, "A hash over each key's value."),
];

fn digest(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.simple(&of_all(&cx.server.keyspace).hex());
    Ok(Done)
}

fn digest_value(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    cx.reply.array(args.len() - 2);
    for key in args.from(2) {
        let mut digest = Digest::default();
        let db = cx.server.keyspace.db(cx.server.clients.get(cx.client).db);
        if let Some(handle) = db.peek(key) {
            digest.mix_value(db, handle);
        }
        cx.reply.simple(&digest.hex());
    }
    Ok(Done)
}

fn of_all(keyspace: &Keyspace) -> Digest {
    let mut all = Digest::default();
    for (number, db) in keyspace.all().iter().enumerate().filter(|(_, db)| !db.is_empty()) {
        all.mix(&(number as u32).to_be_bytes());
        let mut cursor = 0;
        loop {
            cursor = db.scan(cursor, |handle| {
                if !db.is_past_deadline(handle) {
                    let mut digest = Digest::default();
                    digest.mix(db.key(handle));
                    digest.mix_value(db, handle);
                    all.add(&digest.0);
                }
            });
            if cursor == 0 {
                break;
            }
        }
    }
    all
}

#[derive(Default)]
struct Digest([u8; 20]);

impl Digest {
    fn add(&mut self, bytes: &[u8]) {
        let hash: [u8; 20] = Sha1::digest(bytes).into();
        self.0.iter_mut().zip(hash).for_each(|(byte, other)| *byte ^= other);
    }

    fn mix(&mut self, bytes: &[u8]) {
        self.add(bytes);
        self.0 = Sha1::digest(self.0).into();
    }

    fn mix_value(&mut self, db: &Database, handle: Handle) {
        let view = db.view(handle);
        let number: u32 = match Kind::of(view) {
            Kind::String => 0,
            Kind::List => 1,
            Kind::Set => 2,
            Kind::SortedSet => 3,
            Kind::Hash => 4,
            Kind::Stream => 6,
        };
        self.mix(&number.to_be_bytes());
        match AnyRef::of(view) {
            AnyRef::String(text) => self.mix(text.bytes().as_slice()),
            AnyRef::List(list) => list.iter().for_each(|element| self.mix(element.as_slice(&mut itoa::Buffer::new()))),
            AnyRef::Set(set) => set.for_each(|member| self.add(member.as_slice(&mut itoa::Buffer::new()))),
            AnyRef::Hash(hash) => hash.iter().for_each(|field| self.add_field(field)),
            AnyRef::SortedSet(set) => set.iter().for_each(|(member, score)| self.add_scored(member, score)),
            AnyRef::Stream(stream) => self.mix_stream(stream),
        }
        if db.deadline(handle).is_some() {
            self.add(b"!!expire!!");
        }
    }

    /// Entries in order: what groups know is left out.
    fn mix_stream(&mut self, stream: StreamRef<'_>) {
        for entry in stream.entries.range(StreamId::MIN, StreamId::MAX) {
            self.mix(format!("{}.{}", entry.id.ms, entry.id.seq).as_bytes());
            for (field, value) in entry.fields {
                self.mix(field.as_slice(&mut itoa::Buffer::new()));
                self.mix(value.as_slice(&mut itoa::Buffer::new()));
            }
        }
    }

    /// Fields stand in no order: each is a digest of its own.
    fn add_field(&mut self, field: Field<'_>) {
        let mut digest = Digest::default();
        for entry in [field.name, field.value] {
            digest.mix(entry.as_slice(&mut itoa::Buffer::new()));
        }
        if field.deadline.is_some() {
            digest.add(b"!!hexpire!!");
        }
        self.add(&digest.0);
    }

    /// Members stand in an order, but not in Redis's table: each is a digest of its own.
    fn add_scored(&mut self, member: Entry<'_>, score: f64) {
        let mut digest = Digest::default();
        let mut digits = Vec::new();
        print_f64_by_digits(score, &mut digits);
        digest.mix(member.as_slice(&mut itoa::Buffer::new()));
        digest.mix(&digits);
        self.add(&digest.0);
    }

    fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
