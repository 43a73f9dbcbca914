//! INFO cpu.

use super::{Statistic, Value};

pub(super) const ROWS: &[Statistic] = &[
    Statistic::new("used_cpu_sys", |s| Value::Fixed(s.resources.process.system_seconds, 6))
        .counter("cpu_system_seconds_total", "CPU time in the kernel, all threads."),
    Statistic::new("used_cpu_user", |s| Value::Fixed(s.resources.process.user_seconds, 6))
        .counter("cpu_user_seconds_total", "CPU time in user mode, all threads."),
    Statistic::new("used_cpu_sys_children", |s| Value::Fixed(s.resources.process.children_system_seconds, 6)),
    Statistic::new("used_cpu_user_children", |s| Value::Fixed(s.resources.process.children_user_seconds, 6)),
    Statistic::new("used_cpu_sys_main_thread", |s| Value::Fixed(s.resources.process.thread_system_seconds, 6)),
    Statistic::new("used_cpu_user_main_thread", |s| Value::Fixed(s.resources.process.thread_user_seconds, 6)),
];
