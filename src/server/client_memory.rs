//! What clients take. Each is weighed at the end of its turn and when its replies have left: so the sum is at hand, and the largest
//! are found without a look at the others (`maxmemory-clients`).
//!
//! ```text
//! buckets   below 32 KiB | 32 KiB .. | 64 KiB .. | ... | from 4 GiB on      those who may be evicted, only while there is a limit
//! client    Weight { bytes, bucket, place in it }
//! ```

use super::Server;
use super::clients::{Client, ClientIndex, Clients, Closing};

/// What a new buffer for replies has room for.
pub const OUTPUT_FIRST_BYTES: usize = 32 * 1024;
/// Below this many bytes, in bits, all clients are alike.
const SMALLEST_BITS: u32 = 15;
const BUCKETS: usize = 19;
/// A lower limit leaves no room to talk.
const LEAST_LIMIT_BYTES: u64 = 128 * 1024;
/// What a set takes for an element, besides its bytes.
pub(super) const ELEMENT_BYTES: usize = 48;

/// What a client took when it was last looked at.
#[derive(Debug, Default, Clone, Copy)]
pub struct Weight {
    bytes: usize,
    buffer_bytes: usize,
    /// Its bucket, and its place in that.
    bucket: Option<(usize, usize)>,
}

/// Clients of about the same size.
#[derive(Debug, Default, Clone)]
pub struct Bucket {
    clients: Vec<ClientIndex>,
    /// Bytes of all of them.
    bytes: usize,
}

/// What all clients take.
#[derive(Debug, Default)]
pub struct ClientMemory {
    bytes: usize,
    buffer_bytes: usize,
    buckets: Option<Box<[Bucket; BUCKETS]>>,
}

impl ClientMemory {
    /// Bytes that all clients take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of those that count towards `maxmemory`.
    pub fn buffer_bytes(&self) -> usize {
        self.buffer_bytes
    }

    /// By size, from the smallest on: from how many bytes on, how many bytes together, how many clients. `None` without a limit.
    pub fn by_size(&self) -> Option<impl ExactSizeIterator<Item = (u64, usize, usize)>> {
        let buckets = self.buckets.as_ref()?.iter().enumerate();
        let from = |i| if i == 0 { 0 } else { 1u64 << (SMALLEST_BITS as usize + i - 1) };
        Some(buckets.map(move |(i, bucket)| (from(i), bucket.bytes, bucket.clients.len())))
    }
}

fn bucket_of(bytes: usize) -> usize {
    let bits = usize::BITS - bytes.leading_zeros();
    (bits.saturating_sub(SMALLEST_BITS) as usize).min(BUCKETS - 1)
}

impl Client {
    /// Bytes that it takes, all in all.
    fn memory_bytes(&self) -> usize {
        size_of::<Client>() + self.input_capacity + self.output.capacity() + self.state_bytes()
    }

    /// Bytes besides the buffers of what it has sent and is to be sent: what it has queued, watches, listens to, waits for.
    pub fn state_bytes(&self) -> usize {
        self.shown.capacity()
            + self.transaction.as_ref().map_or(0, |transaction| transaction.bytes())
            + self.watched.bytes()
            + self.subscriptions.bytes()
            + self.tracking.as_ref().map_or(0, |tracking| tracking.prefix_bytes)
            + self.wait.as_ref().map_or(0, |wait| wait.bytes)
    }

    /// The first buffer of its replies comes from the loop's spare ones, which are weighed with the process: counted here too, each call
    /// would look for a moment as if memory were short.
    fn weigh(&self) -> (usize, usize) {
        let bytes = self.memory_bytes();
        let first = self.output.capacity().min(OUTPUT_FIRST_BYTES);
        (bytes, bytes - size_of::<Client>() - first)
    }

    fn may_be_evicted(&self) -> bool {
        !self.no_evict && !self.is_internal
    }
}

impl Clients {
    /// Notes what a client takes now. One that is to end at once takes nothing any more.
    pub fn weigh(&mut self, index: ClientIndex) {
        let client = self.get(index);
        let is_ending = client.closing == Closing::Now;
        let (bytes, buffer_bytes) = if is_ending { (0, 0) } else { client.weigh() };
        let before = client.weight;
        let wanted = self.memory.buckets.is_some() && !is_ending && client.may_be_evicted();
        let wanted = wanted.then(|| bucket_of(bytes));
        let memory = &mut self.memory;
        memory.bytes = memory.bytes + bytes - before.bytes;
        memory.buffer_bytes = memory.buffer_bytes + buffer_bytes - before.buffer_bytes;
        if let (Some((bucket, _)), Some(buckets)) = (before.bucket, &mut memory.buckets) {
            buckets[bucket].bytes -= before.bytes;
        }
        if before.bucket.map(|(bucket, _)| bucket) != wanted {
            self.take_out(index);
            self.put_in(index, wanted);
        }
        if let (Some(bucket), Some(buckets)) = (wanted, &mut self.memory.buckets) {
            buckets[bucket].bytes += bytes;
        }
        let weight = &mut self.get_mut(index).weight;
        (weight.bytes, weight.buffer_bytes) = (bytes, buffer_bytes);
    }

