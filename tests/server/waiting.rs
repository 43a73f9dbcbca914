//! Calls that wait for keys, where it is the real clock that matters.

use crate::support::{Server, wait_until};

/// A key that EXEC wrote and that expired before EXEC ended was served to whoever waited for it: the time was the transaction's.
#[test]
fn a_key_that_is_past_its_deadline_by_the_end_of_a_transaction_is_nobodys() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let (mut waiting, mut other) = (server.client(), server.client());
    other.run("DEBUG SET-ACTIVE-EXPIRE 0");
    waiting.send(&["BLPOP", "l", "0.5"]);
    wait_until("the wait", || other.info("blocked_clients") == "1");
    for call in ["MULTI", "RPUSH l a", "PEXPIRE l 10", "DEBUG SLEEP 0.02", "EXEC"] {
        other.run(call);
    }
    assert!(waiting.read_reply().is_nil());
}
