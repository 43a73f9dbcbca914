//! Statistics: one row each, from which come INFO and the OpenMetrics text of the metrics port.
//!
//! ```text
//! server.rs clients.rs memory.rs ..    one table for each section of INFO: name, value, metric
//!    |
//!    +-- info.rs       INFO: `name:value` lines by section
//!    `-- metrics.rs    /metrics: families, labels, histograms
//! ```
//!
//! A row reads the `Server` and nothing else. What the operating system knows is read before, by `Server::read_resources`.

mod census;
mod clients;
mod cluster;
mod commandstats;
mod cpu;
mod debug;
mod errorstats;
mod hot_keys;
mod info;
mod keyspace;
mod latencystats;
mod memory;
mod metrics;
mod modules;
mod persistence;
mod replication;
mod server;
mod stats;
mod threads;
mod tls;
mod value;

pub use info::{Selection, info};
pub use metrics::{CONTENT_TYPE, metrics};
pub use value::{Distribution, Sample, Value, human};

use super::Server;

/// What kind of thing a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, but for restarts and CONFIG RESETSTAT. Its name ends in `_total`.
    Counter,
    /// Goes both ways.
    Gauge,
    /// Always 1: what matters are its labels. Its name ends in `_info`.
    Info,
    /// How often which durations came.
    Histogram,
}

/// A statistic's face in `/metrics`.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The name without the prefix `ferrodis_`; its last word is the unit (`bytes`, `seconds`), before `_total`.
    pub name: &'static str,
    /// What kind of thing it is.
    pub kind: Kind,
    /// One sentence.
    pub help: &'static str,
}

impl Metric {
    /// The family's name: without `_total` or `_info`.
    pub fn family(&self) -> &'static str {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        self.name.strip_suffix(suffix).unwrap_or(self.name)
    }

    /// Its unit, where it has one.
    pub fn unit(&self) -> Option<&'static str> {
        ["bytes", "seconds"].into_iter().find(|unit| self.family().ends_with(unit))
    }
}

/// A statistic.
pub struct Statistic {
    /// Its name in INFO; empty: it is only a metric.
    pub name: &'static str,
    /// Its face in `/metrics`, if it has one.
    pub metric: Option<Metric>,
    /// What it is now.
    pub value: fn(&Server) -> Value,
    /// Whether INFO shows it now.
    pub shown: fn(&Server) -> bool,
}

impl Statistic {
    /// A line of INFO.
    pub const fn new(name: &'static str, value: fn(&Server) -> Value) -> Statistic {
        Statistic { name, metric: None, value, shown: |_| true }
    }

    /// A metric that INFO does not show.
    pub const fn unlisted(value: fn(&Server) -> Value) -> Statistic {
        Statistic::new("", value)
    }

    /// A line that is true of every Ferrodis, for tools that look for it.
    pub const fn zero(name: &'static str) -> Statistic {
        Statistic::new(name, |_| Value::Count(0))
    }

    /// It is a metric that goes both ways.
    pub const fn gauge(self, name: &'static str, help: &'static str) -> Statistic {
        self.metric(name, Kind::Gauge, help)
    }

    /// It is a metric that grows; `name` ends in `_total`.
    pub const fn counter(self, name: &'static str, help: &'static str) -> Statistic {
        self.metric(name, Kind::Counter, help)
    }

    /// It is a metric of this kind.
    pub const fn metric(mut self, name: &'static str, kind: Kind, help: &'static str) -> Statistic {
        self.metric = Some(Metric { name, kind, help });
        self
    }

    /// INFO shows it only then.
    pub const fn when(mut self, shown: fn(&Server) -> bool) -> Statistic {
        self.shown = shown;
        self
    }
}

/// When INFO shows a section that was not named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Always.
    ByDefault,
    /// With `all` and `everything`.
    WithAll,
    /// Only when it is named.
    WhenNamed,
}

/// A section of INFO.
pub struct Section {
    /// As INFO prints it; in lower case it is what one asks for.
    pub title: &'static str,
    /// When it is shown.
    pub shown: Shown,
    /// Its lines.
    pub rows: &'static [Statistic],
}

/// All sections, in Redis's order; TLS where Valkey has it.
pub const SECTIONS: &[Section] = &[
    Section { title: "Server", shown: Shown::ByDefault, rows: server::ROWS },
    Section { title: "TLS", shown: Shown::WithAll, rows: tls::ROWS },
    Section { title: "Clients", shown: Shown::ByDefault, rows: clients::ROWS },
    Section { title: "Memory", shown: Shown::ByDefault, rows: memory::ROWS },
    Section { title: "Persistence", shown: Shown::ByDefault, rows: persistence::ROWS },
    Section { title: "Threads", shown: Shown::ByDefault, rows: threads::ROWS },
    Section { title: "Stats", shown: Shown::ByDefault, rows: stats::ROWS },
    Section { title: "Replication", shown: Shown::ByDefault, rows: replication::ROWS },
    Section { title: "CPU", shown: Shown::ByDefault, rows: cpu::ROWS },
    Section { title: "Modules", shown: Shown::ByDefault, rows: modules::ROWS },
    Section { title: "Commandstats", shown: Shown::WithAll, rows: commandstats::ROWS },
    Section { title: "Errorstats", shown: Shown::ByDefault, rows: errorstats::ROWS },
    Section { title: "Latencystats", shown: Shown::WithAll, rows: latencystats::ROWS },
    Section { title: "Cluster", shown: Shown::ByDefault, rows: cluster::ROWS },
    Section { title: "Keyspace", shown: Shown::ByDefault, rows: keyspace::ROWS },
    Section { title: "Keysizes", shown: Shown::ByDefault, rows: census::KEYSIZES },
    Section { title: "Prefixes", shown: Shown::WithAll, rows: census::PREFIX_ROWS },
    Section { title: "Hotkeys", shown: Shown::WithAll, rows: hot_keys::ROWS },
    Section { title: "Debug", shown: Shown::WhenNamed, rows: debug::ROWS },
];

/// All statistics.
pub fn rows() -> impl Iterator<Item = &'static Statistic> {
    SECTIONS.iter().flat_map(|section| section.rows)
}

#[cfg(test)]
mod tests;
