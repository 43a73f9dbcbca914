//! Floor 2: tables, lists, wheel and arenas. Knows nothing of Redis.

pub mod chain;
pub mod counted_deque;
pub mod element_table;
pub mod int_set;
pub mod key_table;
pub mod listpack;
pub mod lru_builder;
pub mod lru_list;
pub mod page_slice;
pub(crate) mod prefetch;
pub mod radix_queue;
pub mod ranked_tree;
pub mod record_arena;
#[cfg(test)]
mod records_for_tests;
pub mod six_bits;
pub mod timer_wheel;
