//! Adding members and changing scores: ZADD, ZINCRBY.

use super::score;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::keyspace::database::{Database, Edit};
use crate::values::sorted_set::{SortedSet, Written};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&ZADD, &ZINCRBY];

/// ZADD: members with their scores.
static ZADD: Command = Command::data("zadd", zadd)
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .element(3)
    .since("1.2.0")
    .complexity("O(log(N)) for each item added, where N is the number of elements in the sorted set.")
    .summary("Adds one or more members to a sorted set, or updates their scores. Creates the key if it doesn't exist.")
    .syntax(
        "key [NX | XX]^3.0.2 [GT | LT]^6.2.0 [CH@change^3.0.2] [INCR@increment^3.0.2] score member [score member \
         ...]",
    )
    .history(&[
        ("2.4.0", "Accepts multiple elements."),
        ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."),
        ("6.2.0", "Added the `GT` and `LT` options."),
    ]);

fn zadd(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (rule, first) = Rule::parse(args)?;
    let words = args.len() - first;
    if words == 0 || !words.is_multiple_of(2) {
        return Err(Error::Syntax);
    }
    rule.check(words / 2)?;
    let mut scores = smallvec::SmallVec::<[f64; 16]>::new();
    for i in (first..args.len()).step_by(2) {
        scores.push(score(args, i)?);
    }
    if rule.increments {
        return increment(cx, args.get(1), args.get(first + 1), scores[0], rule);
    }
    let elements = scores.iter().enumerate().map(|(i, score)| (args.get(first + 1 + 2 * i), *score));
    add(cx, args.get(1), elements, rule)
}

/// Writes elements by a rule, and answers how many came (or also how many changed).
pub(in crate::commands) fn add<'a>(
    cx: &mut DataContext<'_>,
    key: &[u8],
    elements: impl ExactSizeIterator<Item = (&'a [u8], f64)>,
    rule: Rule,
) -> Outcome {
    let Some(mut set) = edit(cx.db, key, rule)? else {
        cx.reply.int(0);
        return Ok(Done);
    };
    let encodings = cx.encodings;
    set.expect(elements.len(), encodings)?;
    let (mut added, mut updated) = (0_usize, 0_usize);
    for (member, score) in elements {
        match set.write(member, encodings, |old| rule.decide(old, score))? {
            Written::Nothing => {}
            Written::Added => added += 1,
            Written::Updated => updated += 1,
        }
    }
    set.finish();
    if added + updated > 0 {
        super::changed(cx, key, "zadd", added + updated);
    }
    cx.reply.int(if rule.counts_changes { added + updated } else { added } as i64);
    Ok(Done)
}

/// ZINCRBY: adds to a member's score.
static ZINCRBY: Command = Command::data("zincrby", zincrby)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update).told()])
    .element(3)
    .since("1.2.0")
    .complexity("O(log(N)) where N is the number of elements in the sorted set.")
    .summary("Increments the score of a member in a sorted set.")
    .syntax("key increment member");

fn zincrby(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let by = score(args, 2).or_else(|error| match Rule::parse(args)? {
        (_, 2) => Err(error),
        _ => Err(Error::Syntax), // Redis reads it as a ZADD: with an option there are no two words left for an element
    })?;
    increment(cx, args.get(1), args.get(3), by, Rule { increments: true, ..Rule::default() })
}

/// Adds to a score, and answers what it is now; nothing, if the rule forbids it.
fn increment(cx: &mut DataContext<'_>, key: &[u8], member: &[u8], by: f64, rule: Rule) -> Outcome {
    let Some(mut set) = edit(cx.db, key, rule)? else {
        cx.reply.null();
        return Ok(Done);
    };
    let mut decided = None;
    let written = set.write(member, cx.encodings, |old| {
        decided = rule.decide(old, by);
        decided.filter(|score| !score.is_nan())
    })?;
    set.finish();
    if decided.is_some_and(f64::is_nan) {
        return Err(Error::Text("ERR resulting score is not a number (NaN)"));
    }
    if written != Written::Nothing {
        cx.changed(key, Event::sorted_set("zincr"));
    }
    match decided {
        Some(score) => cx.reply.double(score),
        None => cx.reply.null(),
    }
    Ok(Done)
}

/// The set at a key; a new one, unless only what is there may change.
fn edit<'d>(db: &'d mut Database, key: &'d [u8], rule: Rule) -> Result<Option<Edit<'d, SortedSet>>, Error> {
    Ok(match rule.condition {
        Condition::Present => db.edit_existing(key)?,
        _ => Some(db.edit(key)?),
    })
}

/// Which members are written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Condition {
    #[default]
    Always,
    Missing,
    Present,
}

/// Which scores take the place of others.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    #[default]
    Any,
    Greater,
    Less,
}

/// What ZADD's options say.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) struct Rule {
    condition: Condition,
    /// Whether members with another score count, too.
    counts_changes: bool,
    comparison: Comparison,
    increments: bool,
    /// NX and XX.
    has_both: bool,
    /// GT and LT.
    has_both_comparisons: bool,
}

impl Rule {
    /// The rule of these options.
    pub(in crate::commands) fn new(condition: Condition, counts_changes: bool) -> Rule {
        Rule { condition, counts_changes, ..Rule::default() }
    }

    /// Reads options from word 2 on; where the elements begin comes along.
    fn parse(args: &Args<'_>) -> Result<(Rule, usize), Error> {
        let mut rule = Rule::default();
        let mut i = 2;
        while i < args.len() {
            match args.get(i) {
                word if word.eq_ignore_ascii_case(b"nx") => rule.set_condition(Condition::Missing),
                word if word.eq_ignore_ascii_case(b"xx") => rule.set_condition(Condition::Present),
                word if word.eq_ignore_ascii_case(b"gt") => rule.set_comparison(Comparison::Greater),
                word if word.eq_ignore_ascii_case(b"lt") => rule.set_comparison(Comparison::Less),
                word if word.eq_ignore_ascii_case(b"ch") => rule.counts_changes = true,
                word if word.eq_ignore_ascii_case(b"incr") => rule.increments = true,
                _ => break,
            }
            i += 1;
        }
        Ok((rule, i))
    }

    fn set_condition(&mut self, condition: Condition) {
        self.has_both |= self.condition != Condition::Always && self.condition != condition;
        self.condition = condition;
    }

    fn set_comparison(&mut self, comparison: Comparison) {
        self.has_both_comparisons |= self.comparison != Comparison::Any && self.comparison != comparison;
        self.comparison = comparison;
    }

    /// Whether the options go together, in a call with so many elements.
    fn check(&self, elements: usize) -> Result<(), Error> {
        if self.has_both {
            return Err(Error::Text("ERR XX and NX options at the same time are not compatible"));
        }
        if self.has_both_comparisons || self.condition == Condition::Missing && self.comparison != Comparison::Any {
            return Err(Error::Text("ERR GT, LT, and/or NX options at the same time are not compatible"));
        }
        if self.increments && elements > 1 {
            return Err(Error::Text("ERR INCR option supports a single increment-element pair"));
        }
        Ok(())
    }

    /// The score that a member gets, if it gets one.
    #[inline]
    fn decide(&self, old: Option<f64>, score: f64) -> Option<f64> {
        let Some(old) = old else { return (self.condition != Condition::Present).then_some(score) };
        if self.condition == Condition::Missing {
            return None;
        }
        let score = if self.increments { old + score } else { score };
        match self.comparison {
            Comparison::Greater if score <= old => None,
            Comparison::Less if score >= old => None,
            _ => Some(score),
        }
    }
}
