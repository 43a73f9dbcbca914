//! The generated documents are current, and true.

use std::path::Path;

use super::super::load::{Sources, check};
use super::super::rows::directives;
use super::*;

/// Compares a generated document with its file; with FERRODIS_BLESS=1 writes it.
fn compare(path: &str, content: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("FERRODIS_BLESS").is_some() {
        std::fs::write(&file, content).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
    let current = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(current == content, "{path} is not what the rows say: FERRODIS_BLESS=1 cargo test --lib config_docs");
}

#[test]
fn config_docs_example_file_is_current() {
    compare("redis.conf.example", &example_file());
}

#[test]
fn config_docs_reference_is_current() {
    compare("docs/CONFIG.md", &reference_markdown());
}

#[test]
fn the_example_file_with_every_line_uncommented_is_the_default() {
    let lines = example_file();
    let directive_lines: Vec<&str> = lines
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .filter(|line| line.starts_with(|letter: char| letter.is_ascii_lowercase()))
        .filter(|line| !["include", "user", "rename-command"].iter().any(|statement| line.starts_with(statement)))
        .collect();
    let works = directives().filter(|row| row.support == Support::Works && !row.hidden && row.has_value()).count();
    assert_eq!(directive_lines.len(), works);
    let text = directive_lines.join("\n");
    let sources = Sources { file: Some(("example", text.as_bytes())), ..Sources::default() };
    assert_eq!(check(sources, &mut |_| Ok(Vec::new())), []);
    let loaded = Config::from_sources(sources, &mut |_| Ok(Vec::new())).expect("valid");
    assert_eq!(loaded.config, Config::default());
}

#[test]
fn the_example_file_itself_says_nothing() {
    let text = example_file();
    let sources = Sources { file: Some(("example", text.as_bytes())), ..Sources::default() };
    assert_eq!(check(sources, &mut |_| Ok(Vec::new())), []);
    assert!(text.lines().all(|line| line.is_empty() || line.starts_with('#')));
}
