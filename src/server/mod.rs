//! Floor 7: all state that is not data. Knows no sockets: it holds buffers, never streams.

pub mod access;
pub mod acl;
pub mod blocking;
pub mod certificates;
pub mod client_memory;
pub mod clients;
pub mod config;
pub mod config_changes;
pub mod debug;
pub mod gates;
pub mod identity;
pub mod memory;
mod notify;
pub mod observe;
pub mod output_limits;
pub mod pause;
pub mod persistence;
pub mod pubsub;
pub mod report;
pub mod request;
pub mod resources;
pub mod surroundings;
pub mod tracking;
pub mod transaction;

use crate::base::clock::Clock;
use crate::base::hash::KeyHasher;
use crate::base::random::Generator;
use crate::keyspace::Keyspace;
use crate::keyspace::census::Taker;
use crate::keyspace::database::{Database, Now};
use crate::values::Encodings;
use acl::Acl;
use certificates::Certificates;
use clients::Clients;
use config::Config;
use debug::DebugSwitches;
use identity::Identity;
use observe::command_log::{CallBytes, CommandLog, cut_arguments};
use observe::command_stats::CommandStats;
use observe::error_stats::{ErrorStats, MAX_PREFIXES};
use observe::event_loop_stats::EventLoopStats;
use observe::expiry_lag::ExpiryLag;
use observe::hot_keys::HotKeys;
use observe::latency::LatencyMonitor;
use observe::rates::Rates;
use persistence::PersistenceState;
use request::Request;
use resources::Resources;
use std::path::PathBuf;
use std::sync::Arc;
use surroundings::Surroundings;

/// The version of Redis whose behaviour the server has: client libraries decide by it what they may ask.
pub const REDIS_VERSION: &str = "8.0.6";

/// The time, read once per turn.
#[derive(Debug, Default, Clone, Copy)]
pub struct Time {
    /// Microseconds since 1970.
    pub wall_us: u64,
    /// Nanoseconds of the monotonic clock.
    pub monotonic_ns: u64,
}

impl Time {
    /// Milliseconds since 1970.
    #[inline]
    pub fn wall_ms(self) -> u64 {
        self.wall_us / 1000
    }

    /// Milliseconds of the monotonic clock.
    #[inline]
    pub fn monotonic_ms(self) -> u64 {
        self.monotonic_ns / 1_000_000
    }

    /// The monotonic clock shows this now; the other has gone as far.
    #[inline]
    pub fn advance_to(&mut self, monotonic_ns: u64) {
        self.wall_us += monotonic_ns / 1000 - self.monotonic_ns / 1000; // so that the parts of many steps are not lost
        self.monotonic_ns = monotonic_ns;
    }
}

/// Plain counters that INFO shows.
#[derive(Debug, Default, Clone)]
pub struct Counters {
    /// Calls run.
    pub calls: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Connections refused for `maxclients`.
    pub rejected_connections: u64,
    /// Bytes read from clients.
    pub bytes_in: u64,
    /// Bytes written to clients.
    pub bytes_out: u64,
    /// Reads from sockets.
    pub reads: u64,
    /// Writes to sockets.
    pub writes: u64,
    /// Errors answered.
    pub error_replies: u64,
    /// Clients closed for their output.
    pub output_limit_disconnections: u64,
    /// Clients closed for their input.
    pub query_limit_disconnections: u64,
    /// Clients closed for `maxmemory-clients`.
    pub evicted_clients: u64,
    /// Values that the reaper has freed; a flushed database counts as many as it had keys.
    pub freed_later: u64,
    /// Values that wait for the reaper.
    pub free_later_pending: u64,
    /// Times that more keys were due than one slice may remove.
    pub expiry_slices_cut: u64,
    /// Calls of AUTH and HELLO with a wrong name or password.
    pub failed_authentications: u64,
    /// Calls denied for their command.
    pub denied_commands: u64,
    /// Calls denied for a key.
    pub denied_keys: u64,
    /// Calls denied for a channel.
    pub denied_channels: u64,
    /// Calls denied for a database.
    pub denied_databases: u64,
    /// Clients whose certificate names no user.
    pub unknown_certificates: u64,
}

