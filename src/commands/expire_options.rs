//! The words by which SET, GETEX and MSETEX say when a key ends: EX, PX, EXAT, PXAT, and KEEPTTL or PERSIST.
//!
//! As in Redis, one of them may be said again (the last counts), two different ones may not; the number is read only when all
//! words have been understood.

use super::args::Args;
use super::error::Error;
use crate::base::number::parse_i64;
use crate::keyspace::database::Expiry;

/// What a number behind EX and its like counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Milliseconds,
}

/// Where it counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Now,
    Epoch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Keep,
    Persist,
    Time(Unit, Origin),
}

/// What the words of a call say of the deadline, as far as they have been read.
#[derive(Debug, Clone, Copy)]
pub struct ExpireOption {
    said: Said,
    /// The word with the number.
    number: usize,
    /// KEEPTTL or PERSIST, whichever the command knows.
    other: (&'static str, Said),
}

impl ExpireOption {
    /// For SET and MSETEX: EX, PX, EXAT, PXAT or KEEPTTL.
    pub fn or_keep() -> ExpireOption {
        ExpireOption { said: Said::Nothing, number: 0, other: ("keepttl", Said::Keep) }
    }

    /// For GETEX: EX, PX, EXAT, PXAT or PERSIST.
    pub fn or_persist() -> ExpireOption {
        ExpireOption { said: Said::Nothing, number: 0, other: ("persist", Said::Persist) }
    }

    /// Reads the option at word `i`: the word behind it, or None when it is none of these, or contradicts one before, or
    /// lacks its number (all of which are syntax errors when nothing else takes the word).
    pub fn read(&mut self, args: &Args<'_>, i: usize) -> Option<usize> {
        const TIMES: [(&str, Said); 4] = [
            ("ex", Said::Time(Unit::Seconds, Origin::Now)),
            ("px", Said::Time(Unit::Milliseconds, Origin::Now)),
            ("exat", Said::Time(Unit::Seconds, Origin::Epoch)),
            ("pxat", Said::Time(Unit::Milliseconds, Origin::Epoch)),
        ];
        let (_, said) = TIMES.into_iter().chain([self.other]).find(|(name, _)| args.is(i, name))?;
        if self.said != Said::Nothing && self.said != said {
            return None;
        }
        self.said = said;
        if !matches!(said, Said::Time(..)) {
            return Some(i + 1);
        }
        self.number = i + 1;
        (self.number < args.len()).then_some(i + 2)
    }

    /// Whether PERSIST was said.
    pub fn persists(&self) -> bool {
        self.said == Said::Persist
    }

    /// Whether the words mean another time when they are run again later, or by a server that is told only milliseconds.
    pub fn is_relative(&self) -> bool {
        matches!(self.said, Said::Time(unit, origin) if (unit, origin) != (Unit::Milliseconds, Origin::Epoch))
    }

    /// What becomes of the deadline. `command` is the one that the error names when the time is no time.
    pub fn expiry(&self, args: &Args<'_>, now_ms: u64, command: &'static str) -> Result<Expiry, Error> {
        match self.said {
            Said::Nothing | Said::Persist => Ok(Expiry::Clear),
            Said::Keep => Ok(Expiry::Keep),
            Said::Time(unit, origin) => deadline(args.get(self.number), unit, origin, now_ms, command).map(Expiry::At),
        }
    }
}

/// The deadline that SETEX means: so many seconds from now.
pub fn deadline_in_seconds(number: &[u8], now_ms: u64, command: &'static str) -> Result<u64, Error> {
    deadline(number, Unit::Seconds, Origin::Now, now_ms, command)
}

/// The deadline that PSETEX means: so many milliseconds from now.
pub fn deadline_in_ms(number: &[u8], now_ms: u64, command: &'static str) -> Result<u64, Error> {
    deadline(number, Unit::Milliseconds, Origin::Now, now_ms, command)
}

#[inline]
fn deadline(number: &[u8], unit: Unit, origin: Origin, now_ms: u64, command: &'static str) -> Result<u64, Error> {
    let number = parse_i64(number).ok_or(Error::NotInteger)?;
    let factor = if unit == Unit::Seconds { 1000 } else { 1 };
    let from = if origin == Origin::Now { now_ms as i64 } else { 0 };
    let deadline = Some(number).filter(|&n| n > 0).and_then(|n| n.checked_mul(factor)?.checked_add(from));
    deadline.map(|ms| ms as u64).ok_or(Error::InvalidExpire(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_bounded_as_in_redis() {
        let now = 1_700_000_000_000;
        assert_eq!(deadline_in_seconds(b"10", now, "set"), Ok(now + 10_000));
        assert_eq!(deadline_in_ms(b"1", now, "set"), Ok(now + 1));
        for number in ["0", "-1", "9223372036854776", "9223372036854775807"] {
            assert_eq!(
                deadline_in_seconds(number.as_bytes(), now, "setex"),
                Err(Error::InvalidExpire("setex")),
                "{number}"
            );
        }
        assert_eq!(deadline_in_ms(b"9223372036854775807", now, "psetex"), Err(Error::InvalidExpire("psetex")));
        assert_eq!(deadline_in_ms(b"1.5", now, "psetex"), Err(Error::NotInteger));
    }
}
