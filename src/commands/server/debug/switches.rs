//! What DEBUG switches on and off. What has no counterpart here is taken and does nothing, so that tests go on.

use super::{Probe, lenient_int, probe};
use crate::base::number::{parse_i64, parse_memory};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::row::{Done, Outcome};
use crate::formats::rdb::ChecksumCheck;

pub(super) const PROBES: &[Probe] = &[
    probe(
        "set-active-expire",
        (1, 1),
        "<0|1>",
        active_expire,
        "Whether keys leave at their deadline though nobody asks for them.",
    ),
    probe("pause-cron", (1, 1), "<0|1>", pause_cron, "Stops the periodic work."),
    probe(
        "aof-flush-sleep",
        (1, 1),
        "<microsec>",
        log_write_delay,
        "How long the writer waits before it writes to the log.",
    ),
    probe(
        "set-skip-checksum-validation",
        (1, 1),
        "<0|1>",
        skip_checksums,
        "Takes checksums of snapshots and of RESTORE's payloads as right.",
    ),
    probe("change-repl-id", (0, 0), "", change_replication_id, "Gives the data's history another name."),
    probe(
        "quicklist-packed-threshold",
        (1, 1),
        "<size>",
        packed_threshold,
        "Length from which an element of a quicklist stands alone; 0: what does not fit into a listpack does.",
    ),
    probe("dict-resizing", (1, 1), "<0|1>", accepted, "Accepted: tables here grow and shrink by a bucket at a time."),
    probe(
        "hashtable-can-abort-shrink",
        (1, 1),
        "<0|1>",
        accepted,
        "Accepted: there is no shrinking that could be broken off.",
    ),
    probe("client-enforce-reply-list", (1, 1), "<0|1>", accepted, "Accepted: replies stand in one buffer in any case."),
    probe(
        "replybuffer",
        (2, 2),
        "<PEAK-RESET-TIME <NEVER|RESET|time>|RESIZING <0|1>>",
        reply_buffer,
        "Accepted: an idle client has no reply buffer here.",
    ),
    probe("set-disable-deny-scripts", (1, 1), "<0|1>", accepted, "Accepted: there are no scripts."),
    probe("replicate", (1, 20), "<word> [<word> ...]", accepted, "Accepted: there are no replicas."),
    probe("repl-pause", (1, 1), "<clear|...>", accepted, "Accepted: there are no replicas."),
    probe("delay-rdb-client-free-seconds", (1, 1), "<seconds>", accepted, "Accepted: there are no replicas."),
    probe("pause-after-fork", (1, 1), "<0|1>", accepted, "Accepted: nothing forks here."),
    probe("drop-cluster-packet-filter", (1, 1), "<packet-type>", accepted, "Accepted: this is no cluster."),
    probe("close-cluster-link-on-packet-drop", (1, 1), "<0|1>", accepted, "Accepted: this is no cluster."),
    probe("mark-internal-client", (0, 1), "[UNMARK]", accepted, "Accepted: no command is for internal clients only."),
];

fn accepted(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.ok();
    Ok(Done)
}

fn active_expire(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    cx.server.debug.active_expire = lenient_int(args.get(2)) != 0;
    accepted(cx, args)
}

fn pause_cron(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    cx.server.debug.cron_paused = lenient_int(args.get(2)) != 0;
    accepted(cx, args)
}

fn log_write_delay(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    cx.server.debug.log_write_delay_us = lenient_int(args.get(2)).max(0) as u64;
    accepted(cx, args)
}

fn skip_checksums(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let skips = lenient_int(args.get(2)) != 0;
    cx.server.debug.payload_checksums = if skips { ChecksumCheck::Skip } else { ChecksumCheck::Verify };
    accepted(cx, args)
}

fn change_replication_id(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let nonce = cx.server.random.below(u64::MAX);
    cx.server.identity.change_replication_id(nonce);
    accepted(cx, args)
}

fn packed_threshold(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    match parse_memory(args.get(2)) {
        Some(bytes) if !args.get(2).is_empty() && bytes <= 4 << 30 => {
            cx.server.encodings.list_packed_threshold = bytes as usize;
            accepted(cx, args)
        }
        _ => Err(Error::Text("ERR argument must be a memory value bigger than 1 and smaller than 4gb")),
    }
}

fn reply_buffer(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    match args.word(2).as_str() {
        "resizing" => accepted(cx, args),
        "peak-reset-time" if args.is(3, "never") || args.is(3, "reset") => accepted(cx, args),
        "peak-reset-time" if parse_i64(args.get(3)).is_some() => accepted(cx, args),
        "peak-reset-time" => Err(Error::NotInteger),
        _ => Err(Error::Text("ERR unknown subcommand or wrong number of arguments for 'replybuffer'. Try DEBUG HELP.")),
    }
}
