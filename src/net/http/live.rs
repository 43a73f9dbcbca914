//! `/live.json`: what the dashboard shows, as one object.
//!
//! ```text
//! statistics   every line of INFO that has one value, by name
//! histograms   calls and expiry lag, since the start: bounds in seconds, how many up to each
//! databases    keys, keys with a deadline, keys by type
//! prefixes     keys and bytes by what stands before a key's first colon
//! hot          keys that most calls, time and bytes go to: their part of all, 0 to 1
//! commands     name, calls, microseconds: since the start, the busiest first
//! slow         the newest slow calls
//! clients      those with the largest buffers first
//! progress     loading, rewrite, snapshot: percent, of what is under way
//! ```

use crate::base::json::Json;
use crate::commands::connection::client::line;
use crate::keyspace::census::{KINDS, Share};
use crate::server::Server;
use crate::server::observe::hot_keys::ALL;
use crate::server::report::{self, Distribution, Value};

/// What the text says it is.
pub(super) const CONTENT_TYPE: &str = "application/json";

/// Rows of a table, at most.
const ROWS: usize = 50;
/// Hot keys of each kind.
const HOT_KEYS: usize = 12;
/// Clients that are looked at to find the largest.
const CLIENTS_LOOKED_AT: usize = 4096;

/// The object. The server's resources should have been read just before.
pub(super) fn live(server: &Server) -> String {
    let mut json = Json::default();
    json.object(|json| {
        json.key("now_ms").number(server.time.wall_ms());
        json.key("statistics").object(|json| statistics(json, server));
        json.key("histograms").object(|json| histograms(json, server));
        json.key("databases").array(|json| databases(json, server));
        json.key("prefixes").array(|json| prefixes(json, server));
        json.key("hot").object(|json| hot_keys(json, server));
        json.key("commands").array(|json| commands(json, server));
        json.key("slow").array(|json| slow_calls(json, server));
        json.key("clients").array(|json| clients(json, server));
        json.key("progress").object(|json| progress(json, server));
    });
    json.text()
}

fn statistics(json: &mut Json, server: &Server) {
    for row in report::rows().filter(|row| !row.name.is_empty() && (row.shown)(server)) {
        let value = (row.value)(server);
        match (&value, value.number()) {
            // What people read goes as text, in the units of INFO, and so do durations.
            (Value::Human(_) | Value::Micros(_) | Value::MicrosAsMillis(_), _) | (_, None) => {
                if let Some(text) = value.info() {
                    json.key(row.name).string(&text);
                }
            }
            (_, Some(number)) => json.key(row.name).float(number),
        }
    }
}

fn histograms(json: &mut Json, server: &Server) {
    let all = |name| {
        report::rows().find(|row| row.metric.is_some_and(|metric| metric.name == name)).map(|row| (row.value)(server))
    };
    for (key, name) in [("calls", "command_duration_seconds"), ("expiry_lag", "expiry_lag_seconds")] {
        if let Some(Value::Distributions(all)) = all(name) {
            json.key(key).object(|json| histogram(json, &all));
        }
    }
}

/// The sum of histograms with the same bounds.
fn histogram(json: &mut Json, all: &[Distribution]) {
    let bounds = || all.first().into_iter().flat_map(|one| one.buckets.iter().enumerate());
    json.key("bounds").array(|json| bounds().for_each(|(_, (bound, _))| json.float(*bound)));
    json.key("within").array(|json| {
        bounds().for_each(|(place, _)| json.number(all.iter().map(|one| one.buckets[place].1).sum::<u64>()));
    });
    json.key("count").number(all.iter().map(|one| one.count).sum::<u64>());
}

fn databases(json: &mut Json, server: &Server) {
    for (number, db) in server.keyspace.all().iter().enumerate().filter(|(_, db)| !db.is_empty()) {
        json.object(|json| {
            json.key("db").number(number);
            json.key("keys").number(db.len());
            json.key("expiring").number(db.expiring());
            json.key("bytes").number(db.used_bytes());
            json.key("types").object(|json| {
                if let Some(sizes) = server.census.last().databases.get(&number) {
                    KINDS.iter().for_each(|kind| json.key(kind.name()).number(sizes.keys(*kind)));
                }
            });
        });
    }
}

fn prefixes(json: &mut Json, server: &Server) {
    let census = server.census.last();
    let mut add = |name: &str, share: &Share| {
        json.object(|json| {
            json.key("name").string(name);
            json.key("keys").number(share.keys);
            json.key("bytes").number(share.bytes);
        });
    };
    for (prefix, share) in census.largest_prefixes(ROWS) {
        let name = if prefix.is_empty() { "(none)".into() } else { prefix.escape_ascii().to_string() };
        add(&name, &share);
    }
    if census.others.keys > 0 {
        add("(others)", &census.others);
    }
}

fn hot_keys(json: &mut Json, server: &Server) {
    for (by, name) in ALL {
        json.key(name).array(|json| {
            for hot in server.hot_keys.hottest(by, HOT_KEYS) {
                json.object(|json| {
                    json.key("db").number(hot.db);
                    json.key("key").string(&hot.key.escape_ascii().to_string());
                    json.key("share").float(hot.share);
                });
            }
        });
    }
}

fn commands(json: &mut Json, server: &Server) {
    let mut all: Vec<_> = server.commands.used().collect();
    all.sort_unstable_by_key(|(_, stat)| std::cmp::Reverse(stat.total_us()));
    for (name, stat) in all.into_iter().take(ROWS) {
        json.object(|json| {
            json.key("name").string(name);
            json.key("calls").number(stat.calls());
            json.key("us").number(stat.total_us());
            json.key("failed").number(stat.failed_calls() + stat.rejected_calls());
        });
    }
}

fn slow_calls(json: &mut Json, server: &Server) {
    for entry in server.slow_log.newest().take(ROWS) {
        json.object(|json| {
            let words: Vec<_> = entry.arguments.iter().map(|word| String::from_utf8_lossy(word)).collect();
            json.key("time").number(entry.unix_time_seconds);
            json.key("us").number(entry.amount);
            json.key("call").string(&words.join(" "));
            json.key("client").string(&entry.client_address);
        });
    }
}

fn clients(json: &mut Json, server: &Server) {
    let weighed = server.clients.iter().take(CLIENTS_LOOKED_AT);
    let mut all: Vec<_> =
        weighed.map(|(index, client)| (client.input_capacity + client.output.capacity(), index)).collect();
    all.sort_unstable_by_key(|&(bytes, _)| std::cmp::Reverse(bytes));
    for (_, index) in all.into_iter().take(ROWS) {
        let line = line::describe(server, index, None);
        let field = |name| line.split(' ').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name));
        json.object(|json| {
            for name in ["id", "addr", "name", "age", "idle", "db", "cmd", "user", "tot-mem", "lib-name"] {
                json.key(name).string(field(name).map_or("", |(_, value)| value));
            }
        });
    }
}

fn progress(json: &mut Json, server: &Server) {
    let state = &server.persistence;
    let mut add = |name, is_on: bool, done: u64, total: u64| {
        if is_on {
            json.key(name).float(crate::server::resources::ratio(done, total).min(1.0) * 100.0);
        }
    };
    let (done, total) = (state.walk_keys_done, state.walk_keys_total);
    add("loading", state.loading.started_seconds.is_some(), state.loading.loaded_bytes, state.loading.total_bytes);
    add("rewrite", state.log.rewrite_started_ms.is_some(), done, total);
    add("snapshot", state.snapshots.started_ms.is_some(), done, total);
}
