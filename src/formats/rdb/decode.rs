//! Reads RDB: bytes in, items out.
//!
//! A loader feeds the bytes as they come and asks for the next item until it is told `NeedMore`. Feeding a bounded piece each time
//! bounds the work between two answers and the memory beside the value that is being read.

use super::error::{RdbError, Reason};
use super::input::{Input, Stop};
use super::item::{Item, read_item, read_magic};
use super::opcodes::{Dialect, FIRST_VERSION_WITH_CHECKSUM};
use super::types::{ReadValue, reader_of};
use super::{ChecksumCheck, Limits, Usage, Value};

/// What [`Decoder::next`] found.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Nothing whole: feed more. At the end of the file this means that it is cut off: [`Decoder::cut_off`].
    NeedMore,
    /// A name and a value about the file.
    Aux {
        /// Such as `redis-ver`, `ctime`, `aof-base`.
        name: Vec<u8>,
        /// Numbers come as their digits.
        value: Vec<u8>,
    },
    /// The entries that follow are in this database. The caller knows how many there are.
    SelectDb(u64),
    /// How many keys the selected database has, and how many of them have a deadline: a hint, not to be believed.
    ResizeDb {
        /// All keys.
        keys: u64,
        /// Those with a deadline.
        expires: u64,
    },
    /// A key and its value.
    Entry(Entry),
    /// Source text of a function library.
    Function(Vec<u8>),
    /// The end.
    End {
        /// The file's length in bytes. More may have been fed.
        consumed: u64,
        /// What the checksum said.
        checksum: Checksum,
    },
}

/// A key, its value and what was noted about them.
#[derive(Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Vec<u8>,
    /// Milliseconds since 1970, if it expires. May have passed.
    pub deadline_ms: Option<u64>,
    /// Its last use.
    pub usage: Usage,
    /// Its value.
    pub value: Value,
}

/// What the checksum at the end of a file said. (One that is wrong is an error.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// It is right.
    Verified,
    /// The writer did not compute one, or the version has none.
    Absent,
    /// It was not looked at, as asked.
    Skipped,
}

/// Reads one RDB file.
pub struct Decoder {
    input: Input,
    limits: Limits,
    version: u32,
    dialect: Dialect,
    deadline_ms: Option<u64>,
    usage: Usage,
    stage: Stage,
    /// The type number of the last value begun, and its key if it was found damaged.
    number: u8,
    failed_key: Option<Vec<u8>>,
}

/// What comes next in the file.
enum Stage {
    Magic,
    Item,
    AuxName,
    AuxValue { name: Vec<u8> },
    Function,
    Key { number: u8 },
    Value { key: Vec<u8>, reader: Box<dyn ReadValue> },
    Checksum,
    Ended(Checksum),
    Failed(RdbError),
}

impl Decoder {
    /// A decoder at the beginning of a file.
    pub fn new(limits: Limits) -> Decoder {
        Decoder {
            input: Input::new(limits),
            limits,
            version: 0,
            dialect: Dialect::Redis,
            deadline_ms: None,
            usage: Usage::Unknown,
            stage: Stage::Magic,
            number: 0,
            failed_key: None,
        }
    }

