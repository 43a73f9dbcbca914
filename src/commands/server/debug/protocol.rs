//! DEBUG PROTOCOL: one reply of each type, for tests of clients.

use super::{Probe, probe};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::row::{Done, Outcome};
use crate::formats::resp::reply::Protocol;

pub(super) const PROBES: &[Probe] = &[
    probe("protocol", (1, 1), "<type>", protocol, "A reply of this type; a wrong one answers which there are."),
    probe("error", (1, 1), "<string>", error, "This string as an error."),
];

fn error(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    cx.reply.error(&String::from_utf8_lossy(args.get(2)));
    Ok(Done)
}

fn protocol(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let reply = &mut *cx.reply;
    match args.word(2).as_str() {
        "string" => reply.bulk(b"Hello World"),
        "integer" => reply.int(12345),
        "double" => reply.double(3141.0 / 1000.0),
        "bignum" => reply.big_number("1234567999999999999999999999999999999"),
        "null" => reply.null(),
        "array" => {
            reply.array(3);
            (0..3).for_each(|n| reply.int(n));
        }
        "set" => {
            reply.set(3);
            (0..3).for_each(|n| reply.int(n));
        }
        "map" => {
            reply.map(3);
            for n in 0..3 {
                reply.int(n);
                reply.boolean(n == 1);
            }
        }
        "attrib" => {
            if reply.protocol == Protocol::Resp3 {
                reply.attribute(1);
                reply.bulk(b"key-popularity");
                reply.array(2);
                reply.bulk(b"key:123");
                reply.int(90);
            }
            reply.bulk(b"Some real reply following the attribute");
        }
        "push" if reply.protocol == Protocol::Resp2 => {
            return Err(Error::Text("ERR RESP2 is not supported by this command"));
        }
        "push" => {
            // Behind the reply, as Redis has it: a push may come between any two.
            reply.bulk(b"Some real reply following the push reply");
            reply.push(2);
            reply.bulk(b"server-cpu-usage");
            reply.int(42);
        }
        "true" => reply.boolean(true),
        "false" => reply.boolean(false),
        "verbatim" => reply.verbatim("txt", b"This is a verbatim\nstring"),
        _ => {
            return Err(Error::Text(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(Done)
}
