//! `ferrodis check-aof --for`: whether some other server can load a log, and what of it that server cannot hold.
//!
//! Calls of a log of ours are such as Redis 7.0 knows, but for those about fields that expire. A base is judged as an RDB file.

use std::collections::BTreeMap;
use std::fmt;

use crate::base::disk::Disk;
use crate::persistence::aof::check::Report;
use crate::persistence::check_rdb::{Target, Unreadable, check, write_verdict};

/// What a server can make of a log.
#[derive(Debug)]
pub struct Fit {
    target: Target,
    /// By the reason.
    unreadable: BTreeMap<String, Unreadable>,
}

impl Fit {
    /// Judges a log that was checked.
    pub fn of_log(disk: &dyn Disk, log: &Report, target: Target) -> Fit {
        let snapshots =
            log.files.iter().map(|file| &file.path).filter(|path| path.extension().is_some_and(|e| e == "rdb"));
        let mut unreadable = BTreeMap::new();
        for path in snapshots {
            unreadable.extend(check(disk, path, Some(target)).into_unreadable());
        }
        if !target.has_expiring_fields() && log.timed.keys > 0 {
            unreadable.insert("it does not know calls about fields that expire".to_owned(), log.timed.clone());
        }
        Fit { target, unreadable }
    }

    /// Whether it can be loaded.
    pub fn is_good(&self) -> bool {
        self.unreadable.is_empty()
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_verdict(f, self.target, &self.unreadable)
    }
}
