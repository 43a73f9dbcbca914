//! Calls that are answered by an error: refused before they ran, failed while they did, or of no known name.

use super::Dispatcher;
use crate::commands::args::Args;
use crate::commands::error::Error;
use crate::commands::registry::Hot;
use crate::error;
use crate::formats::resp::output::Mark;
use crate::formats::resp::reply::Reply;
use crate::server::clients::{ClientIndex, Closing};

/// How often the log hears of cross-protocol attacks at most.
const ATTACK_LOG_MS: u64 = 60_000;

impl Dispatcher {
    /// A call is refused before it ran: nothing of the client's transaction will run either.
    #[cold]
    pub(super) fn refuse(&mut self, client: ClientIndex, row: &Hot, mut error: Error, reply: &mut Reply) {
        self.server.commands.record_rejected(row.id);
        let state = self.server.clients.get_mut(client);
        state.end_caching();
        state.last_command = Some(row.id);
        if row.command.name == "exec" {
            state.end_transaction();
            self.server.clients.unwatch(client);
            let why = error.text();
            // Redis leaves the code out where it has the text from no list: of this one error.
            let why = if matches!(error, Error::Arity(_)) { why.trim_start_matches("ERR ") } else { &why };
            error = error!("EXECABORT Transaction discarded because of: {why}");
        } else {
            state.abort_transaction();
        }
        self.answer_error(None, &error, reply);
    }

    /// A call failed while it ran: its error takes the place of what it had answered.
    #[cold]
    pub(super) fn answer_failure(
        &mut self,
        client: ClientIndex,
        row: &Hot,
        error: &Error,
        mark: Mark,
        reply: &mut Reply,
    ) {
        reply.out.cut_back(mark);
        self.answer_error(Some(row.id), error, reply);
        if matches!(error, Error::ReplyTooLong(_)) {
            self.server.note_reply_too_long(client);
        }
    }

    #[cold]
    pub(super) fn answer_error(&mut self, ran: Option<usize>, error: &Error, reply: &mut Reply) {
        let text = error.text();
        if let Some(id) = ran {
            self.server.commands.record_failed(id);
        }
        self.server.count_error(&text);
        reply.error(&text);
    }

    /// A browser was made to send a form to this port: its connection ends before the form's body is taken for commands.
    /// The log hears of it once a minute at most, so that the sender cannot fill it.
    fn end_cross_protocol(&mut self, client: ClientIndex) {
        let now_ms = self.server.time.monotonic_ms();
        let state = self.server.clients.get_mut(client);
        state.closing = Closing::Now;
        if self.attack_log_ms.is_some_and(|last_ms| now_ms - last_ms < ATTACK_LOG_MS) {
            return;
        }
        self.attack_log_ms = Some(now_ms);
        log::warn!(
            "Possible SECURITY ATTACK detected. Somebody sends POST or Host: as commands, as a browser does that was tricked \
             into talking to this server (cross-protocol scripting). Connection from {} aborted.",
            state.address
        );
    }

    #[cold]
    pub(super) fn refuse_unknown(&mut self, client: ClientIndex, args: &Args<'_>, reply: &mut Reply) {
        let state = self.server.clients.get_mut(client);
        state.abort_transaction();
        state.end_caching();
        state.last_command = None;
        if args.is(0, "post") || args.is(0, "host:") {
            return self.end_cross_protocol(client);
        }
        let show = |bytes: &[u8]| {
            let len = memchr::memchr(0, bytes).unwrap_or(bytes.len()); // Redis shows them as C strings
            String::from_utf8_lossy(&bytes[..len.min(128)]).into_owned()
        };
        let mut rest = String::new();
        for word in args.from(1) {
            if rest.len() >= 128 {
                break;
            }
            rest.push_str(&format!("'{}' ", show(&word[..word.len().min(128 - rest.len())])));
        }
        self.server.count_error("ERR");
        reply.error(&format!("ERR unknown command '{}', with args beginning with: {rest}", show(args.get(0))));
    }
}
