//! Users: their rules, passwords and lists, ACL, AUTH, and who is disconnected. What they may call is in `rights`.

use crate::harness::{Db, START_MS};
use ferrodis::server::clients::{ClientIndex, Closing};

pub(crate) const GET_KEY: &str = "-NOPERM No permissions to access a key\r\n";

/// A server with a user `u` of these rules, and a client that is `u`.
pub(crate) fn with_user(rules: &str) -> (Db, ClientIndex) {
    let mut db = Db::new();
    db.is(&format!("ACL SETUSER u on nopass {rules}"), "+OK\r\n");
    let client = db.connect();
    as_user(&mut db, client, "AUTH u x", "+OK\r\n");
    (db, client)
}

#[track_caller]
pub(crate) fn as_user(db: &mut Db, client: ClientIndex, line: &str, reply: &str) {
    assert_eq!(db.run_on(client, line), reply, "{line}");
}

pub(crate) fn no_command(name: &str) -> String {
    format!("-NOPERM User u has no permissions to run the '{name}' command\r\n")
}

pub(crate) fn closing(db: &Db, client: ClientIndex) -> Closing {
    db.dispatcher.server.clients.get(client).closing
}

/// The line of `u` in ACL LIST.
pub(crate) fn rules_of(db: &mut Db, name: &str) -> String {
    let list = db.run("ACL LIST");
    let prefix = format!("user {name} ");
    list.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_else(|| panic!("{name} in {list}")).to_string()
}

#[test]
fn the_default_user_may_do_everything() {
    let mut db = Db::new();
    db.is_bulk("ACL WHOAMI", "default");
    db.is("ACL USERS", "*1\r\n$7\r\ndefault\r\n");
    assert_eq!(rules_of(&mut db, "default"), "on nopass sanitize-payload ~* &* +@all");
    db.fails(
        "AUTH x",
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
    );
    db.is("AUTH default x", "+OK\r\n");
    db.fails("ACL DELUSER x default", "ERR The 'default' user cannot be removed");
}

#[test]
fn a_new_user_may_do_nothing() {
    let mut db = Db::new();
    db.is("ACL SETUSER u", "+OK\r\n");
    assert_eq!(rules_of(&mut db, "u"), "off sanitize-payload resetchannels -@all");
    db.fails("AUTH u x", "WRONGPASS invalid username-password pair or user is disabled.");
    db.is(
        "ACL GETUSER u",
        "*12\r\n$5\r\nflags\r\n*2\r\n$3\r\noff\r\n$16\r\nsanitize-payload\r\n$9\r\npasswords\r\n*0\r\n$8\r\ncommands\r\n$5\r\n-@all\r\n\
         $4\r\nkeys\r\n$0\r\n\r\n$8\r\nchannels\r\n$0\r\n\r\n$9\r\nselectors\r\n*0\r\n",
    );
    db.is("ACL GETUSER nobody", "$-1\r\n");
}

#[test]
fn getuser_shows_all_of_a_user() {
    let mut db = Db::new();
    db.run("ACL SETUSER u on >p ~a %R~b &c +get '(%W~d db=0,2 +set)' resetdbs");
    db.run("HELLO 3");
    let hash = "148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940";
    db.is(
        "ACL GETUSER u",
        &format!(
            "%7\r\n$5\r\nflags\r\n~2\r\n$2\r\non\r\n$16\r\nsanitize-payload\r\n$9\r\npasswords\r\n*1\r\n$64\r\n{hash}\r\n\
             $8\r\ncommands\r\n$10\r\n-@all +get\r\n$4\r\nkeys\r\n$7\r\n~a %R~b\r\n$8\r\nchannels\r\n$2\r\n&c\r\n$9\r\ndatabases\r\n$0\r\n\r\n\
             $9\r\nselectors\r\n*1\r\n%4\r\n$8\r\ncommands\r\n$10\r\n-@all +set\r\n$4\r\nkeys\r\n$4\r\n%W~d\r\n$8\r\nchannels\r\n$0\r\n\r\n\
             $9\r\ndatabases\r\n$6\r\ndb=0,2\r\n"
        ),
    );
}

#[test]
fn users_are_listed_by_name() {
    let mut db = Db::new();
    for name in ["zoe", "adam", "default"] {
        db.run(&format!("ACL SETUSER {name} on"));
    }
    db.is("ACL USERS", "*3\r\n$4\r\nadam\r\n$7\r\ndefault\r\n$3\r\nzoe\r\n");
    db.is("ACL DELUSER adam nobody zoe", ":2\r\n");
    db.is("ACL USERS", "*1\r\n$7\r\ndefault\r\n");
}

