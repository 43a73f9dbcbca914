//! The text of INFO.

use super::{SECTIONS, Section, Shown, Value};
use crate::server::Server;
use std::fmt::Write;

/// Which sections are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    named: Vec<String>,
    everything: bool,
    default: bool,
}

impl Selection {
    /// From the words of the call: names of sections, `default`, `all`, `everything`; none at all is `default`. Words in any case;
    /// those that name nothing select nothing.
    pub fn of<'a>(words: impl Iterator<Item = &'a [u8]>) -> Selection {
        let mut selection = Selection::default();
        for word in words {
            match String::from_utf8_lossy(word).to_ascii_lowercase().as_str() {
                "default" => selection.default = true,
                "all" | "everything" => selection.everything = true,
                name => selection.named.push(name.to_string()),
            }
        }
        if selection == Selection::default() {
            selection.default = true;
        }
        selection
    }

    /// Whether it has a section that the census is for.
    pub fn tells_of_keys(&self) -> bool {
        SECTIONS.iter().any(|section| matches!(section.title, "Keysizes" | "Prefixes") && self.has(section))
    }

    fn has(&self, section: &Section) -> bool {
        let by_itself = match section.shown {
            Shown::ByDefault => self.default || self.everything,
            Shown::WithAll => self.everything,
            Shown::WhenNamed => false,
        };
        by_itself || self.named.iter().any(|name| name.eq_ignore_ascii_case(section.title))
    }
}

/// The selected sections, in Redis's order. The server's resources should have been read just before.
pub fn info(server: &Server, selection: &Selection) -> String {
    let mut text = String::with_capacity(8192);
    for section in SECTIONS.iter().filter(|section| selection.has(section)) {
        if !text.is_empty() {
            text.push_str("\r\n");
        }
        let _ = write!(text, "# {}\r\n", section.title);
        for row in section.rows.iter().filter(|row| !row.name.is_empty() && (row.shown)(server)) {
            match (row.value)(server) {
                Value::Lines(lines) => {
                    for (suffix, line) in lines {
                        let _ = write!(text, "{}{suffix}:{line}\r\n", row.name);
                    }
                }
                value => {
                    if let Some(value) = value.info() {
                        let _ = write!(text, "{}:{value}\r\n", row.name);
                    }
                }
            }
        }
    }
    text
}
