//! The manifest of a multi-part log: which files make it up, in which order.
//!
//! ```text
//! file appendonly.aof.2.base.rdb seq 2 type b      at most one base, printed first
//! file appendonly.aof.1.incr.aof seq 1 type h      history: no longer needed, to be removed
//! file appendonly.aof.2.incr.aof seq 2 type i      increments, seq ascending: replayed in this order behind the base
//! # at=4096 crc32c=89abcdef                        at: the log offset at which the last increment begins, if it is known;
//!                                                  crc32c: of all bytes before " crc32c="; no newline ends the line
//! ```
//!
//! As Redis 7 writes and reads it: pairs of words in any order, words quoted as in its configuration file, unknown pairs skipped
//! (`startoffset` of Redis 8 is one), lines that begin with `#` skipped. The checksum is ours and stands in such a line, so Redis
//! and Valkey read our manifest and write theirs without it; a manifest without it is accepted. That line is last and has no
//! newline, so that tools that read a manifest by complete lines see nothing but files.

use std::fmt;

use crate::base::crc::crc32c;
use crate::base::quote::{print_quoted, split_args};

/// No file has a higher number: Redis counts in 63 bits, and there must be one above it, again and again.
const SEQ_MAX: u64 = i64::MAX as u64 / 2;

/// No log offset is higher.
pub const OFFSET_MAX: u64 = i64::MAX as u64;

/// Longest line, its newline included (Redis's `MANIFEST_MAX_LINE`).
pub const LINE_MAX_BYTES: usize = 1024;
/// The longest name as it is written, quotes included: what else stands in its line has room.
const PRINTED_NAME_MAX_BYTES: usize = LINE_MAX_BYTES - 64;
const CHECKSUM_KEY: &[u8] = b" crc32c=";

/// One file of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Its name in the log's directory: bytes, no slash.
    pub name: Vec<u8>,
    /// Its number among the files of its type, from 1.
    pub seq: u64,
}

/// Which files make up a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The state that the increments build on; none if they build on nothing.
    pub base: Option<FileInfo>,
    /// Files that nothing needs any more, newest first.
    pub history: Vec<FileInfo>,
    /// The increments, oldest first, their numbers ascending.
    pub increments: Vec<FileInfo>,
    /// The log offset at which the last increment begins; none if another server wrote the manifest.
    pub last_begins_at: Option<u64>,
}

/// What is wrong with a manifest. The words are Redis's: tools look for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No line at all.
    Empty,
    /// A line past [`LINE_MAX_BYTES`], or without its newline.
    LineTooLong,
    /// A line that is not pairs of words, or lacks one of `file`, `seq`, `type`.
    Format,
    /// A file name with a slash.
    NotAFileName,
    /// A second base.
    DuplicateBase,
    /// An increment whose number is not above the one before.
    NotMonotonic,
    /// A type other than `b`, `h`, `i`.
    UnknownType,
    /// The checksum line does not match what stands before it.
    Checksum,
}

/// A manifest that cannot be read: where, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// The line, from 1; 0 if there is none.
    pub line: usize,
    /// The line's text, cut to a readable length.
    pub text: String,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.fault {
            Fault::Empty => return f.write_str("Found an empty AOF manifest"),
            Fault::LineTooLong => "The AOF manifest file contains too long line",
            Fault::Format => "Invalid AOF manifest file format",
            Fault::NotAFileName => "File can't be a path, just a filename",
            Fault::DuplicateBase => "Found duplicate base file information",
            Fault::NotMonotonic => "Found a non-monotonic sequence number",
            Fault::UnknownType => "Unknown AOF file type",
            Fault::Checksum => {
                "The AOF manifest does not match its checksum (if you edited it on purpose, remove its last line)"
            }
        };
        write!(f, "{words}, at line {}: '{}'", self.line, self.text)
    }
}

impl std::error::Error for ManifestError {}

impl Manifest {
    /// Whether no file takes part.
    pub fn is_empty(&self) -> bool {
        self.base.is_none() && self.increments.is_empty()
    }

