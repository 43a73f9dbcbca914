//! Floor: keyspace.
