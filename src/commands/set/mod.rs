//! Sets: members, each once.

mod chance;
mod combine;
mod difference;
mod intersection;
mod read;
mod scan;
mod union;
mod update;

use super::row::Command;
use crate::formats::resp::reply::Reply;
use crate::values::set::SetRef;

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[
    update::COMMANDS,
    read::COMMANDS,
    chance::COMMANDS,
    intersection::COMMANDS,
    union::COMMANDS,
    difference::COMMANDS,
    scan::COMMANDS,
];

/// Answers all members, as a set.
fn answer_members(reply: &mut Reply, set: SetRef<'_>) {
    reply.set(set.len());
    set.for_each(|member| reply.bulk_entry(member));
}
