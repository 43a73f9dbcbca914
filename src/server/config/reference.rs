//! The documents made from the rows: `redis.conf.example` and `docs/CONFIG.md`.

use std::fmt::Write;

use super::Config;
use super::directive::{Directive, Support, When};
use super::rows::{TOPICS, Topic};

/// Width of prose in the example file.
const WIDTH: usize = 96;

/// The content of `redis.conf.example`: every directive that works, with its default, commented out.
pub fn example_file() -> String {
    let mut text = String::new();
    comment(
        &mut text,
        "Configuration of Ferrodis. Start it with `ferrodis /path/to/this/file`; options behind the file, as in \
         `--port 6380`, win over it. `ferrodis check-config FILE` tells what is wrong with a file.",
    );
    text.push_str("#\n");
    comment(
        &mut text,
        "A line without a blank behind its `#` is a directive with its default: take the `#` away and change the \
         value. All directives of redis.conf 8.0 and valkey.conf 9.1 are known; those that have no effect here are \
         only named. docs/CONFIG.md lists all of them.",
    );
    for topic in TOPICS {
        example_topic(&mut text, topic);
    }
    text
}

fn example_topic(text: &mut String, topic: &Topic) {
    let shown: Vec<&Directive> =
        topic.directives.iter().filter(|row| row.support == Support::Works && !row.hidden).collect();
    let others: Vec<&str> = topic
        .directives
        .iter()
        .filter(|row| row.support != Support::Works && !row.hidden)
        .map(|row| row.name)
        .collect();
    if shown.is_empty() && others.is_empty() {
        return;
    }
    let rule = "#".repeat(WIDTH.saturating_sub(topic.title.len() + 6));
    let _ = write!(text, "\n#### {} {rule}\n\n", topic.title);
    comment(text, topic.intro);
    for row in shown {
        text.push('\n');
        comment(text, row.doc);
        if row.has_value() && row.values(&Config::default()) != "see text" {
            comment(text, &format!("Values: {}.", row.values(&Config::default())));
        }
        let _ = writeln!(text, "#{}", example_line(row));
    }
    if !others.is_empty() {
        text.push('\n');
        comment(text, &format!("Known, but without effect here or refused: {}.", others.join(", ")));
    }
}

/// A line of a file that gives the directive its default.
fn example_line(row: &Directive) -> String {
    let quoted = row.default.is_empty() || (!row.multi && row.default.contains(' '));
    match quoted {
        true => format!("{} \"{}\"", row.name, row.default),
        false => format!("{} {}", row.name, row.default),
    }
}

/// Adds a paragraph as comment lines of at most `WIDTH` characters.
fn comment(text: &mut String, paragraph: &str) {
    let mut line = String::from("#");
    for word in paragraph.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH && line.len() > 1 {
            text.push_str(&line);
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

/// What stands before the tables of CONFIG.md.
const PREFACE: &str = "\
<!-- Generated from src/server/config/rows: change a row, then run `FERRODIS_BLESS=1 cargo test --lib config_docs`. -->

# Configuration

`ferrodis [FILE] [-] [--directive value ...]`: the file first, then standard input (`-`), then the command line; the
last one wins. A line of a file is a directive and its values; values may be quoted; `#` begins a comment. An unknown
directive, or a value that is not possible, ends the start; `ferrodis check-config FILE` tells all there is to say.

Every directive of `redis.conf` 8.0 and `valkey.conf` 9.1 is known here. It works as described; or it has **no effect**,
and a file that sets it to something else is told so at start; or it is **refused**, because to ignore it would be
dangerous or a lie. *Live* ones can be changed by `CONFIG SET`, and by SIGHUP after an edit of the file; *protected*
ones only with `enable-protected-configs`; the others at start. *Hidden* ones are shown by `CONFIG GET` under their full name
only.
";

/// The content of `docs/CONFIG.md`: a table of directives for each topic.
pub fn reference_markdown() -> String {
    let mut text = PREFACE.to_string();
    let defaults = Config::default();
    for topic in TOPICS {
        let _ = write!(text, "\n## {}\n\n{}\n\n", topic.title, topic.intro);
        text.push_str("| directive | values | default | change | meaning |\n|---|---|---|---|---|\n");
        for row in topic.directives {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                names(row),
                row.values(&defaults),
                default_cell(row),
                change_cell(row),
                meaning(row).replace('|', "\\|")
            );
        }
    }
    text
}

fn names(row: &Directive) -> String {
    match row.alias {
        Some(alias) => format!("`{}`<br>`{alias}`", row.name),
        None => format!("`{}`", row.name),
    }
}

fn default_cell(row: &Directive) -> String {
    match (row.has_value(), row.default) {
        (false, example) => format!("(example) `{}`", example.replace('|', "\\|")),
        (true, "") => "(empty)".to_string(),
        (true, value) => format!("`{value}`"),
    }
}

fn change_cell(row: &Directive) -> String {
    let mut words = vec![match (row.when, row.protected) {
        (When::AtStart, _) => "at start",
        (When::Live, true) => "protected",
        (When::Live, false) => "live",
    }];
    if row.hidden {
        words.push("hidden");
    }
    words.join(", ")
}

fn meaning(row: &Directive) -> String {
    match row.support {
        Support::Works => row.doc.to_string(),
        Support::NoEffect(reason) => format!("{} **No effect**: {reason}.", row.doc),
        Support::Refused(reason) => format!("{} **Refused**: {reason}.", row.doc),
    }
}

#[cfg(test)]
mod tests;
