//! Unions, intersections and differences of sorted sets and sets: ZUNION, ZINTER, ZDIFF, their STORE forms, ZINTERCARD.

use super::{Scores, answer_elements};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, counted_keys, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::error;
use crate::keyspace::database::Database;
use crate::structures::element_table::Full;
use crate::structures::listpack::Entry;
use crate::structures::record_arena::Handle;
use crate::values::set::{Set, SetRef};
use crate::values::sorted_set::{Builder, SortedSet, SortedSetRef};
use crate::values::{Encodings, Kind};
use Operation::{Difference, Intersection, Union};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&ZUNION, &ZUNIONSTORE, &ZINTER, &ZINTERSTORE, &ZINTERCARD, &ZDIFF, &ZDIFFSTORE];

/// ZUNION: the members of any of the sets.
static ZUNION: Command = Command::data("zunion", |cx, args| answer(cx, args, Union))
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[counted_keys(1, 1, Access::ReadOnly, Purpose::Access)])
    .since("6.2.0")
    .complexity(
        "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of \
         elements in the resulting sorted set.",
    )
    .summary("Returns the union of multiple sorted sets.")
    .syntax("numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]");

/// ZUNIONSTORE: the same, kept.
static ZUNIONSTORE: Command = Command::data("zunionstore", |cx, args| keep(cx, args, Union, "zunionstore"))
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::Overwrite, Purpose::Update), counted_keys(2, 1, Access::ReadOnly, Purpose::Access)])
    .since("2.0.0")
    .complexity(
        "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of \
         elements in the resulting sorted set.",
    )
    .summary("Stores the union of multiple sorted sets in a key.")
    .syntax("destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]");

/// ZINTER: the members that all of the sets have.
static ZINTER: Command = Command::data("zinter", |cx, args| answer(cx, args, Intersection))
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[counted_keys(1, 1, Access::ReadOnly, Purpose::Access)])
    .since("6.2.0")
    .complexity(
        "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted \
         sets and M being the number of elements in the resulting sorted set.",
    )
    .summary("Returns the intersect of multiple sorted sets.")
    .syntax("numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]");

/// ZINTERSTORE: the same, kept.
static ZINTERSTORE: Command = Command::data("zinterstore", |cx, args| keep(cx, args, Intersection, "zinterstore"))
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::Overwrite, Purpose::Update), counted_keys(2, 1, Access::ReadOnly, Purpose::Access)])
    .since("2.0.0")
    .complexity(
        "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted \
         sets and M being the number of elements in the resulting sorted set.",
    )
    .summary("Stores the intersect of multiple sorted sets in a key.")
    .syntax("destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]");

/// ZINTERCARD: how many members all of the sets have, counted up to a limit.
static ZINTERCARD: Command = Command::data("zintercard", zintercard)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[counted_keys(1, 1, Access::ReadOnly, Purpose::Access)])
    .since("7.0.0")
    .complexity(
        "O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted sets.",
    )
    .summary("Returns the number of members of the intersect of multiple sorted sets.")
    .syntax("numkeys key [key ...] [LIMIT limit]");

fn zintercard(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let keys = read_keys(cx, args, 1)?;
    let options = Options::parse(args, 2 + keys.len(), keys.len(), Form::Counted)?;
    let mut inputs = inputs(cx.db, &keys, &options);
    inputs.sort_by_key(|input| input.source.len());
    let mut count = 0;
    intersect(&inputs, Aggregate::Sum, |_, _| {
        count += 1;
        Ok(count != options.limit)
    })?;
    cx.reply.int(count as i64);
    Ok(Done)
}

/// ZDIFF: the members that only the first of the sets has.
static ZDIFF: Command = Command::data("zdiff", |cx, args| answer(cx, args, Difference))
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[counted_keys(1, 1, Access::ReadOnly, Purpose::Access)])
    .since("6.2.0")
    .complexity(
        "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the \
         first set, and K is the size of the result set.",
    )
    .summary("Returns the difference between multiple sorted sets.")
    .syntax("numkeys key [key ...] [WITHSCORES]");

/// ZDIFFSTORE: the same, kept.
static ZDIFFSTORE: Command = Command::data("zdiffstore", |cx, args| keep(cx, args, Difference, "zdiffstore"))
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::Overwrite, Purpose::Update), counted_keys(2, 1, Access::ReadOnly, Purpose::Access)])
    .since("6.2.0")
    .complexity(
        "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the \
         first set, and K is the size of the result set.",
    )
    .summary("Stores the difference of multiple sorted sets in a key.")
    .syntax("destination numkeys key [key ...]");

