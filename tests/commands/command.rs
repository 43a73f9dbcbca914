//! COMMAND, and the rows behind it.

use crate::harness::Db;
use ferrodis::commands::registry;
use ferrodis::commands::syntax;

#[test]
fn every_row_is_complete() {
    for entry in registry::all() {
        let (name, command) = (&entry.full_name, entry.command);
        assert!(!command.summary.is_empty(), "{name} has a summary");
        assert!(command.since.split('.').count() == 3, "{name}: {}", command.since);
        syntax::parse(command.syntax).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        let names = registry::all().iter().filter(|other| other.full_name == *name).count();
        assert_eq!(names, 1, "{name} is there once");
    }
}

#[test]
fn every_container_has_help_that_names_its_subcommands() {
    let mut db = Db::new();
    for entry in registry::all().iter().filter(|entry| !entry.children.is_empty()) {
        let name = entry.command.name.to_ascii_uppercase();
        let help = db.run(&format!("{name} HELP"));
        assert!(help.contains(&format!("+{name} <subcommand>")), "{help}");
        for &child in &entry.children {
            let line = format!("+{}", registry::all()[child].command.name.to_ascii_uppercase());
            assert!(help.contains(&line), "{line} in {help}");
        }
        db.fails(&format!("{name} nothing"), &format!("ERR unknown subcommand 'nothing'. Try {name} HELP."));
    }
}

#[test]
fn help_tells_what_the_syntax_does_not() {
    let mut db = Db::new();
    let help = db.run("COMMAND HELP");
    assert!(help.contains("+(no subcommand)\r\n+    Returns detailed information about all commands.\r\n"), "{help}");
    let help = db.run("CLIENT HELP");
    for filter in [
        "ID", "ADDR", "LADDR", "IP", "TYPE", "USER", "NAME", "LIB-NAME", "LIB-VER", "DB", "FLAGS", "CAPA", "IDLE",
        "MAXAGE", "SKIPME", "NOT-",
    ] {
        assert!(help.contains(&format!(" {filter}")), "{filter} in {help}");
    }
    assert!(help.contains("+KILL <ip:port> | <filter> <value> [<filter> <value> ...]\r\n"), "{help}");
}

#[test]
fn count_and_list_agree() {
    let mut db = Db::new();
    let top = registry::all().iter().filter(|entry| entry.parent.is_none()).count();
    db.is("COMMAND COUNT", &format!(":{top}\r\n"));
    assert!(db.run("COMMAND").starts_with(&format!("*{top}\r\n")));
    assert!(db.run("COMMAND LIST").starts_with(&format!("*{}\r\n", registry::all().len())));
    db.is("COMMAND LIST FILTERBY PATTERN config|re*", "*2\r\n$16\r\nconfig|resetstat\r\n$14\r\nconfig|rewrite\r\n");
    db.is("COMMAND LIST FILTERBY MODULE any", "*0\r\n");
    db.is("COMMAND LIST FILTERBY ACLCAT no-such-category", "*0\r\n");
    assert!(db.run("COMMAND LIST FILTERBY ACLCAT connection").contains("\r\ncommand|docs\r\n"));
    db.fails("COMMAND LIST x", "ERR syntax error");
    db.fails("COMMAND LIST FILTERBY x y", "ERR syntax error");
}

#[test]
fn info_has_the_shape_of_redis() {
    let mut db = Db::new();
    db.is("COMMAND INFO nothing get|key config|get|x", "*3\r\n$-1\r\n$-1\r\n$-1\r\n");
    db.is(
        "COMMAND INFO GET",
        "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*3\r\n+@read\r\n+@fast\r\n+@string\r\n*0\r\n\
         *1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n\
         $12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:1\r\n\
         $9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n\
         $5\r\nlimit\r\n:0\r\n*0\r\n",
    );
    db.is(
        "COMMAND INFO config|get",
        "*1\r\n*10\r\n$10\r\nconfig|get\r\n:-3\r\n*4\r\n+admin\r\n+noscript\r\n+loading\r\n+stale\r\n:0\r\n:0\r\n:0\r\n\
         *3\r\n+@admin\r\n+@dangerous\r\n+@slow\r\n*0\r\n*0\r\n*0\r\n",
    );
    db.run("HELLO 3");
    let three = db.run("COMMAND INFO GET");
    assert!(three.starts_with("*1\r\n*10\r\n$3\r\nget\r\n:2\r\n~2\r\n+readonly\r\n"), "{three}");
    assert!(three.contains("~1\r\n%3\r\n$5\r\nflags\r\n~2\r\n"), "{three}");
    db.is("COMMAND INFO nothing", "*1\r\n_\r\n");
}