    fn take_out(&mut self, index: ClientIndex) {
        let (Some((bucket, place)), Some(buckets)) =
            (self.get_mut(index).weight.bucket.take(), &mut self.memory.buckets)
        else {
            return;
        };
        let clients = &mut buckets[bucket].clients;
        clients.swap_remove(place);
        if let Some(&moved) = clients.get(place) {
            self.get_mut(moved).weight.bucket = Some((bucket, place));
        }
    }

    fn put_in(&mut self, index: ClientIndex, bucket: Option<usize>) {
        if let (Some(bucket), Some(buckets)) = (bucket, &mut self.memory.buckets) {
            let place = buckets[bucket].clients.len();
            buckets[bucket].clients.push(index);
            self.get_mut(index).weight.bucket = Some((bucket, place));
        }
    }

    /// A client goes: it takes nothing any more.
    pub(super) fn forget_weight(&mut self, index: ClientIndex) {
        self.get_mut(index).closing = Closing::Now;
        self.weigh(index);
    }

    /// Those who may be evicted stand in buckets by their size from now on, or no longer.
    fn sort_by_size(&mut self, yes: bool) {
        if yes == self.memory.buckets.is_some() {
            return;
        }
        self.memory.buckets = yes.then(Default::default);
        let all: Vec<ClientIndex> = self.iter().map(|(index, _)| index).collect();
        for index in all {
            self.get_mut(index).weight.bucket = None;
            if yes {
                self.weigh(index);
            }
        }
    }
}

impl Server {
    /// Puts the limit in force.
    pub(super) fn apply_client_limit(&mut self) {
        let limit = self.config.maxmemory_clients.resolve(self.memory_limit_bytes);
        self.client_limit_bytes = if limit == 0 { 0 } else { limit.max(LEAST_LIMIT_BYTES) };
        self.clients.sort_by_size(limit > 0);
    }

    /// Whether clients take more than they may.
    #[inline]
    pub fn has_too_large_clients(&self) -> bool {
        self.client_limit_bytes > 0 && self.clients.memory.bytes as u64 >= self.client_limit_bytes
    }

    /// The largest client that may be evicted; one of about that size.
    pub fn largest_client(&self) -> Option<ClientIndex> {
        let buckets = self.clients.memory.buckets.as_ref()?;
        buckets.iter().rev().find_map(|bucket| bucket.clients.first().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Generator;

    fn check(clients: &Clients) {
        let all: usize = clients.iter().map(|(_, client)| client.weight.bytes).sum();
        assert_eq!(all, clients.memory.bytes);
        let Some(buckets) = &clients.memory.buckets else { return };
        let mut sorted = 0;
        for (number, bucket) in buckets.iter().enumerate() {
            sorted += bucket.clients.len();
            let mut bytes = 0;
            for (place, &index) in bucket.clients.iter().enumerate() {
                let client = clients.get(index);
                assert_eq!(client.weight.bucket, Some((number, place)));
                assert_eq!(bucket_of(client.weight.bytes), number);
                bytes += client.weight.bytes;
            }
            assert_eq!(bytes, bucket.bytes);
        }
        assert_eq!(sorted, clients.iter().filter(|(_, client)| client.may_be_evicted()).count());
    }

    #[test]
    fn sums_and_buckets_follow_the_clients() {
        const SEED: u64 = 7;
        let mut random = Generator::new(SEED);
        let mut clients = Clients::default();
        clients.sort_by_size(true);
        let mut there: Vec<ClientIndex> = Vec::new();
        for step in 0..5000 {
            if there.len() < 20 {
                there.push(clients.add(Client::default()));
                clients.weigh(there[there.len() - 1]);
            }
            let n = random.below(there.len() as u64) as usize;
            match random.below(20) {
                0 => drop(clients.remove(there.swap_remove(n))),
                1 => {
                    clients.get_mut(there[n]).no_evict ^= true;
                    clients.weigh(there[n]);
                }
                2 if step % 7 == 0 => {
                    let is_sorted = clients.memory.buckets.is_some();
                    clients.sort_by_size(!is_sorted);
                }
                _ => {
                    clients.get_mut(there[n]).input_capacity = 1 << random.below(34);
                    clients.weigh(there[n]);
                }
            }
            check(&clients);
        }
        there.into_iter().for_each(|index| drop(clients.remove(index)));
        assert_eq!((clients.memory.bytes, clients.memory.buffer_bytes), (0, 0), "seed {SEED}");
    }
}
