//! Configuration: what can be set, how it is read, shown, changed and written back.
//!
//! ```text
//! rows/*.rs     one row for each directive: name, kind, field, default, support, doc
//!    |
//!    +-- directive.rs, kind.rs  what a row says, and how its kind of value is read and printed
//!    +-- fields.rs        Config: the parsed values, one plain field each
//!    +-- command_line.rs  words of the command line -> Invocation
//!    +-- load.rs          texts -> Config, with findings that have a place
//!    +-- change.rs        CONFIG GET, CONFIG SET, SIGHUP
//!    +-- rewrite.rs       CONFIG REWRITE
//!    `-- reference.rs     redis.conf.example, docs/CONFIG.md
//! ```
//!
//! Nothing here opens a file or acts on a value: texts are handed in, and whoever calls acts on what has changed.

mod change;
mod command_line;
mod directive;
mod fields;
mod kind;
mod load;
mod reference;
mod rewrite;
mod rows;
mod special;
mod suggest;
mod validate;
mod values;
mod words;

pub use change::{Change, SetContext, SetError};
pub use command_line::Invocation;
pub use directive::{Directive, Support, When};
pub use fields::Config;
pub use load::{
    ConfigError, Finding, Given, Include, JudgeCommand, JudgeUser, Known, Loaded, Place, Severity, Sources, check,
};
pub use reference::{example_file, reference_markdown};
pub use rewrite::Extent;
pub use rows::{TOPICS, Topic, directives, find};
pub use suggest::nearest;
pub use values::{
    EventClasses, Limit, OutputClass, OutputLimit, PrimaryAddress, RenamedCommand, SaveRule, Secret, ShutdownFlags,
    UserLine,
};
pub use words::{
    AclPubsubDefault, AppendFsync, ClusterConfigSave, EndpointType, HashTtlFormat, LogFormat, LogLevel,
    LogTimestampFormat, MaxmemoryPolicy, OomScoreAdj, Permission, PropagationErrorBehavior, RdbVersionCheck,
    ReplDisklessLoad, SanitizeDumpPayload, Supervised, SyslogFacility, TlsAuthClients, TlsAuthClientsUser,
};

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");
