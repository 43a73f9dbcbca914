//! Changes of a group, gathered while its stream is held: what is counted, told, and logged of them.
//!
//! The log gets effects, in calls that any Redis from 7.0 on replays to the same: XCLAIM for a pending entry, XGROUP SETID for how far
//! the group has read, XGROUP CREATECONSUMER.

use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::values::stream::{ConsumerIndex, Group, StreamId};

/// What a call changed in a group.
pub(super) struct GroupChanges {
    is_logged: bool,
    /// The new consumer's name.
    created: Option<Box<[u8]>>,
    claims: Vec<Claim>,
    /// How many; they are gathered only if somebody logs.
    claim_count: u64,
    progress: Option<(StreamId, Option<i64>)>,
}

/// A pending entry as it stands.
struct Claim {
    id: StreamId,
    consumer: Box<[u8]>,
    delivered_ms: i64,
    deliveries: u64,
    /// That of the group at this moment.
    last_id: StreamId,
}

impl GroupChanges {
    /// None yet.
    pub(super) fn new(is_logged: bool) -> GroupChanges {
        GroupChanges { is_logged, created: None, claims: Vec::new(), claim_count: 0, progress: None }
    }

    /// The consumer of this name, which is made if need be, and is seen now.
    pub(super) fn consumer(&mut self, group: &mut Group, name: &[u8], now_ms: i64) -> ConsumerIndex {
        let consumer = group.find_consumer(name).unwrap_or_else(|| {
            self.created = Some(name.into());
            group.create_consumer(name, now_ms).expect("there is none of this name")
        });
        group.consumer_mut(consumer).seen_ms = now_ms;
        consumer
    }

    /// A pending entry was made, changed hands, or is about to go because its entry is gone (which is what its replay finds, too).
    pub(super) fn claim(&mut self, group: &Group, id: StreamId) {
        self.claim_count += 1;
        if self.is_logged {
            let pending = group.find_pending(id).expect("it is pending");
            self.claims.push(Claim {
                id,
                consumer: group.consumer(pending.consumer).name().into(),
                delivered_ms: pending.delivered_ms,
                deliveries: pending.deliveries,
                last_id: group.last_id,
            });
        }
    }

    /// The group has read further.
    pub(super) fn progress(&mut self, group: &Group) {
        self.progress = Some((group.last_id, group.entries_read));
    }

    /// Claims tell it too, as far as they need to.
    pub(super) fn leave_progress_to_claims(&mut self) {
        if self.claim_count > 0 {
            self.progress = None;
        }
    }

    /// Claims and progress, each counting for itself.
    pub(super) fn count(&self) -> u64 {
        self.claim_count + u64::from(self.progress.is_some())
    }

    /// Tells of it all; besides a new consumer, `count` changes are counted.
    pub(super) fn finish(self, cx: &mut DataContext<'_>, key: &[u8], group: &[u8], count: u64) {
        cx.effects.dirty += count;
        if self.created.is_some() {
            cx.changed(key, Event::stream("xgroup-createconsumer").wakes_nobody());
        }
        if self.is_logged {
            self.propagate(cx, key, group);
        }
    }

    /// A consumer is told of by itself only where no claim does that: Redis leaves this out, and forgets the consumer.
    fn propagate(&self, cx: &mut DataContext<'_>, key: &[u8], group: &[u8]) {
        if let Some(consumer) = &self.created
            && !self.claims.iter().any(|claim| claim.consumer == *consumer)
        {
            cx.propagate_as(&[b"XGROUP", b"CREATECONSUMER", key, group, consumer]);
        }
        for claim in &self.claims {
            propagate_claim(cx, key, group, claim);
        }
        if let Some((last_id, entries_read)) = self.progress {
            let mut digits = itoa::Buffer::new();
            let read = digits.format(entries_read.unwrap_or(-1)).as_bytes();
            let last_id = last_id.text();
            cx.propagate_as(&[b"XGROUP", b"SETID", key, group, last_id.as_bytes(), b"ENTRIESREAD", read]);
        }
    }
}

/// XCLAIM with FORCE makes the pending entry where it is missing, and takes it from whoever has it; JUSTID spares a reply.
fn propagate_claim(cx: &mut DataContext<'_>, key: &[u8], group: &[u8], claim: &Claim) {
    let (mut time, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    let (id, last_id) = (claim.id.text(), claim.last_id.text());
    cx.propagate_as(&[
        b"XCLAIM",
        key,
        group,
        &claim.consumer,
        b"0",
        id.as_bytes(),
        b"TIME",
        time.format(claim.delivered_ms).as_bytes(),
        b"RETRYCOUNT",
        count.format(claim.deliveries as i64).as_bytes(),
        b"FORCE",
        b"JUSTID",
        b"LASTID",
        last_id.as_bytes(),
    ]);
}
