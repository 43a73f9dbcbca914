//! When a collection leaves its packed form, and what its big form needs: set by the configuration, handed to every operation that may
//! convert a value.

use crate::base::hash::KeyHasher;

/// How RDB data says the deadlines of a hash's fields. Hashes without any are written the same in all three.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FieldDeadlines {
    /// In Redis's forms (types 24 and 25): Redis reads them from 7.4 on.
    #[default]
    Redis,
    /// In Valkey's form (its type 22): Valkey reads it from 9.0 on.
    Valkey,
    /// Not at all: calls behind the RDB part say them, which both read.
    Behind,
}

/// Thresholds of the encodings, by their directives' names. Sizes are in bytes.
#[derive(Clone, Copy)]
pub struct Encodings {
    /// Most fields of a packed hash.
    pub hash_max_listpack_entries: usize,
    /// Longest field or value in it.
    pub hash_max_listpack_value: usize,
    /// Most elements of a packed chunk of a list (positive), or its size as -1..=-5 (4, 8, 16, 32, 64 KiB).
    pub list_max_listpack_size: i32,
    /// Length from which an element of a long list stands alone; 0: what does not fit into a chunk does. For tests.
    pub list_packed_threshold: usize,
    /// Most members of a set of integers in one buffer.
    pub set_max_intset_entries: usize,
    /// Most members of a packed set.
    pub set_max_listpack_entries: usize,
    /// Longest member in it.
    pub set_max_listpack_value: usize,
    /// Most members of a packed sorted set.
    pub zset_max_listpack_entries: usize,
    /// Longest member in it.
    pub zset_max_listpack_value: usize,
    /// Largest block of a stream; 0: no limit.
    pub stream_node_max_bytes: usize,
    /// Most entries in one; 0: no limit.
    pub stream_node_max_entries: usize,
    /// Most bytes of a sparse HyperLogLog.
    pub hll_sparse_max_bytes: usize,
    /// How snapshots and DUMP say the deadlines of fields (`rdb-hash-ttl-format`).
    pub field_deadlines: FieldDeadlines,
    /// What members of big forms are hashed by.
    pub hasher: KeyHasher,
}

impl Encodings {
    /// Redis's defaults.
    pub fn new(hasher: KeyHasher) -> Encodings {
        Encodings {
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            list_max_listpack_size: -2,
            list_packed_threshold: 0,
            set_max_intset_entries: 512,
            set_max_listpack_entries: 128,
            set_max_listpack_value: 64,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            stream_node_max_bytes: 4096,
            stream_node_max_entries: 100,
            hll_sparse_max_bytes: 3000,
            field_deadlines: FieldDeadlines::Redis,
            hasher,
        }
    }
}

impl std::fmt::Debug for Encodings {
    /// Without the hasher's key, which is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encodings").finish_non_exhaustive()
    }
}
