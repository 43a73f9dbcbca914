//! The plan of `docs/ARCHITECTURE.md` as a test over the source text: which way imports go, where `unsafe` may stand, what a
//! file looks like. It reads lines and knows no syntax: a rule that needs a parser belongs to a lint.

use std::fs;
use std::path::{Path, PathBuf};

/// The ten floors, from the top.
const FLOORS: [&str; 10] =
    ["net", "dispatch", "commands", "server", "persistence", "keyspace", "formats", "values", "structures", "base"];

/// Imports that go up: file, floor, reason. There are none; whoever adds one says why there is no other way.
const UPWARD_IMPORTS: &[(&str, &str, &str)] = &[];

/// Where `unsafe` may stand.
const UNSAFE_HOMES: [&str; 2] = ["src/structures/", "src/base/sys/"];

/// Lines of a file that has one topic.
const MOST_LINES: usize = 700;

/// Files that are longer: file, reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// What only `net` and `base` do: the world reaches the other floors as something handed in.
const WORLD: [&str; 11] = [
    "mio::",
    "std::net::Tcp",
    "std::os::unix::net",
    "Instant::now",
    "SystemTime::now",
    "thread::",
    "getrandom",
    "std::fs",
    "File::open",
    "OpenOptions",
    "process::exit",
];

/// Where another floor touches it all the same: file, word, reason.
const WORLD_EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "src/persistence/aof/writer/mod.rs",
        "thread::",
        "`run` is the thread's own loop around `step`, which is what tests drive",
    ),
    ("src/server/surroundings.rs", "std::fs", "the production side of the trait by which files are handed in"),
];

/// Maps whose order, or whose hash key, differs from run to run: with them a seed replays nothing.
const RANDOM_MAPS: [&str; 3] = ["HashMap::new(", "HashSet::new(", "RandomState"];

/// Where a test may wait for time to pass.
const SLEEPERS: [&str; 1] = ["tests/support/wait.rs"];

struct Source {
    /// Relative to the repository, with slashes.
    path: String,
    text: String,
}

impl Source {
    /// The floor it stands on; none for `main.rs`, `lib.rs` and tests.
    fn floor(&self) -> Option<usize> {
        let name = self.path.strip_prefix("src/")?.split('/').next()?;
        FLOORS.iter().position(|floor| *floor == name.trim_end_matches(".rs"))
    }

    /// Its lines without comments, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(i, line)| (i + 1, line.find("//").map_or(line, |at| &line[..at])))
    }

    /// The same, as far as it is not the file's tests.
    fn production_code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests_begin = match self.path.ends_with("/tests.rs") {
            true => 0,
            false => {
                let before = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
                self.text[..before].lines().count()
            }
        };
        self.code().take_while(move |(line, _)| *line <= tests_begin)
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.expect("a directory can be read").path();
        match path.is_dir() {
            true => collect(&path, files),
            false => files.push(path),
        }
    }
}

/// All text files below these directories, in order.
fn texts(directories: &[&str]) -> Vec<Source> {
    let mut files = Vec::new();
    directories.iter().for_each(|directory| collect(&root().join(directory), &mut files));
    files.sort();
    let read = |file: PathBuf| {
        let path = file.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
        fs::read_to_string(&file).ok().map(|text| Source { path, text })
    };
    files.into_iter().filter_map(read).collect()
}

fn sources(directories: &[&str]) -> Vec<Source> {
    let mut sources = texts(directories);
    sources.retain(|source| source.path.ends_with(".rs"));
    assert!(!sources.is_empty());
    sources
}

#[track_caller]
fn assert_none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

/// The names that stand behind `crate::` in a line.
fn crate_paths(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(""))
}

#[test]
fn lib_lists_the_floors_in_order_and_what_embedding_takes() {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let code: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with("//!")).collect();
    let mut wanted: Vec<String> = FLOORS.iter().map(|floor| format!("pub mod {floor};")).collect();
    wanted.push("pub use net::embedding::{Builder, Running, Server, StartError};".to_string());
    assert_eq!(code, wanted);
}

