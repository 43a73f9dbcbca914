//! The command line, read as `redis-server` reads it: a file, then options that become lines behind the file's text.
//!
//! ```text
//! ferrodis [FILE] [-] [--directive word ...] ...      `--port 6380 --save ''`  becomes   port "6380"
//!                                                                                        save ""
//! ```

use super::kind::quoted;
use crate::base::quote::split_args;

/// What the words of a command line ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    /// The configuration file, as written.
    pub file: Option<Vec<u8>>,
    /// Whether configuration is read from standard input too, behind the file.
    pub from_stdin: bool,
    /// The options as lines of a configuration file; they come last and win.
    pub options: Vec<u8>,
}

impl Invocation {
    /// Reads the words behind the program's name. Nothing is an error here: a bad option becomes a line that is
    /// refused when read.
    ///
    /// A word with `--` begins an option only where the one before has its value, so that `--logfile --my--file`
    /// names a file. `--save` is the exception: before another option, or last, it means `save ""` (Redis 7.0.1).
    pub fn parse<W: AsRef<[u8]>>(words: &[W]) -> Self {
        let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
        let mut invocation = Invocation::default();
        let mut position = 0;
        if let Some(first) = words.first().filter(|word| !word.starts_with(b"-")) {
            invocation.file = Some(first.to_vec());
            position = 1;
        }
        let first_option = position;
        let mut has_value = true;
        while position < words.len() {
            let word = words[position];
            let is_last = position + 1 == words.len();
            if word == b"-" && ((position == 0 && first_option == 0) || is_last) {
                invocation.from_stdin = true;
            } else if let Some(option) = word.strip_prefix(b"--").filter(|_| has_value) {
                has_value = invocation.begin_option(option, words.get(position + 1).copied());
            } else {
                invocation.options.extend_from_slice(&quoted(word));
                invocation.options.push(b' ');
                has_value = true;
            }
            position += 1;
        }
        invocation
    }

    /// Adds the line of an option that is followed by the word `next`; returns whether another option may come at once.
    fn begin_option(&mut self, option: &[u8], next: Option<&[u8]>) -> bool {
        if !self.options.is_empty() {
            self.options.push(b'\n');
        }
        self.options.extend_from_slice(option);
        self.options.push(b' ');
        let stands_alone = split_args(option).is_some_and(|words| words.len() == 1);
        if !stands_alone {
            return true;
        }
        let before_option = next.is_some_and(|word| word.starts_with(b"--"));
        if option.eq_ignore_ascii_case(b"save") && (before_option || next.is_none()) {
            self.options.extend_from_slice(b"\"\"");
            return true;
        }
        option.eq_ignore_ascii_case(b"sentinel") && before_option
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &[&str]) -> String {
        String::from_utf8(Invocation::parse(words).options).expect("options are text here")
    }

    #[test]
    fn options_become_lines() {
        assert_eq!(options(&["--port", "6380", "--loglevel", "debug"]), "port \"6380\" \nloglevel \"debug\" ");
        assert_eq!(options(&["--maxmemory 700mb", "--hz 20"]), "maxmemory 700mb \nhz 20 ");
        assert_eq!(
            options(&["a.conf", "loglevel", "verbose", "--port", "1"]),
            "\"loglevel\" \"verbose\" \nport \"1\" "
        );
    }

    #[test]
    fn a_word_with_dashes_is_a_value_where_one_is_due() {
        assert_eq!(
            options(&["--logfile", "--my--log", "--loglevel", "--bla"]),
            "logfile \"--my--log\" \nloglevel \"--bla\" "
        );
        assert_eq!(options(&["--port", "--loglevel", "verbose"]), "port \"--loglevel\" \"verbose\" ");
    }

    #[test]
    fn save_alone_means_no_snapshots() {
        assert_eq!(options(&["--save", "--loglevel", "verbose"]), "save \"\"\nloglevel \"verbose\" ");
        assert_eq!(options(&["--loglevel", "verbose", "--save"]), "loglevel \"verbose\" \nsave \"\"");
        assert_eq!(options(&["--save", "", "--port", "1"]), "save \"\" \nport \"1\" ");
        assert_eq!(
            options(&["--proc-title-template", "--save", "--save", ""]),
            "proc-title-template \"--save\" \nsave \"\" "
        );
    }

    #[test]
    fn a_dash_is_standard_input_at_either_end() {
        let invocation = Invocation::parse(&["a.conf", "--port", "1", "-"]);
        assert_eq!(invocation.file.as_deref(), Some(b"a.conf".as_slice()));
        assert!(invocation.from_stdin);
        assert!(Invocation::parse(&["-"]).from_stdin);
        assert!(!Invocation::parse(&["--logfile", "-", "--port", "1"]).from_stdin);
        assert_eq!(Invocation::parse::<&str>(&[]), Invocation::default());
    }
}