#[test]
fn a_wrong_rule_changes_nothing() {
    let mut db = Db::new();
    db.run("ACL SETUSER u on ~a +get");
    let before = rules_of(&mut db, "u");
    for (rules, error) in [
        ("+set zz", "modifier 'zz': Syntax error"),
        (">secret +nope", "modifier '+nope': Unknown command or category name in ACL"),
        ("off +@nope", "modifier '+@nope': Unknown command or category name in ACL"),
        ("+config|nope", "modifier '+config|nope': Unknown command or category name in ACL"),
        ("-get|x", "modifier '-get|x': Unknown command or category name in ACL"),
        ("+config|get|x", "modifier '+config|get|x': Allowing first-arg of a subcommand is not supported"),
        ("+get|", "modifier '+get|': Syntax error"),
        ("<p", "modifier '<p': The password you are trying to remove from the user does not exist"),
        (
            "#ABC",
            "modifier '#ABC': The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters",
        ),
        (
            "allkeys ~b",
            "modifier '~b': Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try \
             'resetkeys' to start with an empty list of patterns",
        ),
        (
            "allchannels &b",
            "modifier '&b': Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. \
             Try 'resetchannels' to start with an empty list of channels",
        ),
        ("%X~b", "modifier '%X~b': Syntax error"),
        ("'~a b'", "modifier '~a b': Syntax error"),
        ("'(on)'", "modifier '(on)': Syntax error"),
        ("db=x", "modifier 'db=x': Syntax error"),
        ("db=-1", "modifier 'db=-1': The provided database ID is out of range"),
    ] {
        db.fails(&format!("ACL SETUSER u {rules}"), &format!("ERR Error in ACL SETUSER {error}"));
    }
    db.fails("ACL SETUSER u '(+get' on", "ERR Unmatched parenthesis in acl selector starting at '(+get'.");
    db.fails("ACL SETUSER 'a b' on", "ERR Usernames can't contain spaces or null characters");
    db.fails("ACL SETUSER new on zz", "ERR Error in ACL SETUSER modifier 'zz': Syntax error");
    assert_eq!(rules_of(&mut db, "u"), before);
    db.is("ACL GETUSER new", "$-1\r\n");
}

#[test]
fn words_that_do_not_fit_are_told() {
    let mut db = Db::new();
    for (line, error) in [
        ("ACL", "ERR wrong number of arguments for 'acl' command"),
        ("ACL SETUSER", "ERR wrong number of arguments for 'acl|setuser' command"),
        ("ACL WHOAMI x", "ERR wrong number of arguments for 'acl|whoami' command"),
        ("ACL NOPE", "ERR unknown subcommand 'NOPE'. Try ACL HELP."),
        ("ACL CAT a b", "ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP."),
        ("ACL CAT nope", "ERR Unknown category 'nope'"),
        ("ACL LOG a", "ERR value is not an integer or out of range"),
        ("ACL LOG 1 2", "ERR unknown subcommand or wrong number of arguments for 'LOG'. Try ACL HELP."),
        ("ACL GENPASS x", "ERR value is not an integer or out of range"),
        (
            "ACL GENPASS 0",
            "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
        ),
        ("ACL DRYRUN nobody get k", "ERR User 'nobody' not found"),
        ("ACL DRYRUN default nope k", "ERR Command 'nope' not found"),
        ("ACL DRYRUN default config nope", "ERR Command 'config' not found"),
        ("ACL DRYRUN default get", "ERR wrong number of arguments for 'get' command"),
    ] {
        db.fails(line, error);
    }
    let no_file = "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command \
                   and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis \
                   configuration.";
    db.fails("ACL LOAD", no_file);
    db.fails("ACL SAVE", no_file);
    assert!(db.run("ACL HELP").contains("+SETUSER username [rule [rule ...]]\r\n"));
}

#[test]
fn categories_hold_the_commands_that_their_rows_say() {
    let mut db = Db::new();
    assert!(db.run("ACL CAT").starts_with("*21\r\n$8\r\nkeyspace\r\n$4\r\nread\r\n"));
    let strings = db.run("ACL CAT String");
    assert!(strings.contains("\r\ngetdel\r\n") && !strings.contains("\r\nhget\r\n"));
    let admin = db.run("ACL CAT admin");
    assert!(admin.contains("\r\nconfig|set\r\n") && !admin.contains("\r\nconfig\r\n"));
}

#[test]
fn passwords_of_any_length_are_made() {
    let mut db = Db::new();
    let first = db.run("ACL GENPASS");
    assert!(first.starts_with("$64\r\n") && first != db.run("ACL GENPASS"));
    assert!(db.run("ACL GENPASS 5").starts_with("$2\r\n") && db.run("ACL GENPASS 4096").starts_with("$1024\r\n"));
}

