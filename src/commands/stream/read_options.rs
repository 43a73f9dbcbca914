//! The words of XREAD and XREADGROUP.

use crate::commands::args::Args;
use crate::commands::error::Error;
use crate::commands::timeout;

/// Which of the two is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// XREAD.
    Anyone,
    /// XREADGROUP.
    Group,
}

/// What they are asked to do.
pub(super) struct ReadOptions {
    /// BLOCK: how long to wait in microseconds; `Some(None)`: for ever.
    pub(super) timeout_us: Option<Option<u64>>,
    /// COUNT: the most entries of each stream.
    pub(super) most: u64,
    /// NOACK: nothing becomes pending.
    pub(super) no_ack: bool,
    /// Where GROUP's name stands; the consumer's is behind it.
    pub(super) group_at: usize,
    /// Where the keys begin; behind them, as many IDs.
    pub(super) keys_at: usize,
    /// How many streams.
    pub(super) streams: usize,
}

impl ReadOptions {
    pub(super) fn read(args: &Args<'_>, reader: Reader, now_ms: u64) -> Result<ReadOptions, Error> {
        let mut options =
            ReadOptions { timeout_us: None, most: u64::MAX, no_ack: false, group_at: 0, keys_at: 0, streams: 0 };
        let mut i = 1;
        while options.keys_at == 0 {
            if i >= args.len() {
                return Err(Error::Syntax);
            }
            i = options.read_one(args, i, reader, now_ms)?;
        }
        match reader {
            Reader::Group if options.group_at == 0 => Err(Error::Text("ERR Missing GROUP option for XREADGROUP")),
            _ => Ok(options),
        }
    }

    /// Reads the option at word `i`. Gives the word behind it.
    fn read_one(&mut self, args: &Args<'_>, i: usize, reader: Reader, now_ms: u64) -> Result<usize, Error> {
        let more = args.len() - i - 1;
        if more >= 1 && args.is(i, "block") {
            self.timeout_us = Some(timeout::in_milliseconds(args.get(i + 1), now_ms)?);
            return Ok(i + 2);
        }
        if more >= 1 && args.is(i, "count") {
            self.most = match args.int(i + 1)? {
                ..=0 => u64::MAX,
                most => most as u64,
            };
            return Ok(i + 2);
        }
        if more >= 1 && args.is(i, "streams") {
            if more % 2 == 1 {
                return Err(unbalanced(reader));
            }
            (self.keys_at, self.streams) = (i + 1, more / 2);
            return Ok(args.len());
        }
        if more >= 2 && args.is(i, "group") {
            if reader == Reader::Anyone {
                return Err(Error::Text(
                    "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
                ));
            }
            self.group_at = i + 1;
            return Ok(i + 3);
        }
        if args.is(i, "noack") {
            if reader == Reader::Anyone {
                return Err(Error::Text(
                    "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
                ));
            }
            self.no_ack = true;
            return Ok(i + 1);
        }
        Err(Error::Syntax)
    }

    /// Stream `i`'s key and ID.
    pub(super) fn stream<'w>(&self, args: &'w Args<'_>, i: usize) -> (&'w [u8], &'w [u8]) {
        (args.get(self.keys_at + i), args.get(self.keys_at + self.streams + i))
    }

    /// All keys.
    pub(super) fn keys<'w>(&self, args: &'w Args<'_>) -> impl Iterator<Item = &'w [u8]> {
        (self.keys_at..self.keys_at + self.streams).map(|i| args.get(i))
    }
}

fn unbalanced(reader: Reader) -> Error {
    Error::Text(match reader {
        Reader::Anyone => {
            "ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified."
        }
        Reader::Group => {
            "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified."
        }
    })
}
