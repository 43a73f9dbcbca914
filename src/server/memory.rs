//! From the configuration's words about memory to the keyspace's policy.

use super::config::Config;
use super::config::{Limit, MaxmemoryPolicy};
use crate::keyspace::eviction::{Lfu, Order, Policy};

/// The eviction policy that the configuration asks for.
pub fn policy(config: &Config) -> Policy {
    let (order, volatile_only) = match config.maxmemory_policy {
        MaxmemoryPolicy::NoEviction => (Order::Never, false),
        MaxmemoryPolicy::AllkeysLru => (Order::Lru, false),
        MaxmemoryPolicy::VolatileLru => (Order::Lru, true),
        MaxmemoryPolicy::AllkeysLfu => (Order::Lfu, false),
        MaxmemoryPolicy::VolatileLfu => (Order::Lfu, true),
        MaxmemoryPolicy::AllkeysRandom => (Order::Random, false),
        MaxmemoryPolicy::VolatileRandom => (Order::Random, true),
        MaxmemoryPolicy::VolatileTtl => (Order::Ttl, true),
    };
    Policy {
        order,
        volatile_only,
        limited: config.maxmemory != Limit::Bytes(0),
        is_lfu: order == Order::Lfu,
        samples: config.maxmemory_samples as usize,
        lfu: Lfu { log_factor: config.lfu_log_factor, decay_minutes: config.lfu_decay_time_minutes },
    }
}