    /// Adds the file's next bytes. They are copied; before the next feed, [`next`](Decoder::next) is best called until it says `NeedMore`.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.feed(bytes);
    }

    /// The next item. After an error, the same error again; after the end, the end.
    #[expect(clippy::should_implement_trait, reason = "an iterator has no NeedMore")]
    pub fn next(&mut self) -> Result<Step, RdbError> {
        loop {
            match self.advance() {
                Ok(Some(step)) => return Ok(step),
                Ok(None) => {}
                Err(Stop::NeedMore) => return Ok(Step::NeedMore),
                Err(Stop::Bad(error)) => {
                    if let Stage::Value { key, .. } = std::mem::replace(&mut self.stage, Stage::Failed(error.clone())) {
                        self.failed_key = Some(key);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// The file's version, 0 until it has been read.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whose numbering the file follows.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The type number of the last value.
    pub fn type_number(&self) -> u8 {
        self.number
    }

    /// The key whose value is being read, or was found damaged.
    pub fn key(&self) -> Option<&[u8]> {
        match &self.stage {
            Stage::Value { key, .. } => Some(key),
            _ => self.failed_key.as_deref(),
        }
    }

    /// Bytes of memory held by what is being read.
    pub fn held_bytes(&self) -> usize {
        self.input.held_bytes()
    }

    /// The error of a file that ends here.
    pub fn cut_off(&self) -> RdbError {
        self.input.error(Reason::UnexpectedEnd)
    }

    /// Reads one part of the file: what the stage says. `None`: nothing for the caller yet.
    fn advance(&mut self) -> Result<Option<Step>, Stop> {
        match &mut self.stage {
            Stage::Magic => {
                (self.dialect, self.version) = read_magic(&mut self.input, self.limits.versions)?;
                self.stage = Stage::Item;
                Ok(None)
            }
            Stage::Item => {
                let dialect = self.dialect;
                let item = self.input.whole(|input| read_item(input, dialect))?;
                Ok(self.take_item(item))
            }
            Stage::AuxName => {
                let name = self.input.string()?.into_bytes();
                self.stage = Stage::AuxValue { name };
                Ok(None)
            }
            Stage::AuxValue { name } => {
                let value = self.input.string()?.into_bytes();
                let name = std::mem::take(name);
                self.stage = Stage::Item;
                Ok(Some(Step::Aux { name, value }))
            }
            Stage::Function => {
                let source = self.input.string()?.into_bytes();
                self.stage = Stage::Item;
                Ok(Some(Step::Function(source)))
            }
            &mut Stage::Key { number } => {
                let key = self.input.string()?.into_bytes();
                let Some(reader) = reader_of(number, self.dialect) else {
                    let reason = Reason::UnsupportedType { number, dialect: self.dialect, key: Some(key) };
                    return Err(self.input.error(reason).into());
                };
                (self.stage, self.number) = (Stage::Value { key, reader }, number);
                Ok(None)
            }
            Stage::Value { key, reader } => {
                let value = reader.read(&mut self.input)?;
                let key = std::mem::take(key);
                self.stage = Stage::Item;
                let (deadline_ms, usage) = (self.deadline_ms.take(), std::mem::take(&mut self.usage));
                Ok(Some(Step::Entry(Entry { key, deadline_ms, usage, value })))
            }
            Stage::Checksum => {
                let checksum = self.read_checksum()?;
                self.stage = Stage::Ended(checksum);
                Ok(None)
            }
            &mut Stage::Ended(checksum) => Ok(Some(Step::End { consumed: self.input.offset(), checksum })),
            Stage::Failed(error) => Err(error.clone().into()),
        }
    }

    fn take_item(&mut self, item: Item) -> Option<Step> {
        match item {
            Item::Deadline(deadline_ms) => self.deadline_ms = deadline_ms,
            Item::Usage(usage) => self.usage = usage,
            Item::SelectDb(index) => return Some(Step::SelectDb(index)),
            Item::ResizeDb { keys, expires } => return Some(Step::ResizeDb { keys, expires }),
            Item::Hint => {}
            Item::Aux => self.stage = Stage::AuxName,
            Item::Function => self.stage = Stage::Function,
            Item::Key(number) => self.stage = Stage::Key { number },
            Item::End => self.stage = Stage::Checksum,
        }
        None
    }

    fn read_checksum(&mut self) -> Result<Checksum, Stop> {
        if self.version < FIRST_VERSION_WITH_CHECKSUM {
            return Ok(Checksum::Absent);
        }
        let expected = self.input.checksum();
        let found = u64::from_le_bytes(self.input.array()?);
        match self.limits.checksum {
            ChecksumCheck::Skip => Ok(Checksum::Skipped),
            ChecksumCheck::Verify if found == 0 => Ok(Checksum::Absent),
            ChecksumCheck::Verify if found == expected => Ok(Checksum::Verified),
            ChecksumCheck::Verify => Err(self.input.error(Reason::Checksum { expected, found }).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Compression, Encoder, VersionCheck};
    use super::*;
    use crate::values::AnyRef;

    const LZF: Compression = Compression::Lzf { max_bytes: usize::MAX };

    /// Every step up to the end or an error, the file being fed in pieces of `piece_bytes`.
    fn steps(file: &[u8], piece_bytes: usize, limits: Limits) -> Result<Vec<Step>, RdbError> {
        let mut decoder = Decoder::new(limits);
        let mut steps = Vec::new();
        let mut fed = 0;
        for piece in file.chunks(piece_bytes) {
            decoder.feed(piece);
            fed += piece.len();
            loop {
                assert!(decoder.held_bytes() <= 8 * fed + 256 * 1024, "{} held", decoder.held_bytes());
                match decoder.next()? {
                    Step::NeedMore => break,
                    end @ Step::End { .. } => {
                        steps.push(end);
                        return Ok(steps);
                    }
                    step => steps.push(step),
                }
            }
        }
        Err(decoder.cut_off())
    }

    fn read(file: &[u8]) -> Result<Vec<Step>, RdbError> {
        steps(file, usize::MAX, Limits::default())
    }

    fn reason(file: &[u8]) -> Reason {
        read(file).expect_err("a damaged file").reason
    }

    fn entry(key: &[u8], deadline_ms: Option<u64>, usage: Usage, value: Value) -> Step {
        Step::Entry(Entry { key: key.to_vec(), deadline_ms, usage, value })
    }

    fn bytes(text: &str) -> Value {
        Value::Bytes(text.as_bytes().to_vec())
    }

    fn sample() -> Vec<u8> {
        let mut encoder = Encoder::new(LZF);
        encoder.header(9, &[("redis-ver", b"8.0.0"), ("aof-base", b"1")]);
        encoder.select_db(0);
        encoder.resize_db(3, 1);
        encoder.entry(b"a", Some(1_700_000_000_123), Usage::IdleSeconds(70), AnyRef::bytes(b"text"));
        encoder.entry(b"77", None, Usage::Frequency(255), AnyRef::int(-5));
        encoder.entry(b"repeated", None, Usage::Unknown, AnyRef::bytes(&[b'r'; 5000]));
        encoder.select_db(15);
        encoder.entry(b"", None, Usage::Unknown, AnyRef::int(i64::MIN));
        encoder.finish();
        encoder.take(Vec::new())
    }

    #[test]
    fn a_file_is_read_the_same_however_it_is_cut() {
        let file = sample();
        let aux = |name: &str, value: &str| Step::Aux { name: name.into(), value: value.into() };
        let expected = vec![
            aux("redis-ver", "8.0.0"),
            aux("aof-base", "1"),
            Step::SelectDb(0),
            Step::ResizeDb { keys: 3, expires: 1 },
            entry(b"a", Some(1_700_000_000_123), Usage::IdleSeconds(70), bytes("text")),
            entry(b"77", None, Usage::Frequency(255), Value::Int(-5)),
            entry(b"repeated", None, Usage::Unknown, bytes(&"r".repeat(5000))),
            Step::SelectDb(15),
            entry(b"", None, Usage::Unknown, bytes("-9223372036854775808")),
            Step::End { consumed: file.len() as u64, checksum: Checksum::Verified },
        ];
        for piece_bytes in (1..40).chain([1000, usize::MAX]) {
            assert_eq!(steps(&file, piece_bytes, Limits::default()).as_ref(), Ok(&expected));
        }
    }

    #[test]
    fn a_file_cut_off_anywhere_says_so() {
        let file = sample();
        for length in 0..file.len() {
            assert_eq!(reason(&file[..length]), Reason::UnexpectedEnd, "{length} bytes");
        }
    }

    #[test]
    fn what_follows_the_file_is_left() {
        let file = sample();
        let mut decoder = Decoder::new(Limits::default());
        decoder.feed(&[&file, &b"*1\r\n$4\r\nPING\r\n"[..]].concat());
        let end = Step::End { consumed: file.len() as u64, checksum: Checksum::Verified };
        while decoder.next().unwrap() != end {}
        assert_eq!(decoder.next(), Ok(end));
    }

    #[test]
    fn checksums() {
        let mut file = sample();
        let last = file.len() - 1;
        file[last] ^= 0x10;
        assert!(matches!(reason(&file), Reason::Checksum { .. }));
        let skip = Limits { checksum: ChecksumCheck::Skip, ..Limits::default() };
        let end = |steps: Result<Vec<Step>, RdbError>| match steps.unwrap().pop() {
            Some(Step::End { checksum, .. }) => checksum,
            other => panic!("{other:?}"),
        };
        assert_eq!(end(steps(&file, 100, skip)), Checksum::Skipped);
        file[last - 7..].fill(0);
        assert_eq!(end(read(&file)), Checksum::Absent);
        // Versions 1 to 4 have none.
        assert_eq!(end(read(b"REDIS0004\xFE\0\0\x01k\x01v\xFF")), Checksum::Absent);
    }

    #[test]
    fn magic_and_version() {
        for magic in ["REDIS0001", "REDIS0012", "VALKEY080"] {
            let mut decoder = Decoder::new(Limits::default());
            decoder.feed(magic.as_bytes());
            assert_eq!(decoder.next(), Ok(Step::NeedMore), "{magic}");
            assert_eq!(decoder.version(), magic[6..].parse::<u32>().unwrap());
        }
        let version = |shown: &str| Reason::Version(shown.into());
        assert_eq!(reason(b"REDIS0013"), version("13"));
        assert_eq!(reason(b"REDIS0000"), version("0"));
        assert_eq!(reason(b"REDIS+001"), version("+001"));
        assert_eq!(reason(b"VALKEY081"), version("81"));
        assert_eq!(reason(b"VALKEY011"), version("11"));
        let relaxed = Limits { versions: VersionCheck::Relaxed, ..Limits::default() };
        assert_eq!(steps(b"REDIS0099", 9, relaxed).unwrap_err().reason, Reason::UnexpectedEnd);
        // Refused at its first wrong byte.
        assert_eq!(reason(b"X"), Reason::Signature);
        assert_eq!(reason(b"REDIT"), Reason::Signature);
        assert_eq!(reason(b"*1\r\n"), Reason::Signature);
    }

    #[test]
    fn items_that_only_others_write() {
        let file = |items: &[u8]| [b"REDIS0012", items, b"\xFF\0\0\0\0\0\0\0\0"].concat();
        let first = |items: &[u8]| read(&file(items)).unwrap().swap_remove(0);
        // A deadline in seconds, one before 1970, none; all belong to the next key only.
        assert_eq!(first(b"\xFD\x02\0\0\0\0\x01k\x01v"), entry(b"k", Some(2000), Usage::Unknown, bytes("v")));
        assert_eq!(first(b"\xFD\xFE\xFF\xFF\xFF\0\x01k\x01v"), entry(b"k", Some(0), Usage::Unknown, bytes("v")));
        assert_eq!(
            first(&[&b"\xFC"[..], &[0xFF; 8], b"\0\x01k\x01v"].concat()),
            entry(b"k", None, Usage::Unknown, bytes("v"))
        );
        let two = read(&file(b"\xFD\x02\0\0\0\xF9\x07\0\x01k\x01v\0\x01l\x01w")).unwrap();
        assert_eq!(two[1], entry(b"l", None, Usage::Unknown, bytes("w")));
        // A sizing hint of a cluster, a function library.
        assert_eq!(first(b"\xF4\x01\x02\x03\xFE\x05"), Step::SelectDb(5));
        assert_eq!(first(b"\xF5\x03abc"), Step::Function(b"abc".to_vec()));
        // What cannot be understood is not skipped.
        assert_eq!(reason(&file(b"\xF3")), Reason::UnsupportedOpcode(243));
        assert_eq!(reason(&file(b"\xF6")), Reason::UnsupportedOpcode(246));
        assert_eq!(reason(&file(b"\xF2")), Reason::UnknownType(242));
        assert_eq!(reason(&file(b"\x08")), Reason::UnknownType(8));
    }

    #[test]
    fn a_type_that_is_not_read_is_named_with_its_key() {
        let error = read(b"REDIS0008\x06\x03mod\x01").unwrap_err();
        let (number, dialect, key) = (6, Dialect::Redis, Some(b"mod".to_vec()));
        assert_eq!(error, RdbError { offset: 14, reason: Reason::UnsupportedType { number, dialect, key } });
        // Redis has types that Valkey doesn't.
        assert_eq!(reason(b"VALKEY080\x18\x01k"), Reason::UnknownType(24));
    }

    #[test]
    fn module_data_names_its_module() {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let id = b"ReJSON-RL"
            .iter()
            .fold(0u64, |id, letter| id << 6 | letters.iter().position(|other| other == letter).unwrap() as u64);
        let id = (id << 10 | 3).to_be_bytes();
        let file = [&b"REDIS0012\xF7\x81"[..], &id, &[2, 2]].concat();
        assert_eq!(reason(&file), Reason::ModuleAux("ReJSON-RL".into()));
    }

    #[test]
    fn an_error_stays() {
        let mut decoder = Decoder::new(Limits::default());
        decoder.feed(b"REDIS0012\x08");
        let error = decoder.next().unwrap_err();
        decoder.feed(b"\xFE\0");
        assert_eq!(decoder.next(), Err(error));
    }

    fn strings() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![3 => Just(b'a'), 1 => any::<u8>()], 0..300)
    }

    /// Bytes that mean something more often than chance has it: opcodes, string prefixes, small lengths, type 0.
    fn garbage() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![Just(0), 0..6u8, 0xC0..0xC4u8, 0x80..0x82u8, 0xF3..=0xFFu8, any::<u8>()];
        proptest::collection::vec(byte, 0..400)
    }

    proptest! {
        #[test]
        fn entries_come_back(
            entries in proptest::collection::vec((strings(), strings(), any::<Option<u32>>(), any::<u64>()), 0..20),
            piece_bytes in 1..200usize,
        ) {
            let mut encoder = Encoder::new(LZF);
            encoder.header(9, &[]);
            for (key, value, deadline_s, idle) in &entries {
                let deadline_ms = deadline_s.map(|s| u64::from(s) * 1000);
                encoder.entry(key, deadline_ms, Usage::IdleSeconds(*idle), AnyRef::bytes(value));
            }
            encoder.finish();
            let file = encoder.take(Vec::new());
            let steps = steps(&file, piece_bytes, Limits::default()).unwrap();
            prop_assert_eq!(steps.len(), entries.len() + 1);
            for (step, (key, value, deadline_s, idle)) in steps.into_iter().zip(entries) {
                let Step::Entry(read) = step else { panic!("{step:?}") };
                prop_assert_eq!(read.key, key);
                prop_assert_eq!(read.deadline_ms, deadline_s.map(|s| u64::from(s) * 1000));
                prop_assert_eq!(read.usage, Usage::IdleSeconds(idle));
                match read.value {
                    Value::Int(number) => prop_assert_eq!(number.to_string().into_bytes(), value),
                    Value::Bytes(bytes) => prop_assert_eq!(bytes, value),
                    other => panic!("{other:?}"),
                }
            }
        }

        #[test]
        fn garbage_ends_in_an_error_or_an_end(garbage in garbage(), piece_bytes in 1..50usize) {
            let file = [b"REDIS0011", &garbage[..]].concat();
            let skip = Limits { checksum: ChecksumCheck::Skip, ..Limits::default() };
            let whole = steps(&file, usize::MAX, skip);
            if let Ok(steps) = &whole {
                let ended = matches!(steps.last(), Some(Step::End { .. }));
                prop_assert!(ended);
            }
            prop_assert_eq!(steps(&file, piece_bytes, skip), whole);
        }

        #[test]
        fn a_mutated_file_never_passes_for_right(place: prop::sample::Index, flip in 1..=255u8, piece_bytes in 1..50usize) {
            let mut file = sample();
            let place = place.index(file.len() - 8);
            file[place] ^= flip;
            let outcome = steps(&file, piece_bytes, Limits::default());
            let verified = outcome.as_ref().is_ok_and(|steps| {
                matches!(steps.last(), Some(Step::End { checksum: Checksum::Verified, .. }))
            });
            prop_assert!(!verified, "{:?}", outcome);
        }
    }
}