/// Everything that is not a socket.
pub struct Server {
    /// The configuration in force.
    pub config: Config,
    /// The databases.
    pub keyspace: Keyspace,
    /// How collections are kept.
    pub encodings: Encodings,
    /// Databases that were flushed, to be freed elsewhere.
    pub garbage: Vec<Database>,
    /// The clients.
    pub clients: Clients,
    /// The users.
    pub acl: Acl,
    /// Gates raised for all clients.
    pub raised: u32,
    /// The time of this turn.
    pub time: Time,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Generator,
    /// Counters.
    pub counters: Counters,
    /// Calls and time per command.
    pub commands: CommandStats,
    /// Errors by kind.
    pub errors: ErrorStats,
    /// Slow calls.
    pub slow_log: CommandLog,
    /// Large requests.
    pub large_requests: CommandLog,
    /// Calls with large replies.
    pub large_replies: CommandLog,
    /// From how many bytes on a request or a reply is large.
    pub large_from: CallBytes,
    /// Which keys most calls go to.
    pub hot_keys: HotKeys,
    /// Keys by type, size and prefix.
    pub census: Taker,
    /// Latency spikes.
    pub latency: LatencyMonitor,
    /// Rates per second.
    pub rates: Rates,
    /// The loop's turns.
    pub event_loop: EventLoopStats,
    /// How late keys expire.
    pub expiry_lag: ExpiryLag,
    /// When the server started.
    pub started: Time,
    /// Changes since the last save.
    pub dirty: u64,
    /// `maxmemory` in bytes, percentages resolved; 0: none.
    pub memory_limit_bytes: u64,
    /// `maxmemory-clients` in bytes, a percentage resolved; 0: none.
    pub client_limit_bytes: u64,
    /// Memory and CPU.
    pub resources: Resources,
    /// Loading, snapshots, the log.
    pub persistence: PersistenceState,
    /// What commands have asked for and `dispatch` has yet to do.
    pub requests: Vec<Request>,
    /// What DEBUG has switched.
    pub debug: DebugSwitches,
    /// The signal that has asked for the end and has not been acted on.
    pub ending_signal: Option<&'static str>,
    /// Who this is.
    pub identity: Identity,
    /// The memory that percentages of `maxmemory` are of: the machine's, or what its cgroup may have; 0: not known.
    pub machine_memory_bytes: u64,
    /// When CLIENT PAUSE ends (monotonic ms); meaningful while one of its gates is raised.
    pub pause_until_ms: u64,
    /// What connections with TLS are set up with.
    pub certificates: Certificates,
    /// Directives that CONFIG SET has changed and whose owner (log, sockets, ...) has yet to act on them.
    pub config_changes: Vec<&'static str>,
    /// The configuration file, absolute, if there is one.
    pub config_path: Option<PathBuf>,
    /// The process around the server.
    pub surroundings: Box<dyn Surroundings>,
}

impl Server {
    /// A server without clients or keys. `seed` keys the hash of keys; what else is to be random or unique follows from it
    /// through SHA-1 and does not show it. `commands` is how many rows there are.
    pub fn new(config: Config, clock: Arc<dyn Clock>, seed: [u8; 16], commands: usize) -> Server {
        let time = Time { wall_us: clock.wall_us(), monotonic_ns: clock.monotonic_ns() };
        let policy = memory::policy(&config);
        let now = Now { ms: time.wall_ms() };
        let hasher = KeyHasher::new(seed);
        let mut server = Server {
            keyspace: Keyspace::new(config.databases as usize, hasher, now, policy),
            encodings: Encodings::new(hasher),
            garbage: Vec::new(),
            clients: Clients::default(),
            acl: Acl::new(&seed),
            raised: gates::PROTECTED,
            time,
            clock,
            random: Generator::new(identity::chance_seed(&seed)),
            counters: Counters::default(),
            commands: CommandStats::new(commands, config.latency_tracking),
            errors: ErrorStats::new(),
            hot_keys: HotKeys::default(),
            census: Taker::default(),
            slow_log: CommandLog::new(config.slowlog_max_len as usize),
            large_requests: CommandLog::new(config.commandlog_large_request_max_len as usize),
            large_replies: CommandLog::new(config.commandlog_large_reply_max_len as usize),
            large_from: CallBytes { request: usize::MAX, reply: usize::MAX },
            latency: LatencyMonitor::new(),
            rates: Rates::new(),
            event_loop: EventLoopStats::new(),
            expiry_lag: ExpiryLag::new(),
            started: time,
            dirty: 0,
            memory_limit_bytes: 0,
            client_limit_bytes: 0,
            resources: Resources::default(),
            persistence: PersistenceState::at_start(time.wall_us / 1_000_000),
            requests: Vec::new(),
            debug: DebugSwitches::default(),
            ending_signal: None,
            identity: Identity::of(&seed),
            machine_memory_bytes: 0,
            pause_until_ms: 0,
            certificates: Certificates::default(),
            config_changes: Vec::new(),
            config_path: None,
            surroundings: Box::new(surroundings::Process),
            config,
        };
        server.apply_config();
        server
    }

