//! Strings as HyperLogLogs.

mod debug;
mod elements;

use super::error::Error;
use super::row::Command;
use crate::values::string::Text;
use crate::values::views::hyperloglog::{Corrupt, Form};

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[elements::COMMANDS, debug::COMMANDS];

impl From<Corrupt> for Error {
    fn from(_: Corrupt) -> Self {
        Error::Text("INVALIDOBJ Corrupted HLL object detected")
    }
}

/// The bytes of a string that is a HyperLogLog, and its form.
fn registers(text: Text<'_>) -> Result<(&[u8], Form), Error> {
    const NONE: Error = Error::Text("WRONGTYPE Key is not a valid HyperLogLog string value.");
    match text {
        Text::Bytes { bytes, .. } => Form::of(bytes).map(|form| (bytes, form)).ok_or(NONE),
        Text::Int(_) => Err(NONE),
    }
}
