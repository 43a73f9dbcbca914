//! The small parts of a file: its magic, and opcodes with their operands.

use super::error::{RdbError, Reason};
use super::input::{Input, Stop};
use super::opcodes::{Dialect, FIRST_VALKEY_VERSION, opcode, type_name};
use super::{Usage, VersionCheck};

/// An item's opcode with its operands, as far as they are small.
pub(super) enum Item {
    Deadline(Option<u64>),
    Usage(Usage),
    SelectDb(u64),
    ResizeDb { keys: u64, expires: u64 },
    Hint,
    Aux,
    Function,
    Key(u8),
    End,
}

/// The nine bytes that every file begins with.
pub(super) fn read_magic(input: &mut Input, versions: VersionCheck) -> Result<(Dialect, u32), Stop> {
    let rest = input.rest();
    if !is_prefix_of_magic(rest) {
        return Err(input.error(Reason::Signature).into());
    }
    let magic: [u8; 9] = input.array()?;
    let (dialect, digits) = match magic.strip_prefix(b"REDIS") {
        Some(digits) => (Dialect::Redis, digits),
        None => (Dialect::Valkey, &magic[6..]),
    };
    let version = str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let version = version.and_then(|text| text.parse::<u32>().ok());
    match version {
        Some(version) if is_version_read(dialect, version, versions) => Ok((dialect, version)),
        _ => {
            let digits = digits.escape_ascii().to_string();
            let shown = digits.trim_start_matches('0');
            let shown = if shown.is_empty() { "0" } else { shown };
            Err(RdbError { offset: 0, reason: Reason::Version(shown.into()) }.into())
        }
    }
}

/// Whether bytes can be the beginning of a file: so that what is no RDB is refused without waiting for nine bytes.
fn is_prefix_of_magic(bytes: &[u8]) -> bool {
    [b"REDIS".as_slice(), b"VALKEY"].iter().any(|name| {
        let common = name.len().min(bytes.len());
        name[..common] == bytes[..common]
    })
}

/// Whether a version is read.
pub(super) fn is_version_read(dialect: Dialect, version: u32, versions: VersionCheck) -> bool {
    match versions {
        VersionCheck::Relaxed => version >= 1,
        VersionCheck::Strict => {
            let first = if dialect == Dialect::Redis { 1 } else { FIRST_VALKEY_VERSION };
            (first..=dialect.newest_version()).contains(&version)
        }
    }
}

/// The next item, as far as it is small. Runs within [`Input::whole`].
pub(super) fn read_item(input: &mut Input, dialect: Dialect) -> Result<Item, Stop> {
    let at_opcode = input.offset();
    let fail = |reason| Err(Stop::Bad(RdbError { offset: at_opcode, reason }));
    match input.byte()? {
        opcode::EXPIRETIME => {
            let seconds = i32::from_le_bytes(input.array()?);
            Ok(Item::Deadline(deadline_of(i64::from(seconds) * 1000)))
        }
        opcode::EXPIRETIME_MS => Ok(Item::Deadline(deadline_of(i64::from_le_bytes(input.array()?)))),
        opcode::IDLE => Ok(Item::Usage(Usage::IdleSeconds(input.length()?))),
        opcode::FREQ => Ok(Item::Usage(Usage::Frequency(input.byte()?))),
        opcode::SELECTDB => Ok(Item::SelectDb(input.length()?)),
        opcode::RESIZEDB => Ok(Item::ResizeDb { keys: input.length()?, expires: input.length()? }),
        opcode::SLOT_INFO => {
            for _slot_keys_expires in 0..3 {
                input.length()?;
            }
            Ok(Item::Hint)
        }
        opcode::AUX => Ok(Item::Aux),
        opcode::FUNCTION2 => Ok(Item::Function),
        opcode::EOF => Ok(Item::End),
        opcode::MODULE_AUX => {
            let module = module_name(input.length()?);
            fail(Reason::ModuleAux(module))
        }
        opcode @ (opcode::SLOT_IMPORT | opcode::FUNCTION_PRE_GA) => fail(Reason::UnsupportedOpcode(opcode)),
        number if type_name(number, dialect).is_some() => Ok(Item::Key(number)),
        number => fail(Reason::UnknownType(number)),
    }
}

/// A deadline before 1970 has passed as well as one in 1970; -1 stands for none.
fn deadline_of(unix_ms: i64) -> Option<u64> {
    match unix_ms {
        -1 => None,
        unix_ms => Some(u64::try_from(unix_ms).unwrap_or(0)),
    }
}

/// A module's name from its ID: nine letters of 6 bits, highest first, above 10 bits of version.
fn module_name(id: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..9).map(|place| LETTERS[(id >> (58 - 6 * place)) as usize & 63] as char).collect()
}
