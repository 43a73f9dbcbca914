//! Floor 2: tables, lists, wheel and arenas. Knows nothing of Redis.

pub mod key_table;
pub(crate) mod prefetch;
pub mod record_arena;