#[test]
fn one_logs_in_by_any_of_the_passwords() {
    let mut db = Db::new();
    db.run("ACL SETUSER u on >a >b +acl");
    let client = db.connect();
    let wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
    for (line, reply) in [
        ("AUTH u a", "+OK\r\n"),
        ("AUTH u b", "+OK\r\n"),
        ("AUTH u c", wrong),
        ("AUTH nobody a", wrong),
        ("AUTH a", wrong),
    ] {
        let reply = if line == "AUTH a" { "-ERR AUTH <password> called without" } else { reply };
        assert!(db.run_on(client, line).starts_with(reply), "{line}");
    }
    as_user(&mut db, client, "ACL WHOAMI", "$1\r\nu\r\n");
    db.run("ACL SETUSER u <a");
    as_user(&mut db, client, "AUTH u a", wrong);
    db.run("ACL SETUSER u off");
    as_user(&mut db, client, "AUTH u b", wrong);
    as_user(&mut db, client, "ACL WHOAMI", "$1\r\nu\r\n");
}

#[test]
fn hello_logs_in_and_fails_whole() {
    let mut db = Db::new();
    db.run("ACL SETUSER u on >a +hello +acl");
    let client = db.connect();
    assert!(db.run_on(client, "HELLO 3 AUTH u b SETNAME x").starts_with("-WRONGPASS"));
    assert!(db.run_on(client, "HELLO 3 AUTH u a SETNAME x").starts_with("%7\r\n"));
    as_user(&mut db, client, "ACL WHOAMI", "$1\r\nu\r\n");
    assert!(db.run("CLIENT LIST").contains(" name=x ") && db.run("CLIENT LIST").contains(" user=u "));
}

#[test]
fn a_default_user_with_a_password_or_off_is_asked_for_one() {
    let mut db = Db::new();
    let old = db.connect();
    db.run("ACL SETUSER default >secret");
    as_user(&mut db, old, "PING", "+PONG\r\n");
    let new = db.connect();
    as_user(&mut db, new, "PING", "-NOAUTH Authentication required.\r\n");
    as_user(&mut db, new, "AUTH secret", "+OK\r\n");
    as_user(&mut db, new, "PING", "+PONG\r\n");
    let waiting = db.connect();
    db.run("ACL SETUSER default nopass");
    as_user(&mut db, waiting, "PING", "+PONG\r\n");
    db.run("ACL SETUSER default off");
    as_user(&mut db, waiting, "PING", "-NOAUTH Authentication required.\r\n");
    as_user(&mut db, new, "RESET", "+RESET\r\n");
    as_user(&mut db, new, "PING", "-NOAUTH Authentication required.\r\n");
}

#[test]
fn requirepass_is_the_password_of_the_default_user() {
    let mut db = Db::with(|config| drop(config.set(&[(b"requirepass", b"p")], Default::default()).unwrap()));
    let client = db.connect();
    as_user(&mut db, client, "AUTH p", "+OK\r\n");
    let hash = "148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940";
    assert_eq!(rules_of(&mut db, "default"), format!("on sanitize-payload #{hash} ~* &* +@all"));
    as_user(&mut db, client, "CONFIG SET requirepass q", "+OK\r\n");
    assert!(db.run_on(client, "AUTH p").starts_with("-WRONGPASS"));
    as_user(&mut db, client, "AUTH default q", "+OK\r\n");
    let late = db.connect();
    db.run("CONFIG SET requirepass ''");
    as_user(&mut db, late, "PING", "+PONG\r\n");
    assert_eq!(rules_of(&mut db, "default"), "on nopass sanitize-payload ~* &* +@all");
}

#[test]
fn clients_of_a_deleted_user_are_disconnected() {
    let (mut db, client) = with_user("+@all ~* &*");
    let other = db.connect();
    db.is("ACL DELUSER u", ":1\r\n");
    assert_eq!((closing(&db, client), closing(&db, other)), (Closing::Now, Closing::No));
    db.run("ACL SETUSER u on nopass +acl");
    as_user(&mut db, other, "AUTH u x", "+OK\r\n");
    as_user(&mut db, other, "ACL DELUSER u", ":1\r\n");
    assert_eq!(closing(&db, other), Closing::AfterReplies);
}

#[test]
fn client_kill_ends_those_of_a_user() {
    let (mut db, client) = with_user("+@all");
    db.fails("CLIENT KILL USER nobody", "ERR No such user 'nobody'");
    db.is("CLIENT KILL USER u", ":1\r\n");
    assert_eq!(closing(&db, client), Closing::Now);
}

