//! Floor: structures.

pub mod chain;
pub mod lru_builder;
pub mod lru_list;
pub mod radix_queue;
pub mod timer_wheel;
