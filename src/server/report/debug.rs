//! INFO debug: the event loop's time in detail.

use super::{Statistic, Value};

pub(super) const ROWS: &[Statistic] = &[
    Statistic::new("eventloop_duration_aof_sum", |s| Value::Micros(s.event_loop.log().sum_us)),
    Statistic::new("eventloop_duration_cron_sum", |s| Value::Micros(s.event_loop.cron().sum_us)),
    Statistic::new("eventloop_duration_max", |s| Value::Micros(s.event_loop.turns().max_us)),
    Statistic::new("eventloop_cmd_per_cycle_max", |s| Value::Count(s.event_loop.max_commands_per_turn())),
];
