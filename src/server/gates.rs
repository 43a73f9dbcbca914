//! Gates: reasons not to run a call at once, each a bit. One is raised for all clients (`Server::raised`) or for one
//! (`Client::raised`). Which calls a gate stops, and what happens to those, is `dispatch`'s to say.

/// The client has yet to authenticate.
pub const AUTH: u32 = 1 << 0;
/// The data set is being loaded.
pub const LOADING: u32 = 1 << 1;
/// A memory limit is set: there must be room.
pub const MEMORY: u32 = 1 << 2;
/// The disk refuses writes.
pub const DISK: u32 = 1 << 3;
/// The log's queue is full: writes wait.
pub const LOG_FULL: u32 = 1 << 4;
/// CLIENT PAUSE: writes wait.
pub const PAUSE_WRITES: u32 = 1 << 5;
/// CLIENT PAUSE: all wait.
pub const PAUSE_ALL: u32 = 1 << 6;
/// Somebody watches all calls.
pub const MONITOR: u32 = 1 << 7;
/// Commands that the configuration must allow (always raised).
pub const PROTECTED: u32 = 1 << 8;
/// The client hears no answers (CLIENT REPLY).
pub const MUTED: u32 = 1 << 9;
/// Every call is to be timed on its own.
pub const TIMED: u32 = 1 << 10;
/// The client's reads are no uses (CLIENT NO-TOUCH).
pub const NO_TOUCH: u32 = 1 << 11;

/// The client waits for the answer to an earlier call. Stops whatever comes behind it, unknown and malformed calls too.
pub const WAITING: u32 = 1 << 12;

/// The client's calls are queued until EXEC.
pub const MULTI: u32 = 1 << 13;

/// The client listens to channels and speaks RESP2: it may do little else.
pub const SUBSCRIBED: u32 = 1 << 14;

/// The client's user may not do everything.
pub const ACL: u32 = 1 << 15;
/// So many messages are on their way to listeners that nobody sends more.
pub const CROWDED: u32 = 1 << 16;
/// The client is shown all calls (MONITOR): it may not touch keys.
pub const WATCHER: u32 = 1 << 17;
/// The client is told of changes to what it has read (CLIENT TRACKING). Stops nothing: looked at behind each of its calls.
pub const TRACKING: u32 = 1 << 20;

/// Messages have come for the client. Stops nothing: those that came during its call stand behind the answer.
pub const TOLD: u32 = 1 << 21;

/// What is looked at behind a client's call.
pub const AFTERWARDS: u32 = TRACKING | TOLD;

/// Gates at which a call waits in its place.
pub const PARKING: u32 = LOG_FULL | PAUSE_WRITES | PAUSE_ALL | WAITING | CROWDED;