    /// The base and the increments, in the order in which they are loaded.
    pub fn parts(&self) -> impl Iterator<Item = &FileInfo> {
        self.base.iter().chain(&self.increments)
    }

    /// The number of the next base: above every base listed.
    pub fn next_base_seq(&self) -> u64 {
        self.base.as_ref().map_or(0, |base| base.seq).max(self.highest_history_seq(b".base.")) + 1
    }

    /// The number of the next increment: above every increment listed.
    pub fn next_increment_seq(&self) -> u64 {
        self.increments.last().map_or(0, |last| last.seq).max(self.highest_history_seq(b".incr.")) + 1
    }

    /// Makes `base` the base. What was the base, and the increments that `covered` names, become history.
    pub fn replace_base(&mut self, base: FileInfo, covered: impl Fn(&FileInfo) -> bool) {
        let mut history = Vec::new();
        self.increments.retain(|increment| {
            if covered(increment) {
                history.push(increment.clone());
            }
            !covered(increment)
        });
        history.extend(self.base.replace(base));
        history.append(&mut self.history);
        self.history = history;
    }

    /// The manifest's text, its checksum line at the end.
    pub fn print(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let files = self.base.iter().map(|file| (file, b'b'));
        let files = files.chain(self.history.iter().map(|file| (file, b'h')));
        for (file, kind) in files.chain(self.increments.iter().map(|file| (file, b'i'))) {
            text.extend_from_slice(b"file ");
            print_word(&file.name, &mut text);
            text.extend_from_slice(format!(" seq {} type {}\n", file.seq, kind as char).as_bytes());
        }
        text.push(b'#');
        if let Some(offset) = self.last_begins_at {
            text.extend_from_slice(format!(" at={offset}").as_bytes());
        }
        let checksum = crc32c(0, &text);
        text.extend_from_slice(CHECKSUM_KEY);
        text.extend_from_slice(format!("{checksum:08x}").as_bytes());
        text
    }

    /// Reads a manifest's text. Fails on the first line that is wrong.
    pub fn parse(text: &[u8]) -> Result<Manifest, ManifestError> {
        let mut manifest = Manifest::default();
        let mut start = 0;
        for (index, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
            manifest.parse_line(line, &text[..start + line.len()]).map_err(|fault| {
                let text = String::from_utf8_lossy(&line[..line.len().min(100)]).trim().to_owned();
                ManifestError { line: index + 1, text, fault }
            })?;
            start += line.len();
        }
        if text.is_empty() {
            return Err(ManifestError { line: 0, text: String::new(), fault: Fault::Empty });
        }
        Ok(manifest)
    }

    /// `through` is the manifest's text through this line.
    fn parse_line(&mut self, line: &[u8], through: &[u8]) -> Result<(), Fault> {
        if line.starts_with(b"#") {
            return self.parse_comment(line, through);
        }
        if line.len() > LINE_MAX_BYTES || !line.ends_with(b"\n") {
            return Err(Fault::LineTooLong);
        }
        let (kind, file) = parse_file(line.trim_ascii())?;
        // What is not printable takes four bytes when it is written: a line that could not be read again is refused at once.
        let mut printed = Vec::new();
        print_word(&file.name, &mut printed);
        if printed.len() > PRINTED_NAME_MAX_BYTES {
            return Err(Fault::LineTooLong);
        }
        match kind {
            b'b' if self.base.is_some() => return Err(Fault::DuplicateBase),
            b'b' => self.base = Some(file),
            b'h' => self.history.push(file),
            b'i' if self.increments.last().is_some_and(|last| file.seq <= last.seq) => return Err(Fault::NotMonotonic),
            b'i' => self.increments.push(file),
            _ => return Err(Fault::UnknownType),
        }
        Ok(())
    }

    fn parse_comment(&mut self, line: &[u8], through: &[u8]) -> Result<(), Fault> {
        let Some(end) = memchr::memmem::find(line, CHECKSUM_KEY) else { return Ok(()) };
        let summed = &through[..through.len() - line.len() + end];
        let expected = format!("{:08x}", crc32c(0, summed));
        if line[end + CHECKSUM_KEY.len()..].trim_ascii() != expected.as_bytes() {
            return Err(Fault::Checksum);
        }
        if let Some(digits) = line[..end].strip_prefix(b"# at=") {
            let at = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            self.last_begins_at = at.filter(|at| *at <= OFFSET_MAX);
        }
        Ok(())
    }

