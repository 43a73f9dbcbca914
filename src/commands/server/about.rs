//! TIME, and LOLWUT: a picture, and the version.

use crate::base::random::Generator;
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::server::REDIS_VERSION;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&TIME, &LOLWUT];

/// TIME: seconds since 1970, and microseconds of this one.
static TIME: Command = Command::server("time", time)
    .arity(Arity::Exactly(1))
    .flags(&[Flag::Loading, Flag::Stale, Flag::Fast])
    .since("2.6.0")
    .complexity("O(1)")
    .summary("Returns the server time.")
    .tips(&["nondeterministic_output"]);

fn time(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    let now_us = cx.server.time.wall_us as i64;
    cx.reply.array(2);
    cx.reply.bulk_int(now_us / 1_000_000);
    cx.reply.bulk_int(now_us % 1_000_000);
    Ok(Done)
}

/// LOLWUT: the sea, and the version below it.
static LOLWUT: Command = Command::server("lolwut", lolwut)
    .arity(Arity::AtLeast(1))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .since("5.0.0")
    .complexity("")
    .summary("Displays computer art and the Redis version")
    .syntax("[VERSION version]");

fn lolwut(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    if args.len() >= 3 && args.is(1, "version") {
        args.int(2)?;
    }
    let mut text = sea(&mut cx.server.random);
    text.push_str(&format!("\nFerrodis {}, Redis ver. {REDIS_VERSION}\n", env!("CARGO_PKG_VERSION")));
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(Done)
}

const COLUMNS: usize = 64;
const ROWS: usize = 9;

/// Two swells that cross, under a sky with some stars; a crab looks on.
fn sea(random: &mut Generator) -> String {
    let mut draw = |n: u64| random.below(n) as f64;
    let (length, other_length) = (14.0 + draw(20), 5.0 + draw(6));
    let (phase, other_phase) = (draw(100), draw(100));
    let stars: Vec<usize> = (0..6).map(|_| draw((COLUMNS * ROWS / 3) as u64) as usize).collect();
    let crab = 4 + draw((COLUMNS - 16) as u64) as usize;
    let height = |x: usize| {
        let (x, turn) = (x as f64, std::f64::consts::TAU);
        (ROWS as f64 / 2.0)
            + 1.6 * (turn * (x + phase) / length).sin()
            + 0.7 * (turn * (x + other_phase) / other_length).sin()
    };
    let mut text = String::with_capacity((COLUMNS + 1) * (ROWS + 2));
    for row in 0..ROWS {
        let line: String = (0..COLUMNS)
            .map(|column| match row as f64 - height(column) {
                depth if depth > 1.5 => '~',
                depth if depth > 0.5 => '=',
                depth if depth > -0.5 => '^',
                _ if stars.contains(&(row * COLUMNS + column)) => '.',
                _ => ' ',
            })
            .collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let blank = " ".repeat(crab);
    text + &format!("{blank}(\\/) _--_ (\\/)\n{blank}  \\_( oo )_/\n")
}
