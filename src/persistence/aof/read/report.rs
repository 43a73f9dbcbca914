//! What the reader has to say: notices, and why a log cannot be loaded.

use std::fmt;
use std::path::PathBuf;

use crate::persistence::Trouble;

/// Something that whoever starts the server should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A torn end was cut off.
    Cut {
        /// The file.
        path: PathBuf,
        /// Its length since, in bytes.
        len: u64,
        /// What was cut off, in bytes.
        cut_bytes: u64,
        /// Where that is kept; none if the file was left as it is.
        kept: Option<PathBuf>,
    },
    /// Calls that another server appended behind our blocks were loaded.
    ForeignCalls {
        /// The file.
        path: PathBuf,
        /// How many.
        calls: u64,
    },
    /// Another server had cut a block of ours; what it left was loaded.
    CutBlock {
        /// The file.
        path: PathBuf,
        /// Where the block's head stands.
        offset: u64,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Cut { path, len, cut_bytes, kept: Some(kept) } => write!(
                f,
                "The AOF file {} had a torn end: truncated at offset {len}, the last {cut_bytes} bytes are kept in {}",
                path.display(),
                kept.display()
            ),
            Notice::Cut { path, len, cut_bytes, kept: None } => {
                write!(
                    f,
                    "The AOF file {} has a torn end: the last {cut_bytes} bytes, from offset {len}",
                    path.display()
                )
            }
            Notice::ForeignCalls { path, calls } => {
                write!(f, "The AOF file {} has {calls} calls appended by another server: loaded", path.display())
            }
            Notice::CutBlock { path, offset } => write!(
                f,
                "The AOF file {} has a block at offset {offset} that another server cut: what it left is loaded",
                path.display()
            ),
        }
    }
}

/// Why the log cannot be loaded. The words are Redis's where it has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// A file of the manifest is not there.
    Missing {
        /// Its name.
        name: String,
        /// The system's reason.
        trouble: Trouble,
    },
    /// A base that was a snapshot, and the smallest snapshot takes some bytes.
    EmptyBase {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be opened, read or cut.
    Disk(Trouble),
    /// A file ends in the middle of something, and `aof-load-truncated` is off.
    UnexpectedEnd {
        /// The file.
        path: PathBuf,
        /// The offset up to which it is whole.
        offset: u64,
    },
    /// A file that is not the last one ends in the middle of something.
    TruncatedNotLast {
        /// The file.
        path: PathBuf,
        /// The offset up to which it is whole.
        offset: u64,
    },
    /// Something that is no call.
    BadFormat {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
    },
    /// A block that was durable does not match its checksum.
    DamagedBlock {
        /// The file.
        path: PathBuf,
        /// Where its head stands, or should stand.
        offset: u64,
        /// Valid blocks behind it, which a cut would lose.
        good_blocks: u64,
        /// Their bytes.
        good_bytes: u64,
        /// Whether the file may be cut there: no other follows.
        can_be_cut: bool,
    },
    /// A block does not stand where the log goes on.
    Gap {
        /// The file.
        path: PathBuf,
        /// Where its head stands.
        offset: u64,
        /// The log offset that should come.
        expected: u64,
        /// The log offset that it has.
        found: u64,
        /// Whether the file may be cut there: no other follows.
        can_be_cut: bool,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Missing { name, trouble } => {
                write!(f, "The append log file {name} doesn't exist: {}", trouble.reason)
            }
            LoadError::EmptyBase { path } => write!(
                f,
                "The base of the append only file is empty: {} was a snapshot. Restore it from a backup, or remove its line from \
                 the manifest (giving up what it held).",
                path.display()
            ),
            LoadError::Disk(trouble) => write!(f, "Unrecoverable error reading the append only file: {trouble}"),
            LoadError::UnexpectedEnd { path, offset } => write!(
                f,
                "Unexpected end of file reading the append only file {} (whole up to offset {offset}). You can: 1) see what \
                 would be lost with 'ferrodis check-aof', and cut it off with 'ferrodis check-aof --fix'. 2) Set the \
                 'aof-load-truncated' configuration option to yes and restart the server.",
                path.display()
            ),
            LoadError::TruncatedNotLast { path, offset } => write!(
                f,
                "Fatal error: the truncated file is not the last file: {} ends in the middle of something at offset {offset}, \
                 and others follow. You can: 1) restore it from a backup. 2) Remove the lines of the files behind it from the \
                 manifest (giving up what they hold), then use 'ferrodis check-aof --fix'.",
                path.display()
            ),
            LoadError::BadFormat { path, offset } => write!(
                f,
                "Bad file format reading the append only file {} at offset {offset}: make a backup of your AOF file, then see \
                 what would be lost with 'ferrodis check-aof', and cut it off with 'ferrodis check-aof --fix'.",
                path.display()
            ),
            LoadError::DamagedBlock { path, offset, good_blocks, good_bytes, can_be_cut } => {
                write!(
                    f,
                    "Damaged block in the append only file {} at offset {offset}: it was durable, and {good_blocks} valid blocks \
                     ({good_bytes} bytes) stand behind it. ",
                    path.display()
                )?;
                f.write_str(ways_out(*can_be_cut))
            }
            LoadError::Gap { path, offset, expected, found, can_be_cut } => {
                write!(
                    f,
                    "A part of the log is missing before offset {offset} of the append only file {}: log offset {expected} should \
                     follow, {found} does. ",
                    path.display()
                )?;
                f.write_str(ways_out(*can_be_cut))
            }
        }
    }
}

/// What can be done about data that were durable and are not there.
fn ways_out(can_be_cut: bool) -> &'static str {
    if can_be_cut {
        "You can: 1) restore what is missing from a backup. 2) Give up everything from there on with 'ferrodis check-aof --fix', \
         which keeps what it cuts off in a file beside it."
    } else {
        "Restore what is missing from a backup: to cut the file there does not help."
    }
}

impl std::error::Error for LoadError {}

impl From<Trouble> for LoadError {
    fn from(trouble: Trouble) -> LoadError {
        LoadError::Disk(trouble)
    }
}
