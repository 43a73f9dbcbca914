//! What a call changed: read once, after it ran, by `dispatch/settle`.

use crate::values::Kind;

/// What happened to a key, in the words of keyspace notifications: a class letter and an event's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The class in `notify-keyspace-events`: `g` generic, `$` string, `x` expired, `e` evicted, ...
    pub class: char,
    /// The event's name.
    pub name: &'static str,
    /// Whether calls that wait for the key run again.
    pub wakes: bool,
}

impl Event {
    /// A change that no notification tells of.
    pub const SILENT: Event = Event::new('\0', "").wakes_nobody();

    const fn new(class: char, name: &'static str) -> Event {
        Event { class, name, wakes: true }
    }

    /// The same, for a change that brings nothing for which anybody waits.
    pub const fn wakes_nobody(self) -> Event {
        Event { wakes: false, ..self }
    }

    /// An event of class `g`.
    pub const fn generic(name: &'static str) -> Event {
        Event::new('g', name)
    }

    /// An event of class `l`.
    pub const fn list(name: &'static str) -> Event {
        Event::new('l', name)
    }

    /// An event of class `s`.
    pub const fn set(name: &'static str) -> Event {
        Event::new('s', name)
    }

    /// An event of class `h`.
    pub const fn hash(name: &'static str) -> Event {
        Event::new('h', name)
    }

    /// An event of class `z`.
    pub const fn sorted_set(name: &'static str) -> Event {
        Event::new('z', name)
    }

    /// An event of class `t`.
    pub const fn stream(name: &'static str) -> Event {
        Event::new('t', name)
    }

    /// An event of class `$`.
    pub const fn string(name: &'static str) -> Event {
        Event::new('$', name)
    }
}

/// How a change is logged and sent to replicas.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum Propagation {
    /// The client's own words, when anything changed.
    #[default]
    AsReceived,
    /// These calls instead (none: nothing is logged).
    Instead(Vec<Vec<Vec<u8>>>),
    /// The client's own words, even when nothing changed.
    Always,
}

/// A change of a key that somebody watches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The database.
    pub db: usize,
    /// The key.
    pub key: Box<[u8]>,
    /// What happened.
    pub event: Event,
}

/// Keys that a call waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The keys: a change of any of them makes the call run again, if it is of this type then.
    pub keys: Vec<Box<[u8]>>,
    /// The type; `None`: no key at all makes it run.
    pub kind: Option<Kind>,
    /// How long it waits, in microseconds; `None`: for ever.
    pub timeout_us: Option<u64>,
    /// What runs then, if not the client's own words (XREAD's `$` has become an ID).
    pub call: Option<Vec<Vec<u8>>>,
    /// Whether it runs when a key has gone, too.
    pub even_without_key: bool,
    /// It runs, too, when the log is durable up to here, or is turned off.
    pub log_offset: Option<u64>,
}

/// What one call changed.
#[derive(Debug, Default)]
pub struct Effects {
    /// Changes since the last save count by this.
    pub dirty: u64,
    /// How the change is logged.
    pub propagation: Propagation,
    /// Whether anybody wants to know which keys changed (notifications, tracking, WATCH).
    pub observed: bool,
    /// The changes, when observed.
    pub changes: Vec<Change>,
    /// The client's connection ends when the reply is sent.
    pub close_client: bool,
    /// Databases of which everything changed.
    pub databases: Vec<usize>,
    /// Whether databases were emptied.
    pub flushed: bool,
    /// The call has not answered: it waits for keys.
    pub block: Option<Block>,
}

impl Effects {
    /// A key changed.
    #[inline]
    pub fn changed(&mut self, db: usize, key: &[u8], event: Event) {
        self.dirty += 1;
        if self.observed {
            self.changes.push(Change { db, key: key.into(), event });
        }
    }

    /// A further event of a key that `changed` has counted: only for whoever observes.
    #[inline]
    pub fn happened(&mut self, db: usize, key: &[u8], event: Event) {
        if self.observed {
            self.changes.push(Change { db, key: key.into(), event });
        }
    }

    /// All of a database was removed or replaced.
    pub fn database_changed(&mut self, db: usize) {
        if self.observed {
            self.databases.push(db);
        }
    }

    /// The log and the replicas get this call in place of the client's words (may be said several times).
    pub fn propagate_as(&mut self, call: &[&[u8]]) {
        let call = call.iter().map(|word| word.to_vec()).collect();
        match &mut self.propagation {
            Propagation::Instead(calls) => calls.push(call),
            _ => self.propagation = Propagation::Instead(vec![call]),
        }
    }

    /// Nothing is logged, whatever changed.
    pub fn propagate_nothing(&mut self) {
        self.propagation = Propagation::Instead(Vec::new());
    }

    /// Ready for the next call.
    #[inline]
    pub fn clear(&mut self) {
        self.dirty = 0;
        if self.propagation != Propagation::AsReceived {
            self.propagation = Propagation::AsReceived;
        }
        self.changes.clear();
        self.close_client = false;
        self.databases.clear();
        self.flushed = false;
        self.block = None;
    }
}
