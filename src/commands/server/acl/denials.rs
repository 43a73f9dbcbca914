//! ACL LOG: what was denied.

use super::{ADMIN, no_such_words};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::row::{Arity, Command, Done, Outcome};
use crate::formats::resp::reply::Reply;
use crate::server::acl::log::Entry;

/// Entries that are shown when nobody says how many.
const DEFAULT_COUNT: usize = 10;

/// ACL LOG: the newest entries, or none from now on.
pub(super) static LOG: Command = Command::server("log", log)
    .arity(Arity::AtLeast(2))
    .flags(ADMIN)
    .since("6.0.0")
    .complexity("O(N) with N being the number of entries shown.")
    .summary("Lists recent security events generated due to ACL rules.")
    .syntax("[count:integer | RESET]@operation")
    .history(&[("7.2.0", "Added entry ID, timestamp created, and timestamp last updated.")]);

fn log(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let count = match args.len() {
        2 => DEFAULT_COUNT,
        3 if args.is(2, "reset") => {
            cx.server.acl.log.reset();
            cx.reply.ok();
            return Ok(Done);
        }
        3 => args.int(2)?.max(0) as usize,
        _ => return Err(no_such_words(args)),
    };
    let now_ms = cx.server.time.wall_ms();
    let log = &cx.server.acl.log;
    cx.reply.array(count.min(log.newest().len()));
    log.newest().take(count).for_each(|entry| write_entry(cx.reply, entry, now_ms));
    Ok(Done)
}

fn write_entry(reply: &mut Reply, entry: &Entry, now_ms: u64) {
    let denial = &entry.denial;
    reply.map(10);
    reply.bulk(b"count");
    reply.int(entry.count as i64);
    let texts = [
        ("reason", denial.reason.name().as_bytes()),
        ("context", denial.origin.name().as_bytes()),
        ("object", &denial.object),
        ("username", &denial.user),
    ];
    for (name, text) in texts {
        reply.bulk(name.as_bytes());
        reply.bulk(text);
    }
    reply.bulk(b"age-seconds");
    reply.double(now_ms.saturating_sub(entry.last_ms) as f64 / 1000.0);
    reply.bulk(b"client-info");
    reply.bulk(denial.client.as_bytes());
    let numbers =
        [("entry-id", entry.id), ("timestamp-created", entry.first_ms), ("timestamp-last-updated", entry.last_ms)];
    for (name, number) in numbers {
        reply.bulk(name.as_bytes());
        reply.int(number as i64);
    }
}
