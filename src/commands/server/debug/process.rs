//! What DEBUG does to the process: stops it for a while, ends it, loads its data anew, asks its allocator.

use super::{MANY, Probe, probe};
use crate::base::glob::{Case, matches};
use crate::base::number::parse_f64;
use crate::base::platform::Crash;
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::row::{Done, Outcome};
use crate::server::clients::Client;
use crate::server::config::Extent;
use crate::server::config_changes::RewriteError;
use crate::server::request::{Ending, Reload, Request};

pub(super) const PROBES: &[Probe] = &[
    probe("sleep", (1, 1), "<seconds>", sleep, "Stops the server for so long; decimals are allowed."),
    probe("log", (1, 1), "<message>", log, "Writes a line to the server's log."),
    probe(
        "reload",
        (0, 3),
        "[option ...]",
        reload,
        "Saves a snapshot and loads it again. MERGE: keys of the file win. NOFLUSH: databases are not emptied before. NOSAVE: the file there is is loaded.",
    ),
    probe("loadaof", (0, 0), "", load_log, "Writes the log out and loads it again."),
    probe(
        "config-rewrite-force-all",
        (0, 0),
        "",
        rewrite_config,
        "CONFIG REWRITE with all directives, defaults included.",
    ),
    probe("segfault", (0, MANY), "", segfault, "Ends the process by a wild access."),
    probe("assert", (0, MANY), "", assert, "Ends the process by a failed assertion."),
    probe("panic", (0, MANY), "", panic, "Ends the process by a panic."),
    probe("oom", (0, MANY), "", out_of_memory, "Ends the process as when memory has run out."),
    probe("restart", (0, MANY), "[<milliseconds>]", restart, "Starts the server anew, after a clean end and a delay."),
    probe(
        "crash-and-recover",
        (0, MANY),
        "[<milliseconds>]",
        crash_and_recover,
        "Starts the server anew, after an end at once and a delay.",
    ),
    probe("leak", (1, 1), "<string>", leak, "Forgets to free a copy of the string."),
    probe("mallctl", (1, 2), "<key> [<val>]", mallctl, "A number of the allocator, read or set."),
    probe("mallctl-str", (1, 1), "<key>", mallctl_text, "A text of the allocator."),
    probe("structsize", (0, 0), "", structure_sizes, "Sizes of some structures in bytes."),
    probe("client-eviction", (0, 0), "", client_eviction, "What clients take by size, when maxmemory-clients is set."),
    probe("internal_secret", (0, 0), "", internal_secret, "The secret of a cluster."),
    probe("script", (1, 1), "<LIST|<sha>>", script, "The scripts that are cached."),
    probe("stringmatch-test", (0, 0), "", string_match, "Matches patterns and texts at random."),
    probe(
        "stringmatch-len",
        (2, 2),
        "<pattern> <string>",
        string_match_one,
        "Whether a text matches a pattern: 1 or 0.",
    ),
];

fn sleep(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let seconds = parse_f64(args.get(2)).unwrap_or(0.0).clamp(0.0, 1e6);
    cx.server.resources.platform.sleep_us((seconds * 1e6) as u64);
    cx.reply.ok();
    Ok(Done)
}

fn log(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    log::warn!("DEBUG LOG: {}", String::from_utf8_lossy(args.get(2)));
    cx.reply.ok();
    Ok(Done)
}

fn reload(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let mut how = Reload { save: true, flush: true, merge: false };
    for i in 2..args.len() {
        match args.word(i).as_str() {
            "merge" => how.merge = true,
            "noflush" => how.flush = false,
            "nosave" => how.save = false,
            _ => return Err(Error::Text("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")),
        }
    }
    cx.server.requests.push(Request::Reload(how));
    Ok(Done)
}

fn load_log(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.server.requests.push(Request::LoadLog);
    Ok(Done)
}

fn rewrite_config(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    match cx.server.rewrite_config(Extent::Everything) {
        Ok(()) => cx.reply.ok(),
        Err(RewriteError::NoFile) => return Err(Error::Text("ERR The server is running without a config file")),
        Err(RewriteError::Io(error)) => return Err(crate::error!("ERR CONFIG-REWRITE-FORCE-ALL failed: {error}")),
    }
    Ok(Done)
}

