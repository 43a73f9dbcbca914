//! CONFIG GET and CONFIG SET, and what a re-read file changes.

use std::fmt;

use super::Config;
use super::directive::{Directive, When};
use super::kind::Reason;
use super::rows::{directives, find};
use crate::base::glob::{self, Case};

/// Who asks for a CONFIG SET, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetContext {
    /// Whether the client is on this machine (loopback or Unix socket).
    pub client_is_local: bool,
    /// Whether data is being loaded.
    pub loading: bool,
}

/// Why CONFIG SET changed nothing. `Display` prints Redis's text, without the `ERR` in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetError {
    /// No directive of this name.
    Unknown(String),
    /// This one cannot be set, or not to that value.
    Argument {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// Not while data is being loaded (the reply is -LOADING).
    Loading,
}

/// A directive whose value a re-read configuration changes.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its row; `when` tells whether it was applied or waits for a restart.
    pub directive: &'static Directive,
    /// The value so far, fit for logs.
    pub old: String,
    /// The new value, fit for logs.
    pub new: String,
}

impl Default for Config {
    /// The configuration of an empty file.
    fn default() -> Self {
        let mut config = Config::blank();
        for row in directives().filter(|row| row.has_value()) {
            let set = row.set_text(&mut config, row.default.as_bytes());
            debug_assert!(set.is_ok(), "default of '{}': {set:?}", row.name);
        }
        config
    }
}

impl Config {
    /// CONFIG GET: names and values that match any of the patterns, each once.
    ///
    /// A pattern without `*`, `?` and `[` is a name, and is answered as the client spelt it. Others match names and
    /// aliases in any case, but for hidden ones.
    pub fn get(&self, patterns: &[&[u8]]) -> Vec<(String, Vec<u8>)> {
        let mut found: Vec<(String, Vec<u8>)> = Vec::new();
        let mut add = |name: String, row: &Directive| {
            if !found.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                found.push((name, row.print(self)));
            }
        };
        for pattern in patterns {
            if !pattern.iter().any(|byte| b"[*?".contains(byte)) {
                if let Some(row) = find(pattern).filter(|row| row.has_value()) {
                    add(String::from_utf8_lossy(pattern).into_owned(), row);
                }
                continue;
            }
            for row in directives().filter(|row| row.has_value() && !row.hidden) {
                for name in [Some(row.name), row.alias].into_iter().flatten() {
                    if glob::matches(pattern, name.as_bytes(), Case::Insensitive) {
                        add(name.to_string(), row);
                    }
                }
            }
        }
        found
    }

    /// What CONFIG SET of these pairs makes of the configuration, and the rows that change by it; `self` stays as it
    /// is, so that the caller can try the effects (a port that is taken) before it takes over the new one.
    ///
    /// # Errors
    /// The first pair that is not possible; then none is.
    pub fn with(
        &self,
        pairs: &[(&[u8], &[u8])],
        context: SetContext,
    ) -> Result<(Config, Vec<&'static Directive>), SetError> {
        let mut rows: Vec<(&'static str, &'static Directive)> = Vec::with_capacity(pairs.len());
        for (name, _) in pairs {
            let (known, row) = self.settable(name, context)?;
            if rows.iter().any(|(before, _)| *before == known) {
                return Err(SetError::argument(&String::from_utf8_lossy(name), "duplicate parameter".into()));
            }
            rows.push((known, row));
        }
        let mut new = self.clone();
        for ((name, row), (_, value)) in rows.iter().zip(pairs) {
            row.set_text(&mut new, value).map_err(|reason| SetError::argument(name, reason))?;
            if let Some(reason) = row.refusal(&new) {
                return Err(SetError::argument(name, reason.into()));
            }
        }
        let mut changed: Vec<&'static Directive> = Vec::new();
        for (_, row) in rows {
            let is_other = row.names_outside || row.print(self) != row.print(&new);
            if is_other && !changed.iter().any(|known| std::ptr::eq(*known, row)) {
                changed.push(row);
            }
        }
        Ok((new, changed))
    }

    /// CONFIG SET, all or none: as `with`, and takes the new values over.
    ///
    /// # Errors
    /// As `with`.
    pub fn set(&mut self, pairs: &[(&[u8], &[u8])], context: SetContext) -> Result<Vec<&'static Directive>, SetError> {
        let (new, changed) = self.with(pairs, context)?;
        *self = new;
        Ok(changed)
    }

    /// What a re-read configuration changes: `self` with the live directives of `new`, and all that differ, also
    /// those that wait for a restart.
    pub fn reload(&self, new: &Config) -> (Config, Vec<Change>) {
        let mut merged = self.clone();
        let mut changes = Vec::new();
        for row in directives().filter(|row| row.has_value()) {
            let value = row.print(new);
            if row.print(self) == value {
                continue;
            }
            if row.when == When::Live {
                let set = row.set_text(&mut merged, &value);
                debug_assert!(set.is_ok(), "'{}' does not take what it printed: {set:?}", row.name);
            }
            changes.push(Change { directive: row, old: row.print_for_log(self), new: row.print_for_log(new) });
        }
        (merged, changes)
    }

    /// The row that CONFIG SET may set under `name`, and the spelling of its table.
    fn settable(&self, name: &[u8], context: SetContext) -> Result<(&'static str, &'static Directive), SetError> {
        let spelt = || String::from_utf8_lossy(name).into_owned();
        let row = find(name).filter(|row| row.has_value()).ok_or_else(|| SetError::Unknown(spelt()))?;
        if row.when == When::AtStart {
            return Err(SetError::argument(&spelt(), "can't set immutable config".into()));
        }
        if row.protected && !self.enable_protected_configs.allows(context.client_is_local) {
            return Err(SetError::argument(&spelt(), "can't set protected config".into()));
        }
        if row.deny_loading && context.loading {
            return Err(SetError::Loading);
        }
        let alias = row.alias.filter(|alias| name.eq_ignore_ascii_case(alias.as_bytes()));
        Ok((alias.unwrap_or(row.name), row))
    }
}

impl SetError {
    fn argument(name: &str, reason: Reason) -> Self {
        SetError::Argument { name: name.to_string(), reason: reason.into_owned() }
    }
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetError::Unknown(name) => write!(f, "Unknown option or number of arguments for CONFIG SET - '{name}'"),
            SetError::Argument { name, reason } => {
                write!(f, "CONFIG SET failed (possibly related to argument '{name}') - {reason}")
            }
            SetError::Loading => f.write_str("Redis is loading the dataset in memory"),
        }
    }
}

impl std::error::Error for SetError {}

#[cfg(test)]
mod tests;
