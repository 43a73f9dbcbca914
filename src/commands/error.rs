//! Every error text that commands answer. Lower floors have small errors of their own, which convert.

use crate::keyspace::database::{EditError, Full, IncrementError};
use crate::structures::element_table;
use crate::values::WrongType;
use std::borrow::Cow;

/// Why a command did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The key holds another type.
    WrongType,
    /// Not a 64-bit integer.
    NotInteger,
    /// Not a number.
    NotFloat,
    /// The words do not fit the command.
    Syntax,
    /// An index beyond what there is.
    IndexOutOfRange,
    /// A number beyond what is allowed.
    ValueOutOfRange,
    /// A database number beyond `databases`.
    DbIndex,
    /// No such key.
    NoSuchKey,
    /// Source and destination are one.
    SameObject,
    /// Memory is short and none can be freed.
    OutOfMemory,
    /// The integer would leave 64 bits.
    Overflow,
    /// A deadline that is no time.
    InvalidExpire(&'static str),
    /// A string longer than `proto-max-bulk-len`.
    StringTooLong,
    /// A reply of more bytes than this, whose length the client alone decides.
    ReplyTooLong(usize),
    /// The wrong number of words for `name`.
    Arity(String),
    /// A fixed text, code and all.
    Text(&'static str),
    /// A composed text, code and all.
    Composed(String),
}

impl Error {
    /// The line behind the `-`.
    pub fn text(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Error::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            Error::NotInteger => "ERR value is not an integer or out of range",
            Error::NotFloat => "ERR value is not a valid float",
            Error::Syntax => "ERR syntax error",
            Error::IndexOutOfRange => "ERR index out of range",
            Error::ValueOutOfRange => "ERR value is out of range",
            Error::DbIndex => "ERR DB index is out of range",
            Error::NoSuchKey => "ERR no such key",
            Error::SameObject => "ERR source and destination objects are the same",
            Error::OutOfMemory => "OOM command not allowed when used memory > 'maxmemory'.",
            Error::Overflow => "ERR increment or decrement would overflow",
            Error::StringTooLong => "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            Error::InvalidExpire(name) => return Cow::Owned(format!("ERR invalid expire time in '{name}' command")),
            Error::Arity(name) => return Cow::Owned(format!("ERR wrong number of arguments for '{name}' command")),
            Error::ReplyTooLong(most) => {
                return Cow::Owned(format!("ERR the reply would be longer than {most} bytes"));
            }
            Error::Text(text) => text,
            Error::Composed(text) => return Cow::Owned(text.clone()),
        })
    }
}

/// Composes an error: `error!("ERR unknown subcommand '{name}'")`.
#[macro_export]
macro_rules! error {
    ($($part:tt)*) => { $crate::commands::error::Error::Composed(format!($($part)*)) };
}

impl From<WrongType> for Error {
    fn from(_: WrongType) -> Self {
        Error::WrongType
    }
}

impl From<Full> for Error {
    fn from(_: Full) -> Self {
        Error::Text("OOM the database holds 4294967296 keys, the most there can be")
    }
}

impl From<element_table::Full> for Error {
    fn from(_: element_table::Full) -> Self {
        Error::Text("OOM the collection holds 4294967296 elements, the most there can be")
    }
}

impl From<EditError> for Error {
    fn from(error: EditError) -> Self {
        match error {
            EditError::WrongType => Error::WrongType,
            EditError::Full => Full.into(),
        }
    }
}

impl From<IncrementError> for Error {
    fn from(error: IncrementError) -> Self {
        match error {
            IncrementError::WrongType => Error::WrongType,
            IncrementError::NotInteger => Error::NotInteger,
            IncrementError::Overflow => Error::Overflow,
            IncrementError::Full => Full.into(),
        }
    }
}
