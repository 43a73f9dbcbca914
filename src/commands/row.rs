//! A command is one row: all that the server knows of it stands there, next to its function.

use super::args::Args;
use super::context::{DataContext, ServerContext};
use super::error::Error;
use super::key_spec::{Begin, Find, KeySpec};
use super::reach::{Channels, Databases};

/// What a function answers: a reply was written, or an error is to be.
pub type Outcome = Result<Done, Error>;

/// A reply was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done;

/// A command's function: what its kind may touch.
#[derive(Clone, Copy)]
pub enum Run {
    /// Sees one database, limits, the clock, the reply and the effects.
    Data(fn(&mut DataContext<'_>, &mut Args<'_>) -> Outcome),
    /// Sees the server.
    Server(fn(&mut ServerContext<'_>, &mut Args<'_>) -> Outcome),
    /// Has subcommands only.
    Container,
}

/// How many words a call has, the name included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// So many.
    Exactly(u16),
    /// So many or more.
    AtLeast(u16),
}

impl Arity {
    /// Whether a call of `len` words fits.
    #[inline]
    pub fn fits(self, len: usize) -> bool {
        match self {
            Arity::Exactly(n) => len == n as usize,
            Arity::AtLeast(n) => len >= n as usize,
        }
    }

    /// As COMMAND INFO says it: negative for "or more".
    pub fn number(self) -> i64 {
        match self {
            Arity::Exactly(n) => n as i64,
            Arity::AtLeast(n) => -(n as i64),
        }
    }
}

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $word:literal),* $(,)?) => {
        /// Properties of a command, by Redis's names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Flag { $($(#[$doc])* $name),* }
        impl Flag {
            /// All of them, in the order that COMMAND INFO prints.
            pub const ALL: &[Flag] = &[$(Flag::$name),*];
            /// The name in COMMAND INFO.
            pub fn name(self) -> &'static str { match self { $(Flag::$name => $word),* } }
        }
    };
}

flags! {
    /// May change data.
    Write = "write",
    /// Never changes data.
    ReadOnly = "readonly",
    /// Refused when memory is short.
    DenyOom = "denyoom",
    /// Administration: dangerous in foreign hands.
    Admin = "admin",
    /// About channels.
    PubSub = "pubsub",
    /// Not from scripts.
    NoScript = "noscript",
    /// May wait for a key.
    Blocking = "blocking",
    /// Allowed while loading.
    Loading = "loading",
    /// Allowed on a replica that has lost its primary.
    Stale = "stale",
    /// Not shown to MONITOR.
    SkipMonitor = "skip_monitor",
    /// Not in the slow log.
    SkipSlowlog = "skip_slowlog",
    /// O(1) or O(log n).
    Fast = "fast",
    /// Allowed before AUTH.
    NoAuth = "no_auth",
    /// May be logged though it does not write.
    MayReplicate = "may_replicate",
    /// Off unless the configuration allows it.
    Protected = "protected",
    /// Allowed while a script runs too long.
    AllowBusy = "allow_busy",
    /// May have no key.
    NoMandatoryKeys = "no_mandatory_keys",
    /// Not while a replica loads in the background.
    NoAsyncLoading = "no_async_loading",
    /// Not inside MULTI.
    NoMulti = "no_multi",
    /// Touches keys that its words do not name.
    TouchesArbitraryKeys = "touches_arbitrary_keys",
    /// Allowed with ASKING.
    Asking = "asking",
}

/// ACL categories that do not follow from flags or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// Works on keys as such.
    Keyspace,
    /// Could harm the server.
    Dangerous,
    /// About connections.
    Connection,
    /// About administration.
    Admin,
    /// About transactions.
    Transaction,
    /// About lists, though it is of no one group.
    List,
    /// About sets.
    Set,
    /// About sorted sets.
    SortedSet,
}

impl Category {
    /// The name without `@`.
    pub fn name(self) -> &'static str {
        match self {
            Category::Keyspace => "keyspace",
            Category::Dangerous => "dangerous",
            Category::Connection => "connection",
            Category::Admin => "admin",
            Category::Transaction => "transaction",
            Category::List => "list",
            Category::Set => "set",
            Category::SortedSet => "sortedset",
        }
    }
}