    /// Raises or clears a gate for all clients.
    pub fn set_gate(&mut self, gate: u32, is_raised: bool) {
        self.raised = if is_raised { self.raised | gate } else { self.raised & !gate };
    }

    /// Notes a call that was slow, if it was.
    pub fn note_slow_call<'a>(
        &mut self,
        client: clients::ClientIndex,
        is_skipped: bool,
        args: impl ExactSizeIterator<Item = &'a [u8]>,
        spent_us: u64,
    ) {
        let threshold = self.config.slowlog_log_slower_than_us;
        if threshold < 0 || is_skipped || (spent_us as i64) < threshold {
            return;
        }
        let client = self.clients.get(client);
        let seconds = (self.time.wall_us / 1_000_000) as i64;
        self.slow_log.record(seconds, spent_us, cut_arguments(args), &client.address, &client.name);
    }

    /// Notes a call that was large, or whose reply was.
    pub fn note_large_call(&mut self, client: clients::ClientIndex, bytes: CallBytes, arguments: &[Box<[u8]>]) {
        let client = self.clients.get(client);
        let seconds = (self.time.wall_us / 1_000_000) as i64;
        let note = |log: &mut CommandLog, bytes: usize| {
            log.record(seconds, bytes as u64, arguments.to_vec(), &client.address, &client.name);
        };
        if bytes.request >= self.large_from.request {
            note(&mut self.large_requests, bytes.request);
        }
        if bytes.reply >= self.large_from.reply {
            note(&mut self.large_replies, bytes.reply);
        }
    }

    /// Counts an error that is answered, by its first word.
    #[cold]
    pub fn count_error(&mut self, text: &str) {
        self.counters.error_replies += 1;
        let word = text.split(' ').next().unwrap_or("ERR");
        if let Some(words) = self.errors.record(word.as_bytes()) {
            log::warn!(
                "Errorstats stopped adding new errors because the number of errors reached the limit ({MAX_PREFIXES})."
            );
            log::warn!("Current errors code list: {words}");
        }
    }

    /// Notes a latency spike, if it is one.
    pub fn note_latency(&mut self, event: &'static str, spent_ms: u64) {
        let threshold = self.config.latency_monitor_threshold_ms;
        if threshold > 0 && spent_ms >= threshold {
            self.latency.record(event, (self.time.wall_us / 1_000_000) as i64, spent_ms);
        }
    }

    /// Shows a call to all who watch (MONITOR).
    pub fn show_to_monitors<'a>(&mut self, client: clients::ClientIndex, args: impl Iterator<Item = &'a [u8]>) {
        let caller = self.clients.get(client);
        let address =
            if caller.is_local_socket { format!("unix:{}", self.config.unixsocket) } else { caller.address.clone() };
        let (seconds, micros) = (self.time.wall_us / 1_000_000, self.time.wall_us % 1_000_000);
        let mut line = format!("+{seconds}.{micros:06} [{} {address}]", caller.db).into_bytes();
        for arg in args {
            line.push(b' ');
            crate::base::quote::print_quoted(arg, &mut line);
        }
        line.extend_from_slice(b"\r\n");
        if self.clients.monitors.is_empty() {
            self.raised &= !gates::MONITOR;
        }
        for monitor in self.clients.monitors.clone() {
            self.clients.get_mut(monitor).shown.extend_from_slice(&line);
        }
    }

    /// Bytes that count towards `maxmemory`: keys, tables, what clients' buffers hold, and what the process itself takes.
    #[inline]
    pub fn counted_memory(&self) -> usize {
        self.bytes_by_count() + self.resources.process_bytes as usize
    }

    /// Bytes that are counted as they come and go, unlike what the process takes besides, which is weighed now and then.
    #[inline]
    pub fn bytes_by_count(&self) -> usize {
        self.keyspace.used_bytes()
            + self.clients.memory.buffer_bytes()
            + self.commands.histogram_bytes()
            + self.clients.trackers.bytes()
    }

    /// Reads the clocks.
    #[inline]
    pub fn read_clock(&mut self) {
        self.time = Time { wall_us: self.clock.wall_us(), monotonic_ns: self.clock.monotonic_ns() };
    }

    /// Reads the monotonic clock: since both were read, which every turn begins with, the other has gone as far.
    #[inline]
    pub fn advance_clock(&mut self) {
        let now_ns = self.clock.monotonic_ns();
        self.time.advance_to(now_ns);
    }

    /// The time as the keyspace takes it.
    #[inline]
    pub fn now(&self) -> Now {
        Now { ms: self.time.wall_ms() }
    }
}
