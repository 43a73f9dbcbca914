//! Users of the configuration and of an ACL file: start, load, save, rewrite.

use crate::support::Server;
use std::fs;
use std::process::Command;

fn refusal(arguments: &[&str]) -> String {
    Server::try_start(arguments).err().unwrap_or_else(|| panic!("it started: {arguments:?}"))
}

#[test]
fn users_of_the_configuration_are_there_from_the_start() {
    let server = Server::start(&["--user", "alice", "on", ">secret", "~a*", "+@all", "-flushall"]);
    let mut client = server.client();
    assert_eq!(client.run("AUTH alice secret"), "OK");
    assert_eq!(client.run("SET a1 x"), "OK");
    assert_eq!(client.run("SET b1 x").text(), "NOPERM No permissions to access a key");
    assert_eq!(client.run("FLUSHALL").text(), "NOPERM User alice has no permissions to run the 'flushall' command");
    assert_eq!(server.client().run("SET b1 x"), "OK", "the default user is as ever");
}

#[test]
fn a_bad_user_line_refuses_the_start_with_its_place() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("a.conf");
    for (text, place, words) in [
        (
            "user a on >s3cret +nope",
            2,
            "Error in user declaration 'a': Error in applying operation '+nope': Unknown command",
        ),
        ("user a on >s3cret zz", 2, "Error in user declaration 'a': Syntax error"),
        ("user a on (+get", 2, "Error in user declaration 'a': Unmatched parenthesis in selector definition"),
        ("user a on\nuser a off", 3, "Duplicate user found"),
        ("aclfile users.acl\nuser a on", 3, "users stand either here"),
    ] {
        fs::write(&path, format!("# users\n{text}\n")).unwrap();
        let said = refusal(&[path.to_str().unwrap()]);
        assert!(said.contains(&format!("a.conf:{place}:")) && said.contains(words), "{text}: {said}");
        let check = Command::new(env!("CARGO_BIN_EXE_ferrodis")).arg("check-config").arg(&path).output().unwrap();
        let checked = String::from_utf8_lossy(&check.stdout).into_owned();
        assert!(!check.status.success() && checked.contains(&format!("a.conf:{place}:")), "{text}: {checked}");
        assert!(!said.contains("s3cret") && !checked.contains("s3cret"), "{said}{checked}");
    }
}

#[test]
fn an_acl_file_is_loaded_at_the_start_and_saved() {
    let mut server = Server::start(&[]);
    let path = server.directory().join("users.acl");
    fs::write(&path, "user default on nopass ~* &* +@all\nuser bob on nopass +@all ~b*\n").unwrap();
    server.restart_with(&["--aclfile", "users.acl"]);
    assert_eq!(server.client().run("ACL USERS"), ["bob", "default"]);
    assert_eq!(server.client().run("ACL SETUSER eve on >p +get"), "OK");
    assert_eq!(server.client().run("ACL SAVE"), "OK");
    server.restart();
    assert_eq!(server.client().run("ACL USERS"), ["bob", "default", "eve"]);
    fs::write(&path, "user default on nopass ~* &* +@all\n").unwrap();
    let mut bob = server.client();
    assert_eq!(bob.run("AUTH bob x"), "OK");
    assert_eq!(server.client().run("ACL LOAD"), "OK");
    assert_eq!(bob.read_to_end(), b"", "the user is no more");
    assert_eq!(server.client().run("ACL USERS"), ["default"]);
}

#[test]
fn a_bad_acl_file_refuses_the_start_with_its_line() {
    let mut server = Server::start(&[]);
    let path = server.directory().join("users.acl");
    fs::write(&path, "user a on\nuser b on +nope\nuser a off\n").unwrap();
    server.terminate();
    let (first, second) =
        ("users.acl:2: Error in applying operation '+nope'", "WARNING: Duplicate user 'a' found on line 3.");
    server.restart_refused(&["--aclfile", "users.acl"], &[first, second]);
    server.restart_refused(&["--aclfile", "nowhere.acl"], &["opening file 'nowhere.acl': No such file or directory"]);
}

#[test]
fn rewritten_users_are_there_after_the_next_start() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("a.conf");
    fs::write(&path, "user old on nopass +get ~*\n").unwrap();
    let mut server = Server::start(&[path.to_str().unwrap()]);
    let mut client = server.client();
    for line in ["ACL DELUSER old", "ACL SETUSER new on >p +get ~a (+set ~b)", "CONFIG REWRITE"] {
        assert!(!client.run(line).is_error(), "{line}");
    }
    let list = client.run("ACL LIST");
    server.restart();
    assert_eq!(server.client().run("ACL LIST").items(), list.items());
    assert!(!fs::read_to_string(&path).unwrap().contains("user old"));
}