    fn highest_history_seq(&self, infix: &[u8]) -> u64 {
        let of_kind = self.history.iter().filter(|file| memchr::memmem::find(&file.name, infix).is_some());
        of_kind.map(|file| file.seq).max().unwrap_or(0)
    }
}

/// A file's number as its digits say it, if there is room above it.
pub fn parse_seq(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|seq| (1..=SEQ_MAX).contains(seq))
}

/// One line's pairs: the file's type and the file.
fn parse_file(line: &[u8]) -> Result<(u8, FileInfo), Fault> {
    let words = split_args(line).ok_or(Fault::Format)?;
    if words.len() < 6 || words.len() % 2 == 1 {
        return Err(Fault::Format);
    }
    let (mut name, mut seq, mut kind) = (None, None, None);
    for pair in words.chunks_exact(2) {
        let value = &pair[1];
        match pair[0].to_ascii_lowercase().as_slice() {
            b"file" if value.contains(&b'/') || value.contains(&b'\\') => return Err(Fault::NotAFileName),
            b"file" => name = Some(value.clone()),
            b"seq" => seq = parse_seq(value),
            b"type" => kind = value.first().copied(),
            _ => {}
        }
    }
    match (name, seq, kind) {
        (Some(name), Some(seq), Some(kind)) if !name.is_empty() => Ok((kind, FileInfo { name, seq })),
        _ => Err(Fault::Format),
    }
}

