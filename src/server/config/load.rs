//! Reading configuration text: files, what they include, standard input and the command line's options.
//!
//! Reading goes on after an error, so that `check` can tell all of them; a start stops at the first. Each finding has
//! its place.

use std::fmt;

use super::directive::{Directive, Support};
use super::kind::Origin;
use super::rows::{self, find};
use super::suggest::nearest;
use super::values::RenamedCommand;
use super::words::AclPubsubDefault;
use super::{Config, VERSION};
use crate::base::quote::split_args;

/// Deepest nesting of `include`; Redis has no bound and dies of a file that includes itself.
const INCLUDE_DEPTH_MAX: usize = 16;

/// Opens the file (or all files that match the pattern) that an `include` names: pairs of path and content, in order.
/// A pattern may match nothing; a plain path that cannot be read is an error, with the reason of the system.
pub type Include<'a> = &'a mut dyn FnMut(&str) -> Result<Vec<(String, Vec<u8>)>, String>;

/// The texts that make up a configuration, later ones winning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// The configuration file: its path, for messages, and its content.
    pub file: Option<(&'a str, &'a [u8])>,
    /// What standard input had, when `-` was given.
    pub stdin: Option<&'a [u8]>,
    /// The command line's options, as `Invocation` makes them.
    pub options: &'a [u8],
    /// Judges the users of `user` lines; without it they are only kept.
    pub judge_user: Option<JudgeUser>,
    /// Judges the commands that `rename-command` names; without it they are only kept.
    pub judge_command: Option<JudgeCommand>,
}

/// Judges the words of a `user` line, its name first; gives what is wrong, without any password.
pub type JudgeUser = fn(&[Vec<u8>], AclPubsubDefault) -> Result<(), String>;

/// Tells what is known of a command, by its name in any case.
pub type JudgeCommand = fn(&[u8]) -> Known;

/// What is known of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It can be called.
    Here,
    /// Redis or Valkey has it.
    Elsewhere,
    /// Nobody has it.
    Nowhere,
}

/// A configuration that was read, and what is to be said about it.
#[derive(Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Where each directive was given, in order.
    pub given: Vec<Given>,
    /// What an operator should be told once.
    pub warnings: Vec<Finding>,
}

/// A directive that a source names.
#[derive(Clone, Debug)]
pub struct Given {
    /// Its row.
    pub directive: &'static Directive,
    /// Where.
    pub place: Place,
}

/// A place in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path of the file, or what else was read.
    pub source: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// The line, without blanks at its ends and without secrets.
    pub text: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a look.
    Note,
    /// The server starts, but not as the line may suggest.
    Warning,
    /// The server does not start.
    Error,
}

/// Something to say about a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// What; errors in the words of Redis.
    pub message: String,
    /// The directive that was probably meant.
    pub suggestion: Option<&'static str>,
}

/// Why a configuration cannot be used: its first error. `Display` prints it as a start of Redis does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub Finding);

/// How a source is called in messages when it is not a file.
pub(crate) const COMMAND_LINE: &str = "the command line";
const STANDARD_INPUT: &str = "standard input";

/// Two sources of users would contradict each other at the next ACL LOAD.
const BOTH_USERS_AND_FILE: &str =
    "users stand either here, in 'user' lines, or in the file that 'aclfile' names, but not in both";

impl Config {
    /// Reads a configuration; `include` opens further files.
    ///
    /// # Errors
    /// The first line that is not valid, with its place; nothing of the configuration is then used.
    pub fn from_sources(sources: Sources<'_>, include: Include<'_>) -> Result<Loaded, Box<ConfigError>> {
        let reader = Reader::read(sources, include);
        let mut warnings = reader.findings;
        if let Some(error) = warnings.iter().find(|finding| finding.severity == Severity::Error) {
            return Err(Box::new(ConfigError(error.clone())));
        }
        warnings.retain(|finding| finding.severity == Severity::Warning);
        Ok(Loaded { config: reader.config, given: reader.given, warnings })
    }
}

/// Everything there is to say about a configuration, in order of reading: for `ferrodis check-config`.
pub fn check(sources: Sources<'_>, include: Include<'_>) -> Vec<Finding> {
    Reader::read(sources, include).findings
}

struct Reader<'a> {
    config: Config,
    given: Vec<Given>,
    findings: Vec<Finding>,
    include: Include<'a>,
    depth: usize,
}

/// What is wrong with a line: message, column within the trimmed line, suggestion.
struct Fault {
    message: String,
    at_value: bool,
    suggestion: Option<&'static str>,
}

impl Fault {
    fn in_value(message: impl Into<String>) -> Self {
        Fault { message: message.into(), at_value: true, suggestion: None }
    }

    fn in_name(message: impl Into<String>) -> Self {
        Fault { message: message.into(), at_value: false, suggestion: None }
    }
}

