//! RESTORE of what nobody should send: payloads of every type number with lies and flaws in them, their checksum mended.
//!
//! What must never happen: a panic; memory out of proportion to the payload; a value that a later call trips over. So what was accepted
//! goes through the calls of its type until it is empty.
//!
//! Each run draws a new seed and prints it. `FERRODIS_RESTORES=100000 cargo test --release --test commands restore` sends so many
//! payloads of each type number; `FERRODIS_SEED=n` replays.

mod calls;
mod payloads;

use crate::harness::Db;
use ferrodis::base::sys::allocator::counting;
use ferrodis::server::config::{Config, Permission};
use payloads::{FORMS, Form, mutate};

/// Payloads of each type number in an ordinary run.
const ROUNDS: u64 = 150;

/// What reading a payload may take besides a multiple of its length.
const SPARE_BYTES: i64 = 1 << 20;
/// ... and that multiple: a byte of a set can become a member with a place in a table, and compressed bytes can be 88 times as long.
const BYTES_FOR_BYTE: i64 = 300;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

fn open_to_debug(config: &mut Config) {
    config.enable_debug_command = Permission::Yes;
}

/// What became of the payloads of one form.
#[derive(Default)]
struct Tally {
    accepted: u64,
    refused: u64,
}

fn send(form: &Form, lies: u32, tally: &mut Tally, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut db = Db::with(open_to_debug);
    for round in 0..number("FERRODIS_RESTORES").unwrap_or(ROUNDS) {
        // Every so often a new server: what one payload leaves behind must not hide what the next one does.
        if round % 1000 == 999 {
            db = Db::with(open_to_debug);
        }
        let mut payload = form.payload(&mut rng, lies);
        if lies > 0 {
            (0..rng.usize(..3)).for_each(|_| mutate(&mut rng, &mut payload));
        }
        let payload = form.seal(payload);
        let before = counting::restart_peak();
        let reply = db.call(&[b"RESTORE", b"k", b"0", &payload]);
        let taken = counting::peak_bytes() - before;
        let shown = || format!("{}, FERRODIS_SEED={seed}, round {round}: {}", form.name, payload.escape_ascii());
        assert!(taken <= SPARE_BYTES + BYTES_FOR_BYTE * payload.len() as i64, "{taken} bytes taken; {}", shown());
        match &reply[..] {
            b"+OK\r\n" => {
                tally.accepted += 1;
                if let Err(trouble) = calls::run_all(&mut db, &mut rng) {
                    panic!("{trouble}; {}", shown());
                }
            }
            b"-ERR Bad data format\r\n" => tally.refused += 1,
            _ => panic!("{}; {}", reply.escape_ascii(), shown()),
        }
        db.dispatcher.server.keyspace.db(0).check_invariants();
        db.run("FLUSHALL");
    }
}

/// Runs one round for each form, and says which form it was when that panics.
fn send_all(lies: u32, wanted: impl Fn(&Form, &Tally)) {
    let seed = number("FERRODIS_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("FERRODIS_SEED={seed}");
    for form in FORMS {
        let only = std::env::var("FERRODIS_FORM");
        if only.is_ok_and(|only| only != form.name) {
            continue;
        }
        let mut tally = Tally::default();
        send(form, lies, &mut tally, seed);
        println!("{}: {} accepted, {} refused", form.name, tally.accepted, tally.refused);
        wanted(form, &tally);
    }
}

#[test]
fn payloads_as_they_should_be_are_accepted() {
    // But for members that came twice, which random ones do, and sets out of order.
    send_all(0, |form, tally| assert!(tally.accepted > tally.refused, "{}", form.name));
}

#[test]
fn payloads_that_lie_do_no_harm() {
    send_all(8, |_, _| ());
}

#[test]
fn payloads_with_a_flaw_do_no_harm() {
    send_all(1000, |_, _| ());
}
