//! INFO hotkeys: the keys that most calls, most time and most bytes go to, of late.

use super::{Kind, Sample, Statistic, Value};
use crate::server::Server;
use crate::server::observe::hot_keys::{ALL, By, HotKey};

/// Keys shown of each.
const SHOWN: usize = 16;

pub(super) const ROWS: &[Statistic] = &[
    Statistic::new("by_calls", |s| lines(s, By::Calls)),
    Statistic::new("by_time", |s| lines(s, By::Time)),
    Statistic::new("by_bytes", |s| lines(s, By::Bytes)),
    Statistic::unlisted(samples).metric(
        "hot_key_ratio",
        Kind::Gauge,
        "What part of all calls, time or bytes of late goes to a key: the hottest keys.",
    ),
];

fn lines(server: &Server, by: By) -> Value {
    let hottest = server.hot_keys.hottest(by, SHOWN);
    let line =
        |hot: &HotKey<'_>| format!("key={},db={},share={:.2}%", hot.key.escape_ascii(), hot.db, hot.share * 100.0);
    Value::Lines(hottest.iter().map(line).enumerate().map(|(place, line)| (place.to_string(), line)).collect())
}

fn samples(server: &Server) -> Value {
    let of = |(by, name): &(By, &str)| {
        let hottest = server.hot_keys.hottest(*by, SHOWN);
        let sample = |hot: &HotKey<'_>| Sample {
            labels: vec![
                ("by", name.to_string()),
                ("db", format!("db{}", hot.db)),
                ("key", hot.key.escape_ascii().to_string()),
            ],
            value: hot.share,
        };
        hottest.iter().map(sample).collect::<Vec<_>>()
    };
    Value::Samples(ALL.iter().flat_map(of).collect())
}