fn print_word(word: &[u8], out: &mut Vec<u8>) {
    if word.iter().all(|byte| (byte.is_ascii_graphic() || !byte.is_ascii()) && !matches!(byte, b'\\' | b'"' | b'\'')) {
        return out.extend_from_slice(word);
    }
    print_quoted(word, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault {
        Manifest::parse(text.as_bytes()).unwrap_err().fault
    }

    fn info(name: &str, seq: u64) -> FileInfo {
        FileInfo { name: name.into(), seq }
    }

    #[test]
    fn what_is_printed_is_parsed_back() {
        let manifest = Manifest {
            base: Some(info(" file seq \n\n.aof .2.base.rdb", 2)),
            history: vec![info("a\"\\x.1.incr.aof", 1), info("caf\u{e9}.1.base.rdb", 1)],
            increments: vec![info("plain.2.incr.aof", 2), info("plain.7.incr.aof", 7)],
            last_begins_at: Some(81),
        };
        let mut printed = manifest.print();
        // A name with a backslash is what Redis refuses too; the others survive.
        assert_eq!(Manifest::parse(&printed).unwrap_err().fault, Fault::NotAFileName);
        let mut manifest = manifest;
        manifest.history.remove(0);
        printed = manifest.print();
        assert_eq!(Manifest::parse(&printed).unwrap(), manifest);
        assert!(printed.starts_with(b"file \" file seq \\n\\n.aof .2.base.rdb\" seq 2 type b\n"));
        assert!(!printed.ends_with(b"\n"));
    }

    /// Found by fuzzing: a name of unprintable bytes was read, and its line was too long to be read again once we had written it.
    #[test]
    fn a_name_was_written_that_could_not_be_read() {
        let with_name = |name: &str| format!("file {name}.1.base.rdb seq 1 type b\n");
        assert_eq!(fault(&with_name(&"\x01".repeat(250))), Fault::LineTooLong);
        let long = Manifest::parse(with_name(&"\u{416}".repeat(120)).as_bytes()).unwrap();
        assert_eq!(Manifest::parse(&long.print()).unwrap(), long);
    }

    #[test]
    fn redis_words_for_each_fault() {
        let line = "file a.1.incr.aof seq 1 type i\n";
        assert_eq!(fault(""), Fault::Empty);
        assert_eq!(fault(&format!("{line}\n{line}")), Fault::Format);
        assert_eq!(fault("filx a seq 1 type b\n"), Fault::Format);
        assert_eq!(fault("file a type i\n"), Fault::Format);
        assert_eq!(fault("file a seq 1 type i newkey\n"), Fault::Format);
        assert_eq!(fault("file a seq 0 type i\n"), Fault::Format);
        assert_eq!(fault("!!!\n"), Fault::Format);
        assert_eq!(fault("file \"a seq 1 type i\n"), Fault::Format);
        assert_eq!(fault("file a/b seq 1 type i\n"), Fault::NotAFileName);
        assert_eq!(fault("file a seq 1 type x\n"), Fault::UnknownType);
        assert_eq!(fault("file a seq 1 type b\nfile b seq 2 type b\n"), Fault::DuplicateBase);
        assert_eq!(fault("file a seq 2 type i\nfile b seq 1 type i\n"), Fault::NotMonotonic);
        assert_eq!(fault(&"file a seq 1 type b ".repeat(60)), Fault::LineTooLong);
        let error = Manifest::parse(b"file a seq 1 type b\nbla\n").unwrap_err();
        assert_eq!(error.to_string(), "Invalid AOF manifest file format, at line 2: 'bla'");
    }

    #[test]
    fn comments_and_unknown_pairs_are_skipped() {
        let text = "# hello\nfile a seq 1 type b startoffset 12\nTYPE i SEQ 3 FILE 'b c'\n# no newline";
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!((manifest.base, manifest.increments), (Some(info("a", 1)), vec![info("b c", 3)]));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_the_files_is_noticed() {
        let manifest = Manifest {
            base: Some(info("appendonly.aof.2.base.rdb", 2)),
            increments: vec![info("appendonly.aof.3.incr.aof", 3)],
            last_begins_at: None,
            ..Manifest::default()
        };
        let printed = manifest.print();
        for bit in 0..printed.len() * 8 {
            let mut damaged = printed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // Only the comment itself can be hurt without changing what is said about the files.
            if let Ok(read) = Manifest::parse(&damaged) {
                assert_eq!(read, manifest, "bit {bit}");
            }
        }
    }

    #[test]
    fn a_new_base_turns_what_it_covers_into_history_in_the_order_redis_has() {
        let mut manifest = Manifest {
            base: Some(info("x.5.base.rdb", 5)),
            increments: vec![info("x.1.incr.aof", 1), info("x.2.incr.aof", 2)],
            ..Manifest::default()
        };
        manifest.replace_base(info("x.6.base.rdb", 6), |increment| increment.seq < 2);
        manifest.increments.push(info("x.3.incr.aof", 3));
        manifest.replace_base(info("x.7.base.rdb", 7), |increment| increment.seq < 3);
        let history: Vec<_> = manifest.history.iter().map(|file| String::from_utf8_lossy(&file.name)).collect();
        assert_eq!(history, ["x.2.incr.aof", "x.6.base.rdb", "x.1.incr.aof", "x.5.base.rdb"]);
        assert_eq!((manifest.next_base_seq(), manifest.next_increment_seq()), (8, 4));
        manifest.increments.clear();
        assert_eq!(manifest.next_increment_seq(), 3, "a history file is not written over");
    }

    /// The next file's number was one more than the highest there is.
    #[test]
    fn a_number_without_one_above_it_was_taken() {
        assert_eq!(fault("file a seq 18446744073709551615 type i\n"), Fault::Format);
        assert_eq!(fault("file a seq 0 type i\n"), Fault::Format);
        let text = format!("file a seq {SEQ_MAX} type i\n");
        assert_eq!(Manifest::parse(text.as_bytes()).unwrap().next_increment_seq(), SEQ_MAX + 1);
        for (at, found) in [(OFFSET_MAX, Some(OFFSET_MAX)), (u64::MAX, None)] {
            let manifest = Manifest { last_begins_at: Some(at), ..Manifest::default() };
            assert_eq!(Manifest::parse(&manifest.print()).unwrap().last_begins_at, found);
        }
    }
}
