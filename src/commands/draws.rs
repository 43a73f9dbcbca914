//! Draws with repetition (SRANDMEMBER, HRANDFIELD, ZRANDMEMBER with a negative count): the client names how many, which may be more than
//! any memory holds.

use super::error::Error;
use crate::formats::resp::reply::Reply;

/// Draws between two looks at how long the reply is by now.
const AT_ONCE: usize = 1000;

/// Answers `count` draws, some at a time: `some` is told how many. A reply of more than `most_bytes` ends in an error.
pub(super) fn answer_draws(
    reply: &mut Reply,
    most_bytes: usize,
    count: usize,
    mut some: impl FnMut(&mut Reply, usize),
) -> Result<(), Error> {
    let (mut left, start) = (count, reply.out.len());
    while left > 0 {
        let now = left.min(AT_ONCE);
        some(reply, now);
        left -= now;
        if reply.out.len() - start > most_bytes {
            return Err(Error::ReplyTooLong(most_bytes));
        }
    }
    Ok(())
}