fn answer(cx: &mut DataContext<'_>, args: &Args<'_>, operation: Operation) -> Outcome {
    let keys = read_keys(cx, args, 1)?;
    let options = Options::parse(args, 2 + keys.len(), keys.len(), Form::Answered(operation))?;
    let result = combine(inputs(cx.db, &keys, &options), operation, options.aggregate, cx.encodings)?;
    // Not as a sorted set, which would forget the sign of a zero when it is packed.
    answer_elements(cx.reply, result.in_order(), options.scores);
    Ok(Done)
}

fn keep(cx: &mut DataContext<'_>, args: &Args<'_>, operation: Operation, event: &'static str) -> Outcome {
    let keys = read_keys(cx, args, 2)?;
    let options = Options::parse(args, 3 + keys.len(), keys.len(), Form::Kept(operation))?;
    let result = combine(inputs(cx.db, &keys, &options), operation, options.aggregate, cx.encodings)?;
    super::store(cx, args.get(1), result.finish(cx.encodings), event)?;
    Ok(Done)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// What becomes of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Answered(Operation),
    Kept(Operation),
    Counted,
}

/// How the scores of one member become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    #[inline]
    fn of(self, one: f64, other: f64) -> f64 {
        match self {
            Aggregate::Sum => or_zero(one + other),
            Aggregate::Min => {
                if other < one {
                    other
                } else {
                    one
                }
            }
            Aggregate::Max => {
                if other > one {
                    other
                } else {
                    one
                }
            }
        }
    }
}

/// Redis's convention for what is no number, as the sum of both infinities.
#[inline]
fn or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// The words behind the keys.
struct Options {
    /// One for each key, or none.
    weights: Vec<f64>,
    aggregate: Aggregate,
    scores: Scores,
    /// 0: none.
    limit: u64,
}

impl Options {
    fn parse(args: &Args<'_>, first: usize, keys: usize, form: Form) -> Result<Options, Error> {
        let mut options = Options { weights: Vec::new(), aggregate: Aggregate::Sum, scores: Scores::Hidden, limit: 0 };
        let is_weighed = !matches!(form, Form::Counted | Form::Answered(Difference)) && form != Form::Kept(Difference);
        let mut i = first;
        while i < args.len() {
            let left = args.len() - i;
            i += match () {
                _ if is_weighed && left > keys && args.is(i, "weights") => {
                    let weight = |i| args.double(i).map_err(|_| Error::Text("ERR weight value is not a float"));
                    options.weights = (i + 1..=i + keys).map(weight).collect::<Result<_, _>>()?;
                    1 + keys
                }
                _ if is_weighed && left >= 2 && args.is(i, "aggregate") => {
                    options.aggregate = match () {
                        _ if args.is(i + 1, "sum") => Aggregate::Sum,
                        _ if args.is(i + 1, "min") => Aggregate::Min,
                        _ if args.is(i + 1, "max") => Aggregate::Max,
                        _ => return Err(Error::Syntax),
                    };
                    2
                }
                _ if matches!(form, Form::Answered(_)) && args.is(i, "withscores") => {
                    options.scores = Scores::Shown;
                    1
                }
                _ if form == Form::Counted && left >= 2 && args.is(i, "limit") => {
                    let limit = args.int(i + 1).ok().and_then(|limit| u64::try_from(limit).ok());
                    options.limit = limit.ok_or(Error::Text("ERR LIMIT can't be negative"))?;
                    2
                }
                _ => return Err(Error::Syntax),
            };
        }
        Ok(options)
    }
}

/// The records of the keys, whose number stands at word `numkeys`.
fn read_keys(cx: &mut DataContext<'_>, args: &Args<'_>, numkeys: usize) -> Result<Vec<Option<Handle>>, Error> {
    let number = args.int(numkeys)?;
    if number < 1 {
        return Err(error!("ERR at least 1 input key is needed for '{}' command", args.word(0)));
    }
    if number > (args.len() - numkeys - 1) as i64 {
        return Err(Error::Syntax);
    }
    let mut keys = Vec::with_capacity(number as usize);
    for key in args.from(numkeys + 1).take(number as usize) {
        let handle = cx.db.read(key);
        if handle.is_some_and(|handle| !matches!(Kind::of(cx.db.view(handle)), Kind::Set | Kind::SortedSet)) {
            return Err(Error::WrongType);
        }
        keys.push(handle);
    }
    Ok(keys)
}