fn segfault(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    crash(cx, Crash::Segfault)
}

fn assert(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    log::error!("=== ASSERTION FAILED ===");
    log::error!("==> {}:{} 'DEBUG ASSERT' is not true", file!(), line!());
    crash(cx, Crash::Abort)
}

fn panic(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    log::error!("------------------------------------------------");
    log::error!("!!! Software Failure. Press left mouse button to continue");
    log::error!("Guru Meditation: called by the DEBUG command #{}:{}", file!(), line!());
    log::error!("------------------------------------------------");
    crash(cx, Crash::Abort)
}

fn out_of_memory(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    log::error!("Out Of Memory allocating {} bytes!", usize::MAX / 2);
    crash(cx, Crash::Abort)
}

fn crash(cx: &mut ServerContext<'_>, how: Crash) -> Outcome {
    cx.server.resources.platform.crash(how);
    cx.reply.ok();
    Ok(Done)
}

fn restart(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    ask_to_restart(cx, args, Ending::Orderly)
}

fn crash_and_recover(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    ask_to_restart(cx, args, Ending::Abrupt)
}

fn ask_to_restart(cx: &mut ServerContext<'_>, args: &Args<'_>, ending: Ending) -> Outcome {
    let delay_ms = if args.len() > 2 { args.int(2)?.max(0) as u64 } else { 0 };
    cx.server.requests.push(Request::Restart { ending, delay_ms });
    Ok(Done)
}

fn leak(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    std::mem::forget(args.get(2).to_vec());
    cx.reply.ok();
    Ok(Done)
}

fn mallctl(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (name, platform) = (String::from_utf8_lossy(args.get(2)).into_owned(), &cx.server.resources.platform);
    let value = match args.len() {
        4 => platform.write_tuning(&name, args.int(3)? as u64),
        _ => platform.read_tuning(&name),
    };
    cx.reply.int(value.map_err(|reason| crate::error!("ERR {reason}"))? as i64);
    Ok(Done)
}

fn mallctl_text(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let name = String::from_utf8_lossy(args.get(2)).into_owned();
    let text = cx.server.resources.platform.read_tuning_text(&name);
    cx.reply.bulk(text.map_err(|reason| crate::error!("ERR {reason}"))?.as_bytes());
    Ok(Done)
}

fn structure_sizes(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.simple(&format!(
        "bits:{} value:{} client:{} database:{}",
        usize::BITS,
        size_of::<crate::values::Big>(),
        size_of::<Client>(),
        size_of::<crate::keyspace::database::Database>()
    ));
    Ok(Done)
}

fn client_eviction(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    let Some(buckets) = cx.server.clients.memory.by_size() else {
        return Err(Error::Text("ERR maxmemory-clients is disabled."));
    };
    let mut text = String::new();
    let buckets: Vec<(u64, usize, usize)> = buckets.collect();
    for (i, &(from, bytes, clients)) in buckets.iter().enumerate() {
        let to = match buckets.get(i + 1) {
            Some((next, ..)) => format!(" - {:10}", next - 1),
            None => "+            ".to_string(),
        };
        text += &format!("bucket {from:10}{to}: tot-mem: {bytes:10}, clients: {clients}\n");
    }
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(Done)
}

fn internal_secret(_: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    Err(Error::Text("ERR Internal secret is missing"))
}

fn script(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    if !args.is(2, "list") {
        return Err(Error::Text("ERR no script with that SHA"));
    }
    cx.reply.ok();
    Ok(Done)
}

/// Patterns and texts over few letters, so that they often match in part.
fn string_match(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    for _ in 0..10_000 {
        let mut draw = |letters: &[u8]| -> Vec<u8> {
            let len = cx.server.random.below(24);
            (0..len).map(|_| letters[cx.server.random.below(letters.len() as u64) as usize]).collect()
        };
        let (pattern, text) = (draw(b"ab*?[]^-\\"), draw(b"ab"));
        matches(&pattern, &text, Case::Sensitive);
    }
    cx.reply.simple("Apparently the server did not crash: test passed");
    Ok(Done)
}

fn string_match_one(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    cx.reply.int(i64::from(matches(args.get(2), args.get(3), Case::Sensitive)));
    Ok(Done)
}
