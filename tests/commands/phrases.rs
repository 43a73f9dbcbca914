//! What tests of several groups say: replies in any order, clients that wait, events of a key.

use crate::harness::Db;
use crate::lines::line_of;
use ferrodis::server::clients::ClientIndex;

/// The items of a reply, those of arrays within too, sorted.
pub(crate) fn sorted(reply: &str) -> Vec<String> {
    let line = line_of(&reply.replace(['~', '%'], "*"));
    let mut items: Vec<String> = line.replace(['[', ']'], "").split_whitespace().map(str::to_owned).collect();
    items.sort();
    items
}

/// Which events of a key a call or the time causes.
pub(crate) fn events(db: &mut Db, key: &str, act: impl FnOnce(&mut Db)) -> String {
    let listener = db.connect();
    db.call_on(listener, &[b"SUBSCRIBE", format!("__keyspace@0__:{key}").as_bytes()]);
    act(db);
    let heard = String::from_utf8(db.output_of(listener)).unwrap();
    db.call_on(listener, &[b"UNSUBSCRIBE"]);
    let words: Vec<&str> =
        heard.split("\r\n").filter(|line| !line.starts_with(['*', '$', ':']) && !line.is_empty()).collect();
    words.chunks(3).map(|message| message[2]).collect::<Vec<_>>().join(" ")
}

/// By how much a call raises the number of changes since the last save.
pub(crate) fn changes(db: &mut Db, call: &str) -> u64 {
    let before = db.dispatcher.server.dirty;
    db.run(call);
    db.dispatcher.server.dirty - before
}

impl Db {
    /// Another client that sends a call which waits.
    #[track_caller]
    pub(crate) fn waits(&mut self, line: &str) -> ClientIndex {
        let client = self.connect();
        assert_eq!(self.run_on(client, line), "", "{line}");
        client
    }

    /// Asserts what a client was answered by now.
    #[track_caller]
    pub(crate) fn got(&mut self, client: ClientIndex, reply: &str) {
        assert_eq!(self.heard(client), reply);
    }
}