/// A command, or a subcommand of one.
pub struct Command {
    /// Name in lower case, without the parent's.
    pub name: &'static str,
    /// What runs.
    pub run: Run,
    /// How many words it takes.
    pub arity: Arity,
    flags: u32,
    /// Where its keys are.
    pub keys: &'static [KeySpec],
    /// The word that names an element of its first key's collection, 0: none.
    pub element: u16,
    /// Its channels.
    pub channels: Channels,
    /// Databases that it reaches beside the client's own.
    pub databases: Databases,
    /// Its subcommands.
    pub subcommands: &'static [&'static Command],
    categories: &'static [Category],
    /// The version of Redis that had it first.
    pub since: &'static str,
    /// One line.
    pub summary: &'static str,
    /// As the documentation of Redis says it.
    pub complexity: &'static str,
    /// Its words behind the name, in Redis's notation.
    pub syntax: &'static str,
    /// Deprecated since a version of Redis, in favour of something.
    pub deprecated: Option<(&'static str, &'static str)>,
    /// Whether it is for tests and the like, and not for users (`syscmd` in COMMAND DOCS).
    pub is_internal: bool,
    /// Hints for clients and proxies (`command_tips`).
    pub tips: &'static [&'static str],
    /// (version, what changed).
    pub history: &'static [(&'static str, &'static str)],
    /// What HELP says of a subcommand beside its summary, where its syntax does not say all: its words, and lines on them.
    pub help: Option<(&'static str, &'static [&'static str])>,
    secrets: Option<IsSecret>,
}

/// Whether word `i` of a call must not be shown to others (MONITOR, the slow log).
pub type IsSecret = fn(args: &Args<'_>, i: usize) -> bool;

impl Command {
    const fn new(name: &'static str, run: Run) -> Command {
        Command {
            name,
            run,
            arity: Arity::AtLeast(1),
            flags: 0,
            keys: &[],
            element: 0,
            channels: Channels::None,
            databases: Databases::None,
            subcommands: &[],
            categories: &[],
            since: "1.0.0",
            summary: "",
            complexity: "O(1)",
            syntax: "",
            deprecated: None,
            is_internal: false,
            tips: &[],
            history: &[],
            help: None,
            secrets: None,
        }
    }

    /// A command that sees one database.
    pub const fn data(name: &'static str, run: fn(&mut DataContext<'_>, &mut Args<'_>) -> Outcome) -> Command {
        Command::new(name, Run::Data(run))
    }

    /// A command that sees the server.
    pub const fn server(name: &'static str, run: fn(&mut ServerContext<'_>, &mut Args<'_>) -> Outcome) -> Command {
        Command::new(name, Run::Server(run))
    }

    /// A command that has only subcommands.
    pub const fn container(name: &'static str, subcommands: &'static [&'static Command]) -> Command {
        let mut command = Command::new(name, Run::Container);
        command.subcommands = subcommands;
        command.arity = Arity::AtLeast(2);
        command
    }

    /// A command that has subcommands, and is called without one too.
    pub const fn subcommands(mut self, subcommands: &'static [&'static Command]) -> Command {
        self.subcommands = subcommands;
        self
    }

    /// How many words it takes, its name (and for a subcommand its parent's) included.
    pub const fn arity(mut self, arity: Arity) -> Command {
        self.arity = arity;
        self
    }

    /// Its properties.
    pub const fn flags(mut self, flags: &[Flag]) -> Command {
        let mut i = 0;
        while i < flags.len() {
            self.flags |= 1 << flags[i] as u32;
            i += 1;
        }
        self
    }

    /// Where its keys are.
    pub const fn keys(mut self, keys: &'static [KeySpec]) -> Command {
        self.keys = keys;
        self
    }

    /// Which word usually names an element of the first key's collection: the cache is asked for it ahead.
    pub const fn element(mut self, word: u16) -> Command {
        self.element = word;
        self
    }

    /// Its channels.
    pub const fn channels(mut self, channels: Channels) -> Command {
        self.channels = channels;
        self
    }

    /// Databases that it reaches beside the client's own.
    pub const fn databases(mut self, databases: Databases) -> Command {
        self.databases = databases;
        self
    }

    /// ACL categories beyond those of its flags and group.
    pub const fn categories(mut self, categories: &'static [Category]) -> Command {
        self.categories = categories;
        self
    }

    /// The version of Redis that had it first.
    pub const fn since(mut self, version: &'static str) -> Command {
        self.since = version;
        self
    }

    /// One line for COMMAND DOCS.
    pub const fn summary(mut self, summary: &'static str) -> Command {
        self.summary = summary;
        self
    }

    /// Its complexity.
    pub const fn complexity(mut self, complexity: &'static str) -> Command {
        self.complexity = complexity;
        self
    }

    /// Its words behind the name.
    pub const fn syntax(mut self, syntax: &'static str) -> Command {
        self.syntax = syntax;
        self
    }

    /// Since when something else is to be used.
    pub const fn deprecated(mut self, since: &'static str, instead: &'static str) -> Command {
        self.deprecated = Some((since, instead));
        self
    }

    /// It is for tests and the like, and not for users.
    pub const fn internal(mut self) -> Command {
        self.is_internal = true;
        self
    }

    /// Hints for clients and proxies.
    pub const fn tips(mut self, tips: &'static [&'static str]) -> Command {
        self.tips = tips;
        self
    }

    /// What changed in which version.
    pub const fn history(mut self, history: &'static [(&'static str, &'static str)]) -> Command {
        self.history = history;
        self
    }

    /// What HELP says of a subcommand in place of its syntax, and lines behind its summary.
    pub const fn help(mut self, words: &'static str, lines: &'static [&'static str]) -> Command {
        self.help = Some((words, lines));
        self
    }

    /// Which of its words are passwords and the like.
    pub const fn secrets(mut self, is_secret: IsSecret) -> Command {
        self.secrets = Some(is_secret);
        self
    }

    /// The words of a call as others may see them.
    pub fn shown<'a>(&'a self, args: &'a Args<'_>) -> impl ExactSizeIterator<Item = &'a [u8]> {
        (0..args.len()).map(move |i| match self.secrets {
            Some(is_secret) if is_secret(args, i) => b"(redacted)",
            _ => args.get(i),
        })
    }

    /// Whether it has the flag.
    #[inline(always)]
    pub const fn has(&self, flag: Flag) -> bool {
        self.flags & 1 << flag as u32 != 0
    }

    /// Its flags as COMMAND INFO prints them.
    pub fn flag_names(&self) -> Vec<&'static str> {
        // Redis keeps these to itself.
        let is_hidden = |flag| matches!(flag, Flag::TouchesArbitraryKeys | Flag::Protected | Flag::MayReplicate);
        let is_shown = |flag: Flag| self.has(flag) && !is_hidden(flag);
        let mut names: Vec<_> = Flag::ALL.iter().filter(|&&flag| is_shown(flag)).map(|flag| flag.name()).collect();
        if self.keys.iter().any(|spec| !spec.is_range()) {
            names.push("movablekeys");
        }
        names
    }

    /// First key, last key (negative: from the end) and step, as COMMAND INFO says them: the keys that stand in one range.
    /// Zeros when there is none.
    pub fn key_range(&self) -> (i64, i64, i64) {
        let ranges = self.keys.iter().filter_map(|spec| match (spec.begin, spec.find) {
            (Begin::Index(first), Find::Range { last, step, .. }) => {
                Some((first as i64, if last < 0 { last as i64 } else { (first + last) as i64 }, step as i64))
            }
            _ => None,
        });
        if let [_] = self.keys {
            return ranges.into_iter().next().unwrap_or_default();
        }
        // Ranges that follow one another count as one.
        ranges.filter(|&(_, _, step)| step == 1).fold((0, 0, 0), |joined, next| match joined {
            (0, 0, 0) => next,
            (first, last, _) if last >= 0 && next.0 == last + 1 => (first, next.1, 1),
            _ => joined,
        })
    }

    /// Its ACL categories, without `@`, for a command of `group`.
    pub fn category_names(&self, group: &'static str) -> Vec<&'static str> {
        let by_flag = [
            (Flag::Write, "write"),
            (Flag::ReadOnly, "read"),
            (Flag::Admin, "admin"),
            (Flag::Admin, "dangerous"),
            (Flag::PubSub, "pubsub"),
            (Flag::Fast, "fast"),
            (Flag::Blocking, "blocking"),
        ];
        let mut names: Vec<&str> = by_flag.iter().filter(|(flag, _)| self.has(*flag)).map(|(_, name)| *name).collect();
        if !self.has(Flag::Fast) {
            names.push("slow");
        }
        if matches!(self.run, Run::Container) {
            return names;
        }
        names.extend(match group {
            "string" | "bitmap" | "connection" | "list" | "set" | "hash" | "stream" | "hyperloglog" | "geo" => {
                Some(group)
            }
            "sorted_set" => Some("sortedset"),
            // WAIT and the container OBJECT are about no keys themselves, and SORT is about types.
            "generic" if self.has(Flag::Blocking) || !self.subcommands.is_empty() => None,
            "generic" if self.categories.contains(&Category::List) => None,
            "generic" => Some("keyspace"),
            _ => None,
        });
        for category in self.categories {
            if !names.contains(&category.name()) {
                names.push(category.name());
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_flags_have_a_bit() {
        assert!(Flag::ALL.len() <= 32);
        assert!(Flag::ALL.iter().enumerate().all(|(i, flag)| *flag as usize == i));
    }
}
