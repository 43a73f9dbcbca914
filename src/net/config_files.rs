//! The texts of a configuration, read from where the command line says: at start, and again at SIGHUP.

use crate::base::glob::{self, Case};
use crate::commands::registry;
use crate::commands::rights::judge_user;
use crate::server::config::{Config, ConfigError, Finding, Invocation, Loaded, Sources, check};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where the configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct ConfigFiles {
    /// The file, absolute: the process may change its directory.
    pub path: Option<PathBuf>,
    /// What standard input had at start.
    stdin: Option<Vec<u8>>,
    options: Vec<u8>,
    /// The directory that the process was started in: a relative `dir` is meant from here.
    pub(super) start_directory: PathBuf,
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum Refusal {
    /// A file cannot be read.
    Unreadable(String),
    /// A line is not valid.
    Invalid(Box<ConfigError>),
}

impl ConfigFiles {
    /// The places that the command line names; standard input is read to its end when it is one.
    pub fn of(invocation: Invocation) -> io::Result<ConfigFiles> {
        let path = invocation.file.map(|name| std::path::absolute(OsStr::from_bytes(&name))).transpose()?;
        let mut stdin = None;
        if invocation.from_stdin {
            io::stdin().read_to_end(stdin.insert(Vec::new()))?;
        }
        let start_directory = std::env::current_dir().unwrap_or_default();
        Ok(ConfigFiles { path, stdin, options: invocation.options, start_directory })
    }

    /// One file and nothing else; `-` is standard input, which is read to its end.
    pub fn of_file(path: PathBuf) -> io::Result<ConfigFiles> {
        let mut files = ConfigFiles::default();
        match path.as_os_str().as_bytes() {
            b"-" => drop(io::stdin().read_to_end(files.stdin.insert(Vec::new()))?),
            _ => files.path = Some(path),
        }
        Ok(files)
    }

    /// Reads all of them.
    pub fn load(&self) -> Result<Loaded, Refusal> {
        self.read(|sources| Config::from_sources(sources, &mut |name| self.open_included(name)))?
            .map_err(Refusal::Invalid)
    }

    /// All there is to say about them.
    pub fn check(&self) -> Result<Vec<Finding>, Refusal> {
        self.read(|sources| check(sources, &mut |name| self.open_included(name)))
    }

    /// Makes the `dir` of a configuration that was read again what `doors::enter` made of it at start.
    pub fn resolve(&self, config: &mut Config) {
        let dir = self.start_directory.join(&config.dir);
        config.dir = fs::canonicalize(&dir).unwrap_or(dir).display().to_string();
    }

    /// The files that an `include` names, by name or pattern, in order of their names. A relative name is meant from where the process
    /// was started, whatever directory it is in by now.
    fn open_included(&self, name: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        let is_pattern = name.contains(['*', '?', '[']);
        let start = &self.start_directory;
        let paths = if is_pattern { matching(start, Path::new(name)) } else { vec![start.join(name)] };
        let read = |path: PathBuf| Ok((path.display().to_string(), fs::read(&path).map_err(|e| plain(&e))?));
        paths.into_iter().map(read).collect()
    }

    fn read<T>(&self, use_sources: impl FnOnce(Sources<'_>) -> T) -> Result<T, Refusal> {
        let content = self.path.as_ref().map(|path| read_file(path)).transpose().map_err(Refusal::Unreadable)?;
        let name = self.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        Ok(use_sources(Sources {
            file: content.as_ref().map(|content| (name.as_str(), content.as_slice())),
            stdin: self.stdin.as_deref(),
            options: &self.options,
            judge_user: Some(judge_user),
            judge_command: Some(registry::known),
        }))
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Unreadable(text) => f.write_str(text),
            Refusal::Invalid(error) => error.fmt(f),
        }
    }
}

impl Refusal {
    /// The same on one line, for a server that goes on.
    pub fn line(&self) -> String {
        match self {
            Refusal::Unreadable(text) => text.clone(),
            Refusal::Invalid(error) => error.0.to_string(),
        }
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|e| format!("Fatal error, can't open config file '{}': {}", path.display(), plain(&e)))
}

/// The paths from `start` on that match a pattern, component by component; names that begin with a dot only match a pattern that does.
fn matching(start: &Path, pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![start.to_owned()];
    for component in pattern.components() {
        let part = component.as_os_str();
        if !part.as_bytes().iter().any(|byte| b"*?[".contains(byte)) {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        }
        found = found.iter().flat_map(|directory| matching_in(directory, part.as_bytes())).collect();
    }
    found.retain(|path| path.exists());
    found.sort();
    found
}

fn matching_in(directory: &Path, pattern: &[u8]) -> Vec<PathBuf> {
    let here = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let entries = fs::read_dir(here).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let fits = |name: &OsStr| {
        let name = name.as_bytes();
        (pattern.starts_with(b".") || !name.starts_with(b".")) && glob::matches(pattern, name, Case::Sensitive)
    };
    entries.filter(|name| fits(name)).map(|name| directory.join(name)).collect()
}

/// An error in the system's words, without its number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_match_patterns_in_order_and_later_ones_win() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("conf.d")).unwrap();
        fs::write(at("conf.d/20.conf"), "port 20\n").unwrap();
        fs::write(at("conf.d/10.conf"), "port 10\nhz 50\n").unwrap();
        fs::write(at("conf.d/.hidden.conf"), "port 1\n").unwrap();
        fs::write(at("main.conf"), format!("include {}/*.conf\ninclude {0}/none*\n", at("conf.d").display())).unwrap();
        let loaded = ConfigFiles::of_file(at("main.conf")).unwrap().load().unwrap();
        assert_eq!((loaded.config.port, loaded.config.hz), (20, 50));
    }

    #[test]
    fn a_relative_include_was_looked_for_in_the_directory_of_the_data() {
        let start = tempfile::tempdir().unwrap();
        fs::write(start.path().join("main.conf"), "include more.conf\ninclude m[o]re.conf\n").unwrap();
        fs::write(start.path().join("more.conf"), "hz 50\n").unwrap();
        let files = ConfigFiles {
            start_directory: start.path().to_owned(),
            ..ConfigFiles::of_file(start.path().join("main.conf")).unwrap()
        };
        assert_eq!(files.load().unwrap().config.hz, 50);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let refusal = ConfigFiles::of_file("/nowhere/a.conf".into()).unwrap().load().unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "Fatal error, can't open config file '/nowhere/a.conf': No such file or directory"
        );
    }
}
