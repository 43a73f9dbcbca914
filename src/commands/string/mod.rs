//! Strings.

mod get;
mod lcs;
mod many;
mod number;
mod range;
mod set;

use super::row::Command;
use crate::formats::resp::reply::Reply;
use crate::values::string::Text;

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] =
    &[set::COMMANDS, get::COMMANDS, number::COMMANDS, range::COMMANDS, many::COMMANDS, lcs::COMMANDS];

/// Answers a string, or none.
#[inline]
fn answer(reply: &mut Reply, text: Option<Text<'_>>) {
    match text {
        Some(Text::Bytes { bytes, .. }) => reply.bulk(bytes),
        Some(Text::Int(n)) => reply.bulk_int(n),
        None => reply.null(),
    }
}