#[test]
fn imports_go_down() {
    let mut found = Vec::new();
    for source in sources(&["src"]) {
        let Some(own) = source.floor() else { continue };
        for (number, line) in source.code() {
            for name in crate_paths(line) {
                let is_up = FLOORS.iter().position(|floor| *floor == name).is_some_and(|floor| floor < own);
                let is_known = UPWARD_IMPORTS.iter().any(|(file, floor, _)| *file == source.path && *floor == name);
                // A group from the root (`crate::{..}`) would hide where its names stand.
                if (is_up && !is_known) || name.is_empty() {
                    found.push(format!("{}:{number}: {}", source.path, line.trim()));
                }
            }
        }
    }
    assert_none("imports that go up", found);
}

#[test]
fn errors_of_commands_are_made_only_by_commands_and_dispatch() {
    // `error!` stands at the crate's root, so the rule of floors does not see it.
    let mut found = Vec::new();
    for source in sources(&["src"]) {
        let is_high = source.floor().is_none_or(|floor| FLOORS[floor] == "commands" || FLOORS[floor] == "dispatch");
        for (number, line) in source.code().filter(|_| !is_high) {
            if crate_paths(line).any(|name| name == "error") {
                found.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    assert_none("errors of commands on another floor", found);
}

#[test]
fn the_world_is_handed_in() {
    let mut found = Vec::new();
    for source in sources(&["src"]) {
        if source.floor().is_none_or(|floor| FLOORS[floor] == "net" || FLOORS[floor] == "base") {
            continue;
        }
        for (number, line) in source.production_code() {
            for word in WORLD.iter().filter(|word| line.contains(**word)) {
                if !WORLD_EXCEPTIONS.iter().any(|(file, known, _)| *file == source.path && known == word) {
                    found.push(format!("{}:{number}: {}", source.path, line.trim()));
                }
            }
        }
    }
    assert_none("clocks, files, sockets, threads or chance that nobody handed in", found);
}

#[test]
fn no_order_depends_on_a_random_key() {
    let mut found = Vec::new();
    for source in sources(&["src"]) {
        for (number, line) in source.production_code() {
            if RANDOM_MAPS.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    assert_none("maps with a random key", found);
}

#[test]
fn unsafe_stands_only_at_home_and_says_why_it_is_safe() {
    let mut found = Vec::new();
    for source in sources(&["src", "tests", "benches"]) {
        if source.path == "tests/tidy.rs" {
            continue;
        }
        let lines: Vec<&str> = source.text.lines().collect();
        let is_home = UNSAFE_HOMES.iter().any(|home| source.path.starts_with(home));
        for (number, line) in source.code() {
            let opens_block = line.contains("unsafe {") || line.contains("unsafe impl");
            let is_unsafe = opens_block || line.contains("unsafe fn") || line.contains("unsafe_code");
            let before = &lines[number.saturating_sub(6)..number];
            let is_explained = before.iter().any(|line| line.contains("SAFETY"));
            if (is_unsafe && !is_home) || (opens_block && !is_explained) {
                found.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    assert_none("unsafe elsewhere, or without SAFETY", found);
}

#[test]
fn nothing_is_left_to_be_done() {
    let words = [["TO", "DO"], ["FIX", "ME"], ["to", "do!("], ["unimple", "mented!("], ["#[ig", "nore"], ["XX", "X"]];
    let words = words.map(|halves| halves.concat());
    let mut found = Vec::new();
    for source in sources(&["src", "tests", "benches"]) {
        for (i, line) in source.text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word.as_str())) {
                found.push(format!("{}:{}: {}", source.path, i + 1, line.trim()));
            }
        }
    }
    assert_none("work left undone", found);
}

#[test]
fn merges_are_whole() {
    let mut found = Vec::new();
    for source in texts(&["src", "tests", "benches", "docs"]) {
        let is_mark = |line: &str| ["<<<<<<< ", ">>>>>>> "].iter().any(|mark| line.starts_with(mark));
        found.extend(source.text.lines().any(is_mark).then_some(source.path));
    }
    assert_none("conflicts of a merge", found);
}

#[test]
fn tests_wait_for_conditions_and_not_for_time() {
    let sleep = ["thread::", "sleep"].concat();
    let mut found = Vec::new();
    for source in sources(&["tests"]) {
        if source.text.contains(&sleep) && !SLEEPERS.contains(&source.path.as_str()) {
            found.push(source.path);
        }
    }
    assert_none("tests that sleep", found);
}

#[test]
fn files_say_what_they_are_for() {
    let mut found = Vec::new();
    for source in sources(&["src", "tests", "benches"]) {
        if !source.text.starts_with("//! ") {
            found.push(source.path);
        }
    }
    assert_none("files that do not open with //!", found);
}

#[test]
fn files_end_with_their_last_line() {
    let mut found = Vec::new();
    let is_data = |source: &Source| source.path.starts_with("tests/fuzz/corpus/");
    for source in texts(&["src", "tests", "benches", "docs", ".ci"]).into_iter().filter(|source| !is_data(source)) {
        let is_whole = source.text.ends_with('\n') && !source.text.ends_with("\n\n");
        let has_blanks =
            source.path.ends_with(".rs") && source.text.lines().any(|line| line.ends_with([' ', '\t', '\r']));
        if !source.text.is_empty() && (!is_whole || has_blanks) {
            found.push(source.path);
        }
    }
    assert_none("files without a line end, with empty lines at the end or blanks at line ends", found);
}

#[test]
fn files_have_one_topic() {
    let mut found = Vec::new();
    for source in sources(&["src", "tests", "benches"]) {
        let lines = source.text.lines().count();
        let is_known = LONG_FILES.iter().any(|(file, _)| *file == source.path);
        if (lines > MOST_LINES) != is_known {
            found.push(format!("{}: {lines} lines", source.path));
        }
    }
    assert_none("files over the bound, or listed as such and short by now", found);
}

#[test]
fn documents_that_the_source_names_are_there() {
    let mut found = Vec::new();
    let mut names = vec!["docs/CONFIG.md".to_string(), "redis.conf.example".to_string()];
    for source in sources(&["src", "tests", "benches"]) {
        for rest in source.text.split("docs/").skip(1) {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"/._-".contains(c)).unwrap_or(rest.len());
            let name = rest[..end].trim_end_matches(['.', '/']);
            if name.contains('.') {
                names.push(format!("docs/{name}"));
            }
        }
    }
    for name in names {
        if !root().join(&name).is_file() {
            found.push(name);
        }
    }
    assert_none("documents that are named and are not there", found);
}

/// What stands directly on a floor: whoever looks for something begins with this list.
#[test]
fn the_tree_of_the_architecture_names_every_module() {
    let text = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let tree = text.split("## 2. The tree").nth(1).and_then(|rest| rest.split("```").nth(1)).expect("a tree");
    let named: Vec<&str> = tree.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let mut found = Vec::new();
    for source in sources(&["src"]) {
        let Some(module) = source.floor().and_then(|_| source.path.split('/').nth(2)) else { continue };
        let module = module.trim_end_matches(".rs");
        if !["mod", "records_for_tests"].contains(&module) && !named.contains(&module) {
            found.push(source.path);
        }
    }
    assert_none("modules that the tree in docs/ARCHITECTURE.md does not name", found);
}

/// What is generated from the rows is compared with its file by a unit test beside the generator: here, that there is one.
#[test]
fn generated_documents_are_compared() {
    let sources = sources(&["src"]);
    for name in ["docs/CONFIG.md", "redis.conf.example"] {
        let quoted = format!("\"{name}\"");
        assert!(sources.iter().any(|source| source.text.contains(&quoted)), "no test compares {name}");
    }
}