#[test]
fn listeners_that_lose_a_channel_are_disconnected() {
    for (listening, before, after, is_ended) in [
        ("SUBSCRIBE a", "&a &b", "resetchannels &b", true),
        ("SUBSCRIBE a", "&a &b", "resetchannels &a*", false),
        ("SUBSCRIBE b", "&a &b", "resetchannels &b &c", false),
        ("PSUBSCRIBE a*", "&a*", "resetchannels &a", true),
        ("PSUBSCRIBE a*", "&a*", "resetchannels (&a*)", false),
        ("SSUBSCRIBE a", "&*", "resetchannels &b", true),
        ("SUBSCRIBE a", "&a", "resetchannels allchannels", false),
        ("PING", "&a", "resetchannels", false),
    ] {
        let (mut db, client) = with_user(&format!("+@all {before}"));
        db.run_on(client, listening);
        db.is(&format!("ACL SETUSER u {after}"), "+OK\r\n");
        assert_eq!(closing(&db, client) == Closing::Now, is_ended, "{listening}, {before}, {after}");
    }
}

#[test]
fn the_log_shows_what_was_denied() {
    let (mut db, client) = with_user("+set +multi +publish ~a");
    for line in ["GET x", "SET b 1", "PUBLISH c x", "AUTH u2 x", "MULTI", "GET x"] {
        db.run_on(client, line);
    }
    db.advance_ms(1500);
    as_user(&mut db, client, "GET y", &no_command("get"));
    let log = db.run("ACL LOG");
    assert!(
        log.starts_with(
            "*5\r\n*20\r\n$5\r\ncount\r\n:2\r\n$6\r\nreason\r\n$7\r\ncommand\r\n$7\r\ncontext\r\n$5\r\nmulti\r\n"
        ),
        "{log}"
    );
    assert!(
        log.contains("$6\r\nobject\r\n$3\r\nget\r\n$8\r\nusername\r\n$1\r\nu\r\n$11\r\nage-seconds\r\n$1\r\n0\r\n"),
        "{log}"
    );
    assert!(log.contains(" cmd=get user=u ") && log.contains("$8\r\nentry-id\r\n:4\r\n"), "{log}");
    let first = START_MS;
    assert!(
        log.contains(&format!(
            "timestamp-created\r\n:{first}\r\n$22\r\ntimestamp-last-updated\r\n:{}\r\n",
            first + 1500
        ))
    );
    for (reason, object) in [("auth", "AUTH"), ("channel", "c"), ("key", "b")] {
        let entry = format!(
            "reason\r\n${}\r\n{reason}\r\n$7\r\ncontext\r\n$8\r\ntoplevel\r\n$6\r\nobject\r\n${}\r\n{object}\r\n",
            reason.len(),
            object.len()
        );
        assert!(log.contains(&entry), "{entry} in {log}");
    }
    assert!(log.contains("username\r\n$2\r\nu2\r\n"));
    assert!(db.run("ACL LOG 2").starts_with("*2\r\n") && db.run("ACL LOG -1") == "*0\r\n");
    db.is("CONFIG SET acllog-max-len 3", "+OK\r\n");
    let other = db.connect();
    as_user(&mut db, other, "AUTH u2 x", "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    assert!(db.run("ACL LOG").starts_with("*3\r\n"));
    db.is("ACL LOG RESET", "+OK\r\n");
    db.is("ACL LOG", "*0\r\n");
    let stats = db.run("INFO stats");
    for (name, count) in [("auth", 2), ("cmd", 3), ("key", 1), ("channel", 1), ("db", 0)] {
        assert!(stats.contains(&format!("acl_access_denied_{name}:{count}\r\n")), "{name} in {stats}");
    }
}

#[test]
fn secrets_stand_neither_in_the_slow_log_nor_with_monitors() {
    let mut db = Db::new();
    let monitor = db.connect();
    db.run("CONFIG SET slowlog-log-slower-than 0");
    db.run_on(monitor, "MONITOR");
    for line in [
        "ACL SETUSER hidden on >hidden +@all",
        "ACL GETUSER hidden",
        "AUTH hidden hidden",
        "HELLO 2 AUTH hidden hidden",
        "AUTH default x",
        "ACL DELUSER hidden",
    ] {
        db.run(line);
    }
    let shown = String::from_utf8_lossy(&db.dispatcher.server.clients.get(monitor).shown).into_owned();
    assert!(shown.contains("\"AUTH\" \"(redacted)\"") && !shown.contains("hidden"), "{shown}");
    let slow = db.run("SLOWLOG GET -1");
    assert!(slow.contains("$7\r\nSETUSER\r\n$10\r\n(redacted)\r\n") && !slow.contains("hidden"), "{slow}");
}

#[test]
fn channels_of_new_users_follow_the_configuration() {
    let mut db = Db::new();
    db.run("CONFIG SET acl-pubsub-default allchannels");
    db.run("ACL SETUSER u on (+get)");
    assert_eq!(rules_of(&mut db, "u"), "on sanitize-payload &* -@all (&* -@all +get)");
    db.run("CONFIG SET acl-pubsub-default resetchannels");
    assert_eq!(rules_of(&mut db, "u"), "on sanitize-payload &* -@all (&* -@all +get)");
    db.run("ACL SETUSER u reset");
    assert_eq!(rules_of(&mut db, "u"), "off sanitize-payload resetchannels -@all");
}

#[test]
fn the_rights_of_renamed_commands_keep_their_names() {
    let renamed = ferrodis::server::config::RenamedCommand { from: b"get".to_vec(), to: b"fetch".to_vec() };
    let mut db = Db::with(|config| config.renamed_commands.push(renamed));
    db.run("ACL SETUSER u on nopass ~* +get");
    let client = db.connect();
    as_user(&mut db, client, "AUTH u x", "+OK\r\n");
    as_user(&mut db, client, "FETCH k", "$-1\r\n");
    db.is("ACL DRYRUN u fetch k", "+OK\r\n");
}

#[test]
fn any_user_is_made_again_by_what_list_shows() {
    let seed = std::env::var("FERRODIS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed);
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut db = Db::new();
    for round in 0..300 {
        db.run("ACL DELUSER u v");
        for _ in 0..rng.usize(1..12) {
            let rule = random_rule(&mut rng);
            db.call(&[b"ACL", b"SETUSER", b"u", rule.as_bytes()]); // some are refused, which changes nothing
        }
        if db.run("ACL GETUSER u") == "$-1\r\n" {
            continue;
        }
        let line = rules_of(&mut db, "u");
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let call: Vec<&[u8]> = [b"ACL".as_slice(), b"SETUSER", b"v"].into_iter().chain(words).collect();
        let replay = format!("FERRODIS_SEED={seed} cargo test --test commands made_again, round {round}: {line}");
        assert_eq!(db.call(&call), b"+OK\r\n", "{replay}");
        assert_eq!(rules_of(&mut db, "v"), line, "{replay}");
        for call in
            ["get a1", "set b 1", "config get x", "publish c 1", "psubscribe c*", "select 1", "mget a b", "ping"]
        {
            let [first, second] = ["u", "v"].map(|user| db.run(&format!("ACL DRYRUN {user} {call}")));
            assert_eq!(
                first.replace("User u", "User v").replace("$40", "$"),
                second.replace("$40", "$"),
                "{replay}: {call}"
            );
        }
    }
}

fn random_rule(rng: &mut fastrand::Rng) -> String {
    let one_of = |rng: &mut fastrand::Rng, words: &[&str]| words[rng.usize(..words.len())].to_string();
    let commands =
        ["get", "set", "config", "config|get", "config|set", "publish", "select|1", "mget", "ping", "client|id"];
    let categories = ["@all", "@read", "@write", "@slow", "@fast", "@admin", "@dangerous", "@string", "@pubsub"];
    let patterns = ["a", "a*", "*", "b?", "c*", "[ab]", "\\*", "x\"y", "p)", "(q", ""];
    match rng.u8(0..12) {
        0 => one_of(rng, &["on", "off", "nopass", "resetpass", "reset", "clearselectors", "skip-sanitize-payload"]),
        1 => one_of(rng, &[">a", ">b", "<a"]),
        2 => one_of(
            rng,
            &["allkeys", "resetkeys", "allchannels", "resetchannels", "alldbs", "resetdbs", "db=0", "db=3,1"],
        ),
        3..=5 => format!("{}{}", one_of(rng, &["+", "-"]), one_of(rng, &commands)),
        6 | 7 => format!("{}{}", one_of(rng, &["+", "-"]), one_of(rng, &categories)),
        8 => format!("{}{}", one_of(rng, &["~", "%R~", "%W~", "%RW~"]), one_of(rng, &patterns)),
        9 => format!("&{}", one_of(rng, &patterns)),
        _ => {
            let rules: Vec<String> = (0..rng.usize(0..4)).map(|_| random_rule(rng)).collect();
            format!("({})", rules.join(" "))
        }
    }
}