/// A set or sorted set.
#[derive(Clone, Copy)]
enum Source<'a> {
    Missing,
    /// Its members have the score 1.
    Set(SetRef<'a>),
    SortedSet(SortedSetRef<'a>),
}

impl<'a> Source<'a> {
    fn of(db: &'a Database, handle: Option<Handle>) -> Source<'a> {
        let Some(handle) = handle else { return Source::Missing };
        match (db.view_as::<SortedSet>(handle), db.view_as::<Set>(handle)) {
            (Ok(set), _) => Source::SortedSet(set),
            (_, Ok(set)) => Source::Set(set),
            _ => Source::Missing,
        }
    }

    fn len(&self) -> usize {
        match self {
            Source::Missing => 0,
            Source::Set(set) => set.len(),
            Source::SortedSet(set) => set.len(),
        }
    }

    #[inline]
    fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            Source::Missing => None,
            Source::Set(set) => set.contains(member).then_some(1.0),
            Source::SortedSet(set) => set.score(member),
        }
    }

    /// Shows all elements until `show` says that it is enough.
    fn show(&self, mut show: impl FnMut(Entry<'a>, f64) -> Result<bool, Full>) -> Result<(), Full> {
        match self {
            Source::Missing => {}
            Source::Set(set) => {
                for member in set.iter() {
                    if !show(member, 1.0)? {
                        break;
                    }
                }
            }
            Source::SortedSet(set) => {
                for (member, score) in set.iter() {
                    if !show(member, score)? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

struct Input<'a> {
    source: Source<'a>,
    weight: f64,
}

fn inputs<'a>(db: &'a Database, keys: &[Option<Handle>], options: &Options) -> Vec<Input<'a>> {
    let weight = |i| options.weights.get(i).copied().unwrap_or(1.0);
    let input = |(i, handle): (usize, &Option<Handle>)| Input { source: Source::of(db, *handle), weight: weight(i) };
    keys.iter().enumerate().map(input).collect()
}

fn combine(
    mut inputs: Vec<Input<'_>>,
    operation: Operation,
    aggregate: Aggregate,
    encodings: &Encodings,
) -> Result<Builder, Full> {
    let mut result = Builder::new(encodings);
    match operation {
        Difference => subtract(&inputs, &mut result)?,
        // From the smallest on, as in Redis: sums of floating-point numbers depend on the order.
        Union => {
            inputs.sort_by_key(|input| input.source.len());
            unite(&inputs, aggregate, &mut result)?;
        }
        Intersection => {
            inputs.sort_by_key(|input| input.source.len());
            intersect(&inputs, aggregate, |member, score| result.add(member, score, |_, score| score).map(|_| true))?;
        }
    }
    Ok(result)
}

fn unite(inputs: &[Input<'_>], aggregate: Aggregate, result: &mut Builder) -> Result<(), Full> {
    for input in inputs {
        input.source.show(|member, score| {
            let score = or_zero(input.weight * score);
            result.add(member.as_slice(&mut itoa::Buffer::new()), score, |one, other| aggregate.of(one, other))?;
            Ok(true)
        })?;
    }
    Ok(())
}

/// Shows the elements that all inputs have, of which the first is the smallest, until `show` says that it is enough.
fn intersect(
    inputs: &[Input<'_>],
    aggregate: Aggregate,
    mut show: impl FnMut(&[u8], f64) -> Result<bool, Full>,
) -> Result<(), Full> {
    let Some((first, others)) = inputs.split_first() else { return Ok(()) };
    first.source.show(|member, score| {
        let mut buffer = itoa::Buffer::new();
        let member = member.as_slice(&mut buffer);
        let score = others.iter().try_fold(or_zero(first.weight * score), |sum, other| {
            let score = other.source.score(member)?;
            Some(aggregate.of(sum, score * other.weight))
        });
        match score {
            Some(score) => show(member, score),
            None => Ok(true),
        }
    })
}

/// The elements of the first input that no other has: by asking the others for each, or by taking theirs out, whichever is less work.
fn subtract(inputs: &[Input<'_>], result: &mut Builder) -> Result<(), Full> {
    let Some((first, others)) = inputs.split_first() else { return Ok(()) };
    let questions = first.source.len() as u64 * inputs.len() as u64;
    let elements: u64 = inputs.iter().map(|input| input.source.len() as u64).sum();
    let asks = questions / 2 <= elements;
    first.source.show(|member, score| {
        let mut buffer = itoa::Buffer::new();
        let member = member.as_slice(&mut buffer);
        if !asks || others.iter().all(|other| other.source.score(member).is_none()) {
            result.add(member, score, |_, score| score)?;
        }
        Ok(true)
    })?;
    for other in others.iter().filter(|_| !asks) {
        other.source.show(|member, _| {
            result.remove(member.as_slice(&mut itoa::Buffer::new()));
            Ok(!result.is_empty())
        })?;
    }
    Ok(())
}