impl<'a> Reader<'a> {
    fn read(sources: Sources<'_>, include: Include<'a>) -> Self {
        let mut reader =
            Reader { config: Config::default(), given: Vec::new(), findings: Vec::new(), include, depth: 0 };
        if let Some((path, text)) = sources.file {
            reader.text(path, text);
        }
        if let Some(text) = sources.stdin {
            reader.text(STANDARD_INPUT, text);
        }
        reader.text(COMMAND_LINE, sources.options);
        reader.judge_support();
        if let Some(judge) = sources.judge_user {
            reader.judge_users(judge);
        }
        if let Some(judge) = sources.judge_command {
            reader.judge_renames(judge);
        }
        reader
    }

    fn text(&mut self, source: &str, text: &[u8]) {
        for (index, raw) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = raw.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let indent = raw.len() - raw.trim_ascii_start().len();
            let place = Place { source: source.to_string(), line: index + 1, column: indent + 1, text: show(line) };
            if let Err(fault) = self.line(line, &place) {
                let shift = if fault.at_value { value_offset(line) } else { 0 };
                let place = Place { column: place.column + shift, ..place };
                let Fault { message, suggestion, .. } = fault;
                self.findings.push(Finding { severity: Severity::Error, place, message, suggestion });
            }
        }
    }

    fn line(&mut self, line: &[u8], place: &Place) -> Result<(), Fault> {
        let words = split_args(line).ok_or_else(|| Fault::in_value("Unbalanced quotes in configuration line"))?;
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let Some((&name, values)) = words.split_first() else { return Ok(()) };
        match find(name) {
            Some(row) if row.has_value() => self.directive(row, values, place),
            Some(row) => self.statement(row, values, place),
            None => self.unknown(name, values, place),
        }
    }

    fn directive(&mut self, row: &'static Directive, values: &[&[u8]], place: &Place) -> Result<(), Fault> {
        let inner;
        let inner_words: Vec<&[u8]>;
        let values = match values {
            // One word may hold all: `--save "900 1"`.
            [one] if row.multi && !one.is_empty() => {
                inner = split_args(one).ok_or_else(|| Fault::in_value("Unbalanced quotes in configuration line"))?;
                inner_words = inner.iter().map(Vec::as_slice).collect();
                &inner_words
            }
            _ if !row.multi && values.len() != 1 => return Err(Fault::in_value("wrong number of arguments")),
            _ => values,
        };
        let before = self.given.iter().rev().find(|given| std::ptr::eq(given.directive, row));
        let origin = if before.is_some() { Origin::LaterInFile } else { Origin::FirstInFile };
        if let Some(before) = before.filter(|before| before.place.source == place.source && !row.multi) {
            let message = format!("'{}' was given before, at line {}; this one wins", row.name, before.place.line);
            self.findings.push(Finding { severity: Severity::Note, place: place.clone(), message, suggestion: None });
        }
        row.set(&mut self.config, values, origin).map_err(Fault::in_value)?;
        self.given.push(Given { directive: row, place: place.clone() });
        Ok(())
    }

    fn statement(&mut self, row: &'static Directive, values: &[&[u8]], place: &Place) -> Result<(), Fault> {
        match (row.name, values) {
            ("include", [path]) => self.include(path)?,
            ("rename-command", [from, to]) => {
                self.config.renamed_commands.push(RenamedCommand { from: from.to_vec(), to: to.to_vec() });
            }
            ("user", [name, ..]) => {
                if self.config.users.iter().any(|user| user[0] == *name) {
                    return Err(Fault::in_value(format!(
                        "Error in user declaration '{}': Duplicate user found. A user can only be defined once in \
                         config files",
                        String::from_utf8_lossy(name)
                    )));
                }
                let words: Vec<Vec<u8>> = values.iter().map(|word| word.to_vec()).collect();
                self.config.users.push(words.into());
            }
            ("loadmodule", [_, ..]) => {}
            _ => return Err(Fault::in_name("Bad directive or wrong number of arguments")),
        }
        self.given.push(Given { directive: row, place: place.clone() });
        Ok(())
    }

    fn include(&mut self, path: &[u8]) -> Result<(), Fault> {
        let path = String::from_utf8_lossy(path);
        if self.depth == INCLUDE_DEPTH_MAX {
            return Err(Fault::in_value(format!("include is nested deeper than {INCLUDE_DEPTH_MAX} files")));
        }
        let files = (self.include)(&path)
            .map_err(|reason| Fault::in_value(format!("Fatal error, can't open config file '{path}': {reason}")))?;
        self.depth += 1;
        for (path, text) in files {
            self.text(&path, &text);
        }
        self.depth -= 1;
        Ok(())
    }

    fn unknown(&mut self, name: &[u8], values: &[&[u8]], place: &Place) -> Result<(), Fault> {
        let is_ignored = rows::IGNORED.iter().any(|ignored| name.eq_ignore_ascii_case(ignored.as_bytes()));
        if is_ignored && values.len() == 1 {
            let message = format!("'{}' has no effect: it was dropped long ago", String::from_utf8_lossy(name));
            self.findings.push(Finding {
                severity: Severity::Warning,
                place: place.clone(),
                message,
                suggestion: None,
            });
            return Ok(());
        }
        if name.eq_ignore_ascii_case(b"sentinel") {
            return Err(Fault::in_name("sentinel directive while not in sentinel mode"));
        }
        let suggestion = nearest(name);
        Err(Fault { suggestion, ..Fault::in_name("Bad directive or wrong number of arguments") })
    }

    /// After the last line, when the values are final: what is refused, and what has no effect.
    fn judge_support(&mut self) {
        let defaults = Config::default();
        for (index, Given { directive, place }) in self.given.iter().enumerate() {
            let said_later = self.given[index + 1..].iter().any(|later| std::ptr::eq(later.directive, *directive));
            let differs = !directive.has_value() || directive.print(&self.config) != directive.print(&defaults);
            if said_later || !differs {
                continue;
            }
            let (severity, message) = match directive.support {
                Support::Works => continue,
                Support::NoEffect(reason) => {
                    (Severity::Warning, format!("'{}' has no effect: {reason}", directive.name))
                }
                Support::Refused(reason) => (Severity::Error, reason.to_string()),
            };
            self.findings.push(Finding { severity, place: place.clone(), message, suggestion: None });
        }
    }

    /// Judges each `rename-command` by the names that those before it have left. What is kept are the commands' own names.
    fn judge_renames(&mut self, judge: JudgeCommand) {
        let places =
            self.given.iter().filter(|given| given.directive.name == "rename-command").map(|given| &given.place);
        let said = std::mem::take(&mut self.config.renamed_commands);
        let renamed = &mut self.config.renamed_commands;
        for (RenamedCommand { from, to }, place) in said.into_iter().zip(places) {
            let is_called = |r: &RenamedCommand, name: &[u8]| !name.is_empty() && r.to.eq_ignore_ascii_case(name);
            let called = |name: &[u8]| renamed.iter().position(|r| is_called(r, name));
            let is_taken = |name: &[u8]| renamed.iter().any(|r| r.from.eq_ignore_ascii_case(name));
            let known = match called(&from) {
                Some(_) => Known::Here,
                None if is_taken(&from) => Known::Nowhere,
                None => judge(&from),
            };
            let is_own_name = to.eq_ignore_ascii_case(&from);
            let is_in_use = called(&to).is_some() || !is_taken(&to) && judge(&to) == Known::Here;
            let (severity, message) = match known {
                Known::Nowhere => (Severity::Error, "No such command in rename-command".into()),
                Known::Elsewhere => {
                    let name = String::from_utf8_lossy(&from);
                    (Severity::Warning, format!("this version has no command '{name}' to rename"))
                }
                Known::Here if !to.is_empty() && !is_own_name && is_in_use => {
                    (Severity::Error, "Target command name already exists".into())
                }
                Known::Here => {
                    match called(&from) {
                        Some(index) => renamed[index].to = to,
                        None => renamed.push(RenamedCommand { from, to }),
                    }
                    continue;
                }
            };
            self.findings.push(Finding { severity, place: place.clone(), message, suggestion: None });
        }
    }

    /// After the last line too: what a rule means depends on `acl-pubsub-default`.
    fn judge_users(&mut self, judge: JudgeUser) {
        let places = self.given.iter().filter(|given| given.directive.name == "user").map(|given| &given.place);
        for (words, place) in self.config.users.iter().zip(places) {
            let fault = match judge(words, self.config.acl_pubsub_default) {
                _ if !self.config.aclfile.is_empty() => BOTH_USERS_AND_FILE.to_string(),
                Err(fault) => format!("Error in user declaration '{}': {fault}", String::from_utf8_lossy(&words[0])),
                Ok(()) => continue,
            };
            let (severity, place) = (Severity::Error, place.clone());
            self.findings.push(Finding { severity, place, message: fault, suggestion: None });
        }
    }
}

