//! Users in files: ACL SAVE and LOAD, and what CONFIG REWRITE says of them.

use crate::acl::{GET_KEY, as_user, closing, no_command, rules_of};
use crate::harness::Db;
use ferrodis::server::clients::Closing;
use ferrodis::server::config::Config;
use ferrodis::server::surroundings::{Refusal, Surroundings};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// One file in memory, which may refuse to be written.
#[derive(Clone, Default)]
struct OneFile {
    content: Arc<Mutex<Option<Vec<u8>>>>,
    is_full: bool,
}

impl Surroundings for OneFile {
    fn try_config(
        &mut self,
        _: &Config,
        _: &mut Config,
        _: &[&'static ferrodis::server::config::Directive],
    ) -> Result<(), Refusal> {
        Ok(())
    }

    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        assert!(path.ends_with("users.acl") || path.ends_with("a.conf"), "{path:?}");
        self.content.lock().unwrap().clone().ok_or(io::ErrorKind::NotFound.into())
    }

    fn replace_file(&self, _: &Path, content: &[u8]) -> io::Result<()> {
        if self.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        *self.content.lock().unwrap() = Some(content.to_vec());
        Ok(())
    }
}

fn with_file(text: &str) -> (Db, OneFile) {
    let mut db = Db::with(|config| config.aclfile = "users.acl".into());
    let file = OneFile::default();
    *file.content.lock().unwrap() = Some(text.into());
    db.dispatcher.server.surroundings = Box::new(file.clone());
    (db, file)
}

fn content(file: &OneFile) -> String {
    String::from_utf8(file.content.lock().unwrap().clone().unwrap()).unwrap()
}

#[test]
fn users_are_saved_and_loaded() {
    let (mut db, file) = with_file("");
    db.run("ACL SETUSER u on nopass ~a +get (~b +set)");
    db.is("ACL SAVE", "+OK\r\n");
    let saved = "user default on nopass sanitize-payload ~* &* +@all\n\
                 user u on nopass sanitize-payload ~a resetchannels -@all +get (~b resetchannels -@all +set)\n";
    assert_eq!(content(&file), saved);
    db.run("ACL SETUSER u reset");
    db.run("ACL SETUSER other");
    db.run("ACL SETUSER default -@all +acl");
    db.is("ACL LOAD", "+OK\r\n");
    db.is("ACL SAVE", "+OK\r\n");
    assert_eq!(content(&file), saved);
}

#[test]
fn a_file_with_an_error_changes_nothing() {
    let (mut db, file) =
        with_file("user default on nopass ~* &* +@all\nuser u on +get\nuser v on >hidden zz\nuser w +nope\n");
    db.fails(
        "ACL LOAD",
        "ERR users.acl:3: Syntax error. users.acl:4: Error in applying operation '+nope': Unknown command or category name in ACL. \
         WARNING: ACL errors detected, no change to the previously active ACL rules was performed",
    );
    db.is("ACL USERS", "*1\r\n$7\r\ndefault\r\n");
    *file.content.lock().unwrap() = None;
    assert!(db.run("ACL LOAD").starts_with("-ERR Error loading ACLs, opening file 'users.acl': "));
    db.dispatcher.server.surroundings = Box::new(OneFile { is_full: true, ..file });
    db.fails(
        "ACL SAVE",
        "ERR There was an error trying to save the ACLs. Please check the server logs for more information",
    );
}

#[test]
fn a_loaded_file_disconnects_those_who_are_no_more_or_lose_a_channel() {
    let (mut db, _) =
        with_file("user same on nopass +@all ~* &*\nuser less on nopass +@all &b\nuser fewer on nopass +get\n");
    let clients = ["same", "less", "gone", "fewer"].map(|name| {
        db.run(&format!("ACL SETUSER {name} on nopass +@all ~* &*"));
        let client = db.connect();
        as_user(&mut db, client, &format!("AUTH {name} x"), "+OK\r\n");
        client
    });
    clients[..2].iter().for_each(|&client| drop(db.run_on(client, "SUBSCRIBE a")));
    db.is("ACL LOAD", "+OK\r\n");
    assert_eq!(clients.map(|client| closing(&db, client)), [Closing::No, Closing::Now, Closing::Now, Closing::No]);
    let denied = no_command("set").replace("User u", "User fewer");
    as_user(&mut db, clients[3], "SET k v", &denied);
    as_user(&mut db, clients[3], "GET k", GET_KEY);
}

#[test]
fn a_rewritten_configuration_has_the_users() {
    let (mut db, file) = with_file("port 1\nuser old on\n");
    db.dispatcher.server.config.aclfile.clear();
    db.dispatcher.server.config_path = Some("a.conf".into());
    db.run("ACL SETUSER u on >p '~a\"b' +get '(~\"c\\\"\" +set)'");
    db.is("CONFIG REWRITE", "+OK\r\n");
    let text = content(&file);
    let sources = ferrodis::server::config::Sources { file: Some(("a.conf", text.as_bytes())), ..Default::default() };
    let loaded = Config::from_sources(sources, &mut |_| Err(String::new())).unwrap();
    assert_eq!(loaded.config.users.len(), 1, "{text}");
    let before = rules_of(&mut db, "u");
    let mut again = Db::with(|config| config.users = loaded.config.users);
    again.dispatcher.server.load_users().unwrap();
    assert_eq!(rules_of(&mut again, "u"), before);
    assert_eq!(rules_of(&mut again, "default"), "on nopass sanitize-payload ~* &* +@all");
}
