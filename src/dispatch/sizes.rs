//! Large requests and replies, for COMMANDLOG.
//!
//! While nothing is large this costs a comparison per call, of the length of the replies, which the loop over a batch reads anyhow:
//! a call is looked at only when its batch, or the replies to it so far, have the bytes of a large one.

use super::Dispatcher;
use super::batch::Batch;
use crate::commands::args::Args;
use crate::commands::registry::Hot;
use crate::commands::row::Flag;
use crate::server::clients::ClientIndex;
use crate::server::observe::command_log::{CallBytes, cut_arguments};

/// A large request as it was before it ran, when it may hand over its big arguments.
pub(super) struct LargeRequest {
    bytes: usize,
    shown: Vec<Box<[u8]>>,
}

impl Dispatcher {
    /// From which length of all replies on the calls of a batch are to be looked at, when they begin behind `replied` bytes.
    #[inline]
    pub(super) fn look_at_sizes_from(&self, batch: &Batch, replied: usize) -> usize {
        let large_from = self.server.large_from;
        match batch.bytes() >= large_from.request {
            true => 0,
            false => replied.saturating_add(large_from.reply),
        }
    }

    /// What is to be remembered of a request of so many bytes before it runs, if it is a large one.
    pub(super) fn large_request(&self, row: Option<&Hot>, args: &Args<'_>, bytes: usize) -> Option<LargeRequest> {
        let row = row.filter(|_| bytes >= self.server.large_from.request)?;
        Some(LargeRequest { bytes, shown: cut_arguments(self.innermost(row, args).command.shown(args)) })
    }

    /// Notes a call that ran, if it or its reply was large.
    pub(super) fn note_sizes(&mut self, client: ClientIndex, row: &Hot, args: &Args<'_>, reply_bytes: usize) {
        let bytes = CallBytes { request: args.wire_bytes(), reply: reply_bytes };
        let row = self.innermost(row, args);
        if bytes.reach(self.server.large_from) && !row.command.has(Flag::SkipSlowlog) {
            self.server.note_large_call(client, bytes, &cut_arguments(row.command.shown(args)));
        }
    }

    /// Notes a call that ran and was a large request.
    pub(super) fn note_large_request(&mut self, client: ClientIndex, request: &LargeRequest, reply_bytes: usize) {
        let bytes = CallBytes { request: request.bytes, reply: reply_bytes };
        self.server.note_large_call(client, bytes, &request.shown);
    }

    /// The subcommand's row, when the call has one.
    fn innermost(&self, row: &Hot, args: &Args<'_>) -> Hot {
        let has_subcommand = !row.command.subcommands.is_empty() && args.len() > 1;
        has_subcommand.then(|| self.subcommand(row, args).ok()).flatten().unwrap_or(*row)
    }
}