/// Where the first word behind the directive's name begins.
fn value_offset(line: &[u8]) -> usize {
    let name_end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(0);
    let blanks = line[name_end..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    name_end + blanks
}

/// A line for messages: text, with everything behind the name hidden where it holds, or may hold, a secret.
fn show(line: &[u8]) -> String {
    let name_end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let name = &line[..name_end];
    let row = find(name).or_else(|| find(nearest(name)?.as_bytes()));
    let text = String::from_utf8_lossy(line);
    match row {
        Some(row) if row.sensitive && name_end < line.len() => format!("{} (hidden)", String::from_utf8_lossy(name)),
        _ => text.into_owned(),
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source, self.line, self.column)
    }
}

impl fmt::Display for Finding {
    /// `file:line:column: severity: message`, as compilers print it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{}: {severity}: {}", self.place, self.message)?;
        match self.suggestion {
            Some(suggestion) => write!(f, "; did you mean '{suggestion}'?"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { place, message, suggestion, .. } = &self.0;
        writeln!(f, "\n*** FATAL CONFIG FILE ERROR (Ferrodis {VERSION}) ***")?;
        if place.source == COMMAND_LINE {
            writeln!(f, "Reading {COMMAND_LINE}")?;
        } else {
            writeln!(f, "Reading the configuration file, at line {} ({place})", place.line)?;
        }
        writeln!(f, ">>> '{}'", place.text)?;
        write!(f, "{message}")?;
        match suggestion {
            Some(suggestion) => write!(f, "\nDid you mean '{suggestion}'?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests;
