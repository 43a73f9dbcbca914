//! HyperLogLogs looked into and tried: PFDEBUG, PFSELFTEST.

use super::registers;
use crate::base::random::Generator;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, key_at};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::structures::six_bits;
use crate::values::string::Buffer;
use crate::values::views::hyperloglog::{self, Form, Observation, REGISTERS, sparse};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&PFDEBUG, &PFSELFTEST];

/// PFDEBUG: looks into one.
static PFDEBUG: Command = Command::data("pfdebug", pfdebug)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Admin])
    .keys(&[key_at(2, Access::ReadWrite, Purpose::Access)])
    .since("2.8.9")
    .complexity("N/A")
    .summary("Internal commands for debugging HyperLogLog values.")
    .internal()
    .syntax("subcommand key");

fn pfdebug(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    if args.is(1, "simd") {
        return switch_vectors(cx, args);
    }
    let text = cx.db.string_to_edit(args.get(2))?.ok_or(Error::Text("ERR The specified key does not exist"))?;
    let (bytes, form) = registers(text)?;
    match args.word(1).as_str() {
        "getreg" => get_registers(cx, args.get(2)),
        "decode" if form == Form::Dense => Err(Error::Text("ERR HLL encoding is not sparse")),
        "decode" => {
            let runs: Vec<String> = sparse::runs(bytes).map(sparse::Run::text).collect();
            cx.reply.bulk(runs.join(" ").as_bytes());
            Ok(Done)
        }
        "encoding" => {
            cx.reply.simple(form.name());
            Ok(Done)
        }
        "todense" => {
            let was_sparse = make_dense(cx, args.get(2))?;
            cx.reply.int(i64::from(was_sparse));
            Ok(Done)
        }
        _ => Err(crate::error!("ERR Unknown PFDEBUG subcommand '{}'", String::from_utf8_lossy(args.get(1)))),
    }
}

/// Accepted: what the processor has is always used, and the bytes are the same without it.
fn switch_vectors(cx: &mut DataContext<'_>, args: &Args<'_>) -> Outcome {
    if !args.is(2, "on") && !args.is(2, "off") {
        return Err(Error::Text("ERR Argument must be ON or OFF"));
    }
    cx.reply.simple(if args.is(2, "on") { "enabled" } else { "disabled" });
    Ok(Done)
}

/// All registers; a sparse one is made dense.
fn get_registers(cx: &mut DataContext<'_>, key: &[u8]) -> Outcome {
    make_dense(cx, key)?;
    let text = cx.db.string_to_edit(key)?.ok_or(Error::NoSuchKey)?;
    let (bytes, _) = registers(text)?;
    cx.reply.array(REGISTERS);
    (0..REGISTERS).for_each(|index| cx.reply.int(i64::from(hyperloglog::dense_register(bytes, index))));
    Ok(Done)
}

/// Makes one dense. Whether it was sparse.
fn make_dense(cx: &mut DataContext<'_>, key: &[u8]) -> Result<bool, Error> {
    let mut edit = cx.db.edit::<Buffer>(key)?;
    let was_sparse = hyperloglog::make_dense(&mut edit.0)?;
    drop(edit);
    if was_sparse {
        cx.changed(key, Event::SILENT);
    }
    Ok(was_sparse)
}

/// PFSELFTEST: tries registers and estimates with random elements.
static PFSELFTEST: Command = Command::data("pfselftest", pfselftest)
    .arity(Arity::Exactly(1))
    .flags(&[Flag::Admin])
    .since("2.8.9")
    .complexity("N/A")
    .summary("An internal command for testing HyperLogLog values.")
    .internal();

/// Elements that are shown; Redis shows ten times as many.
const ELEMENTS: u64 = 1_000_000;

fn pfselftest(cx: &mut DataContext<'_>, _: &mut Args<'_>) -> Outcome {
    test_registers(cx.random)?;
    test_estimates(cx.random, cx.encodings.hll_sparse_max_bytes)?;
    cx.reply.ok();
    Ok(Done)
}

/// Each register keeps what it was set to, whatever its neighbours are.
fn test_registers(random: &mut Generator) -> Result<(), Error> {
    let mut packed = vec![0; REGISTERS * 6 / 8];
    for _ in 0..100 {
        let wanted: Vec<u8> = (0..REGISTERS).map(|_| random.below(64) as u8).collect();
        wanted.iter().enumerate().for_each(|(index, value)| six_bits::set(&mut packed, index, *value));
        for (index, value) in wanted.iter().enumerate() {
            let found = six_bits::get(&packed, index);
            if found != *value {
                return Err(crate::error!("TESTFAILED Register {index} should be {value} but is {found}"));
            }
        }
    }
    Ok(())
}

/// Dense and sparse estimate the same, and not too far from the truth.
fn test_estimates(random: &mut Generator, sparse_max: usize) -> Result<(), Error> {
    let (mut dense, mut other) = (hyperloglog::new(), hyperloglog::new());
    hyperloglog::make_dense(&mut dense)?;
    let (salt, mut checkpoint) = (random.below(u64::MAX), 1);
    for element in 1..=ELEMENTS {
        let seen = Observation::of(&(element ^ salt).to_le_bytes());
        for bytes in [&mut dense, &mut other] {
            if let Some(change) = hyperloglog::change(bytes, seen)? {
                hyperloglog::apply(bytes, change, sparse_max)?;
            }
        }
        if element != checkpoint {
            continue;
        }
        if element < sparse_max as u64 / 2 && Form::of(&other) != Some(Form::Sparse) {
            return Err(Error::Text("ERR TESTFAILED sparse encoding not used"));
        }
        let estimated = hyperloglog::count(&dense)?;
        if estimated != hyperloglog::count(&other)? {
            return Err(Error::Text("ERR TESTFAILED dense/sparse disagree"));
        }
        // Six times the standard error; of ten elements two may well share a register.
        let allowed = if element == 10 { 1 } else { (1.04 / 128.0 * 6.0 * element as f64).ceil() as u64 };
        if estimated.abs_diff(element) > allowed {
            let error = estimated.abs_diff(element);
            return Err(crate::error!("ERR TESTFAILED Too big error. card:{element} abserr:{error}"));
        }
        checkpoint *= 10;
    }
    Ok(())
}