#[test]
fn docs_tell_arguments_and_subcommands() {
    let mut db = Db::new();
    db.run("HELLO 3");
    let text = |text: &str| format!("${}\r\n{text}\r\n", text.len());
    let mut want = "%1\r\n".to_string() + &text("echo") + "%5\r\n";
    for (name, value) in
        [("summary", "Returns the given string."), ("since", "1.0.0"), ("group", "connection"), ("complexity", "O(1)")]
    {
        want += &(text(name) + &text(value));
    }
    want += &(text("arguments") + "*1\r\n%3\r\n");
    for (name, value) in [("name", "message"), ("type", "string"), ("display_text", "message")] {
        want += &(text(name) + &text(value));
    }
    db.is("COMMAND DOCS echo nothing", &want);
    let quit = db.run("COMMAND DOCS quit");
    assert!(
        quit.contains("$9\r\ndoc_flags\r\n~1\r\n+deprecated\r\n$16\r\ndeprecated_since\r\n$5\r\n7.2.0\r\n"),
        "{quit}"
    );
    let config = db.run("COMMAND DOCS config");
    assert!(config.contains("$11\r\nsubcommands\r\n%5\r\n$10\r\nconfig|get\r\n"), "{config}");
    db.is("COMMAND DOCS nothing", "%0\r\n");
}

#[test]
fn getkeys_finds_keys() {
    let mut db = Db::new();
    db.is("COMMAND GETKEYS get k", "*1\r\n$1\r\nk\r\n");
    db.is("COMMAND GETKEYSANDFLAGS GET k", "*1\r\n*2\r\n$1\r\nk\r\n*2\r\n+RO\r\n+access\r\n");
    for (call, flags) in [
        ("set k v", "*2\r\n+OW\r\n+update\r\n"),
        ("set k v ex 3 get", "*3\r\n+RW\r\n+access\r\n+update\r\n"),
        ("bitfield k get u8 0", "*2\r\n+RO\r\n+access\r\n"),
        ("bitfield k set u8 0 1", "*3\r\n+RW\r\n+access\r\n+update\r\n"),
    ] {
        db.is(&format!("COMMAND GETKEYSANDFLAGS {call}"), &format!("*1\r\n*2\r\n$1\r\nk\r\n{flags}"));
    }
    db.is("COMMAND GETKEYS mset a 1 b 2", "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    db.fails("COMMAND GETKEYS get", "ERR Invalid number of arguments specified for command");
    db.fails("COMMAND GETKEYS nothing", "ERR Invalid command specified");
    db.fails("COMMAND GETKEYS config nothing", "ERR Invalid command specified");
    db.fails("COMMAND GETKEYS ping", "ERR The command has no key arguments");
    db.fails("COMMAND GETKEYS config get x", "ERR The command has no key arguments");
}

#[test]
fn renamed_commands_are_known_by_their_new_names() {
    let mut db = Db::with(|config| {
        let renamed =
            |from: &[u8], to: &[u8]| ferrodis::server::config::RenamedCommand { from: from.to_vec(), to: to.to_vec() };
        config.renamed_commands = vec![renamed(b"get", b"fetch"), renamed(b"monitor", b"")];
    });
    let top = registry::all().iter().filter(|entry| entry.parent.is_none()).count();
    db.is("COMMAND COUNT", &format!(":{}\r\n", top - 1));
    db.is("COMMAND INFO get monitor", "*2\r\n$-1\r\n$-1\r\n");
    assert!(db.run("COMMAND INFO fetch").starts_with("*1\r\n*10\r\n$3\r\nget\r\n"));
    db.is("COMMAND GETKEYS fetch k", "*1\r\n$1\r\nk\r\n");
    db.is("FETCH k", "$-1\r\n");
}
