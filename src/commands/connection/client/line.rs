//! A client as one line of `field=value`: CLIENT LIST, CLIENT INFO, the log.

use crate::commands::args::Args;
use crate::commands::registry;
use crate::formats::resp::output::Output;
use crate::formats::resp::reply::Protocol;
use crate::server::Server;
use crate::server::clients::{Client, ClientIndex, Closing};
use std::fmt::Write;

/// What is known of the calling client, and does not stand in its record while its call runs.
pub struct Calling<'a> {
    /// Where its replies are being written.
    pub output: &'a Output,
    /// The bytes of its call.
    pub call_bytes: usize,
    /// The bytes of the call's words.
    pub argument_bytes: usize,
    /// The call's name, `client|list`.
    pub command: &'a str,
}

impl<'a> Calling<'a> {
    /// The client whose call has these words.
    pub fn of(args: &Args<'_>, output: &'a Output, command: &'a str) -> Calling<'a> {
        let argument_bytes = args.iter().map(<[u8]>::len).sum();
        let call_bytes = args.raw().map_or(argument_bytes, <[u8]>::len);
        Calling { output, call_bytes, argument_bytes, command }
    }
}

/// The line of the client at `index`, without an end of line; `calling` when it is the one that asks.
pub fn describe(server: &Server, index: ClientIndex, calling: Option<&Calling<'_>>) -> String {
    let client = server.clients.get(index);
    let output = calling.map_or(&client.output, |calling| calling.output);
    let command = match (calling, client.last_command) {
        // It is EXEC that the client has called.
        _ if client.executing.is_some() => "exec",
        (Some(calling), _) => calling.command,
        (None, Some(id)) => &registry::all()[id].full_name,
        (None, None) => "NULL",
    };
    let now_ms = server.time.monotonic_ms();
    let input_bytes = client.input_bytes + calling.map_or(0, |calling| calling.call_bytes);
    let input_capacity = client.input_capacity.max(input_bytes);
    let mut line = String::with_capacity(400);
    let mut add = |name: &str, value: &dyn std::fmt::Display| {
        let blank = if line.is_empty() { "" } else { " " };
        write!(line, "{blank}{name}={value}").expect("writing to a String does not fail");
    };
    add("id", &client.id);
    add("addr", &client.address);
    add("laddr", &client.local_address);
    add("fd", &client.descriptor);
    add("name", &String::from_utf8_lossy(&client.name));
    add("age", &(now_ms.saturating_sub(client.connected_ms) / 1000));
    add("idle", &(now_ms.saturating_sub(client.active_ms) / 1000));
    add("flags", &flags(client));
    add("db", &client.db);
    add("sub", &client.subscriptions.channels.len());
    add("psub", &client.subscriptions.patterns.len());
    add("ssub", &client.subscriptions.shards.len());
    let queued = client.transaction.as_deref().map(|transaction| (transaction.calls.len(), transaction.bytes()));
    let transaction = queued.or(client.executing.map(|running| (running.calls as usize, running.bytes as usize)));
    add("multi", &transaction.map_or(-1, |(calls, _)| calls as i64));
    add("watch", &client.watched.keys.len());
    add("qbuf", &(input_bytes - client.argument_bytes));
    add("qbuf-free", &(input_capacity - input_bytes));
    add("argv-mem", &(client.argument_bytes + argument_bytes(client, calling)));
    add("multi-mem", &transaction.map_or(0, |(_, bytes)| bytes));
    add("rbs", &output.tail_capacity());
    add("rbp", &output.tail_capacity());
    add("obl", &(output.len() - output.counted_bytes()));
    add("oll", &output.chunk_count());
    add("omem", &output.counted_bytes());
    add("tot-mem", &(size_of::<Client>() + input_capacity + output.capacity() + client.state_bytes()));
    add("events", &events(client, calling.is_some()));
    add("cmd", &command);
    add("user", &String::from_utf8_lossy(&server.acl.get(client.user).name));
    add("redir", &client.redirect_number());
    add("resp", &if client.protocol == Protocol::Resp3 { 3 } else { 2 });
    add("lib-name", &String::from_utf8_lossy(&client.lib_name));
    add("lib-ver", &String::from_utf8_lossy(&client.lib_version));
    add("io-thread", &0);
    add("tot-net-in", &client.bytes_in);
    add("tot-net-out", &client.bytes_out);
    add("tot-cmds", &client.calls);
    line
}

/// Bytes of the words of the call that runs, or waits.
fn argument_bytes(client: &Client, calling: Option<&Calling<'_>>) -> usize {
    let waiting = client.wait.as_ref().map_or(0, |wait| wait.call.iter().map(Vec::len).sum());
    calling.map_or(waiting, |calling| calling.argument_bytes)
}

/// One letter for each thing out of the ordinary, `N` for none.
pub(super) fn flags(client: &Client) -> String {
    let tracking = client.tracking.as_deref();
    let all = [
        ('O', client.is_monitor),
        ('P', !client.subscriptions.is_empty()),
        ('x', client.transaction.is_some() || client.executing.is_some()),
        ('b', client.wait.is_some() || client.is_parked),
        ('t', tracking.is_some()),
        ('R', tracking.is_some_and(|tracking| tracking.is_redirect_broken)),
        ('B', tracking.is_some_and(|tracking| tracking.is_broadcast)),
        ('d', client.watched.is_broken),
        ('c', client.closing == Closing::AfterReplies),
        ('A', client.closing == Closing::Now),
        ('U', client.is_local_socket),
        ('e', client.no_evict),
        ('T', client.no_touch),
    ];
    let set: String = all.iter().filter(|(_, is_set)| *is_set).map(|(letter, _)| letter).collect();
    if set.is_empty() { "N".into() } else { set }
}

/// What the loop waits for at its socket: something to read, room to write.
fn events(client: &Client, is_calling: bool) -> &'static str {
    let awaits_room = !is_calling && !client.is_pending && !client.output.is_empty();
    match (client.closing == Closing::No, awaits_room) {
        (true, true) => "rw",
        (true, false) => "r",
        (false, true) => "w",
        (false, false) => "",
    }
}
