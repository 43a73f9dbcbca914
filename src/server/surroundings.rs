//! The process around the server, for the little that a command asks of it at once: whether a new configuration can be had,
//! and the configuration file.

use super::config::{Config, Directive};
use crate::base::files;
use std::io;
use std::path::Path;

/// Why the process cannot have a new configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The directive that cannot be had.
    pub name: &'static str,
    /// Why, as CONFIG SET is to answer it.
    pub reason: String,
}

/// How something is doing that keeps the loop from going round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It has gone on since it was last asked for.
    GoesOn,
    /// It waits for the disk.
    Waits,
}

/// What a command may ask of the process.
pub trait Surroundings: Send {
    /// Gets ready for `new`, whose rows in `changed` differ from `old`: a port is opened, a directory entered. When it fails,
    /// all is as before. Paths in `new` become absolute. What has been got ready is put to use when the server's `config_changes` are acted on.
    fn try_config(&mut self, old: &Config, new: &mut Config, changed: &[&'static Directive]) -> Result<(), Refusal>;

    /// Whether a log can begin where `config` says; `is_ours`: there may be one of this server still.
    fn try_log(&self, _config: &Config, _is_ours: bool) -> Result<(), Refusal> {
        Ok(())
    }

    /// The loop goes on with something that keeps everybody waiting, a last snapshot say: whoever watches the process is to be
    /// patient. To be called again and again while it does.
    fn is_at_work(&mut self, _work: Work, _now_ms: u64) {}

    /// The whole content of a file.
    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Gives a file another content, durably: afterwards it has the old one or the new one, whatever happens.
    fn replace_file(&self, path: &Path, content: &[u8]) -> io::Result<()>;
}

/// A process without sockets: real files, and every configuration can be had.
#[derive(Debug, Clone, Copy, Default)]
pub struct Process;

impl Surroundings for Process {
    fn try_config(&mut self, _: &Config, _: &mut Config, _: &[&'static Directive]) -> Result<(), Refusal> {
        Ok(())
    }

    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn replace_file(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        files::replace(path, content)
    }
}
