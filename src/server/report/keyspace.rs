//! INFO keyspace: keys by database.

use super::{Kind, Sample, Statistic, Value};
use crate::keyspace::database::Database;
use crate::server::Server;

/// Keys with a deadline whose remaining time is averaged, and buckets looked at to find them.
const SAMPLE: (usize, usize) = (64, 256);

pub(super) const ROWS: &[Statistic] = &[
    Statistic::new("db", databases),
    Statistic::unlisted(|s| samples(s, Database::len)).metric("keys", Kind::Gauge, "Keys, by database."),
    Statistic::unlisted(|s| samples(s, Database::expiring)).metric(
        "keys_with_deadline",
        Kind::Gauge,
        "Keys with a deadline, by database.",
    ),
    Statistic::unlisted(|s| samples(s, Database::hashes_expiring)).metric(
        "hashes_with_field_deadline",
        Kind::Gauge,
        "Hashes that have a field with a deadline, by database.",
    ),
];

fn used(server: &Server) -> impl Iterator<Item = (String, &Database)> {
    server.keyspace.all().iter().enumerate().filter(|(_, db)| !db.is_empty()).map(|(n, db)| (n.to_string(), db))
}

fn databases(server: &Server) -> Value {
    let line = |(number, db): (String, &Database)| {
        let (keys, expires, hashes) = (db.len(), db.expiring(), db.hashes_expiring());
        (number, format!("keys={keys},expires={expires},avg_ttl={},subexpiry={hashes}", average_ttl_ms(server, db)))
    };
    Value::Lines(used(server).map(line).collect())
}

fn samples(server: &Server, count: fn(&Database) -> usize) -> Value {
    let sample = |(number, db): (String, &Database)| Sample {
        labels: vec![("db", format!("db{number}"))],
        value: count(db) as f64,
    };
    Value::Samples(used(server).map(sample).collect())
}

/// The mean time to live over keys at the head of the scan order, which is as good as random; 0 where it finds none.
fn average_ttl_ms(server: &Server, db: &Database) -> u64 {
    if db.expiring() == 0 {
        return 0;
    }
    let now_ms = server.time.wall_ms();
    let (mut sum, mut found, mut cursor) = (0u64, 0u64, 0);
    for _ in 0..SAMPLE.1 {
        cursor = db.scan(cursor, |handle| {
            if let Some(deadline) = db.deadline(handle) {
                sum = sum.saturating_add(deadline.saturating_sub(now_ms));
                found += 1;
            }
        });
        if cursor == 0 || found >= SAMPLE.0 as u64 {
            break;
        }
    }
    sum.checked_div(found).unwrap_or(0)
}
