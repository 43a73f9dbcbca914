//! The document made from the rows: `docs/COMMANDS.md`.

use super::registry::{Entry, all};
use super::row::Run;
use super::syntax;
use super::{GROUPS, Group};
use std::fmt::Write;

/// The content of `docs/COMMANDS.md`: every command and subcommand, by group.
pub fn reference_markdown() -> String {
    let mut text = String::from(
        "<!-- Made from the commands' rows: FERRODIS_BLESS=1 cargo test --lib commands_reference -->\n\n# Commands\n\n\
         All commands and subcommands that Ferrodis has, by group. They take the options and give the replies and errors of \
         Redis 8.0; \"since\" is the version of Redis that had a command first. `COMMAND DOCS` answers the same to clients.\n\n",
    );
    let commands = all().iter().filter(|entry| entry.parent.is_none()).count();
    let groups: Vec<&Group> = GROUPS.iter().collect();
    let links: Vec<String> = groups.iter().map(|group| format!("[{0}](#{0})", group.name)).collect();
    let _ = writeln!(text, "{commands} commands: {}.", links.join(", "));
    for group in groups {
        group_section(&mut text, group);
    }
    text
}

fn group_section(text: &mut String, group: &Group) {
    let _ = write!(text, "\n## {}\n\n", group.name);
    text.push_str("| command | what it does | since | complexity | flags |\n|---|---|---|---|---|\n");
    let mut entries: Vec<&Entry> = all()
        .iter()
        .filter(|entry| entry.group == group.name && !matches!(entry.command.run, Run::Container))
        .collect();
    entries.sort_by(|a, b| a.full_name.cmp(&b.full_name));
    for entry in entries {
        row(text, entry);
    }
}

fn row(text: &mut String, entry: &Entry) {
    let command = entry.command;
    let name = entry.full_name.replace('|', " ").to_ascii_uppercase();
    let words = syntax::parse(command.syntax).map(|arguments| syntax::print(&arguments)).unwrap_or_default();
    let mut what = command.summary.to_string();
    if let Some((since, instead)) = command.deprecated {
        let _ = write!(what, " Deprecated since {since}: use {instead}.");
    }
    let cells = [
        format!("`{}`", format!("{name} {words}").trim_end()),
        what,
        command.since.to_string(),
        command.complexity.to_string(),
        command.flag_names().join(" "),
    ];
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn commands_reference_is_current() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/COMMANDS.md");
        let content = reference_markdown();
        if std::env::var_os("FERRODIS_BLESS").is_some() {
            std::fs::write(&file, &content).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
        let current = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            current == content,
            "docs/COMMANDS.md is not what the rows say: FERRODIS_BLESS=1 cargo test --lib commands_reference"
        );
    }

    #[test]
    fn every_row_can_be_printed() {
        for entry in all() {
            assert!(syntax::parse(entry.command.syntax).is_ok(), "{}: {}", entry.full_name, entry.command.syntax);
            assert!(!entry.command.summary.is_empty(), "{} has no summary", entry.full_name);
        }
        let text = reference_markdown();
        assert!(text.contains("| `BGSAVE [SCHEDULE]` | "), "{text}");
        assert!(text.contains("| `MEMORY USAGE key [SAMPLES count]` | "), "{text}");
    }
}
