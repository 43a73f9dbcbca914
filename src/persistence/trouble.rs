//! What the disk refused, in a form that can be kept, compared and shown.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// An operation on a file that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What was tried, as the words behind "cannot": `write`, `sync`, …
    pub action: &'static str,
    /// On which file or directory.
    pub path: PathBuf,
    /// The operating system's reason, such as `No space left on device`.
    pub reason: String,
    /// What kind of reason it is.
    pub kind: io::ErrorKind,
}

impl Trouble {
    /// `error`, met while trying to `action` the file at `path`.
    pub fn new(action: &'static str, path: &Path, error: &io::Error) -> Trouble {
        let mut reason = error.to_string();
        if let Some(end) = reason.find(" (os error ") {
            reason.truncate(end);
        }
        Trouble { action, path: path.to_owned(), reason, kind: error.kind() }
    }

    /// Nothing writes `what` any more.
    pub(super) fn of_lost_writer(what: &str) -> Trouble {
        let (reason, kind) = ("there is no thread for it".into(), io::ErrorKind::BrokenPipe);
        Trouble { action: "write", path: what.into(), reason, kind }
    }

    /// For `map_err`: makes a trouble of an error.
    pub fn at(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Trouble {
        move |error| Trouble::new(action, path, &error)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}", self.action, self.path.display(), self.reason)
    }
}

impl std::error::Error for Trouble {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_the_path_and_the_reason() {
        let full = io::Error::from_raw_os_error(28);
        let trouble = Trouble::at("write", Path::new("/data/x.aof"))(full);
        assert_eq!(trouble.to_string(), "cannot write /data/x.aof: No space left on device");
        assert_eq!(trouble.kind, io::ErrorKind::StorageFull);
    }
}
