//! The users themselves: ACL SETUSER, GETUSER, DELUSER, LIST, USERS.

use super::{ADMIN, TIPS};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::row::{Arity, Command, Done, Outcome};
use crate::error;
use crate::formats::resp::reply::Reply;
use crate::server::acl::DEFAULT_USER;
use crate::server::acl::selector::Selector;

/// ACL SETUSER: changes a user or makes one. Rules may be passwords: nobody is shown them.
pub(super) static SETUSER: Command = Command::server("setuser", setuser)
    .arity(Arity::AtLeast(3))
    .flags(ADMIN)
    .since("6.0.0")
    .complexity("O(N). Where N is the number of rules provided.")
    .summary("Creates and modifies an ACL user and its rules.")
    .syntax("username [rule [rule ...]]")
    .history(&[("6.2.0", "Added Pub/Sub channel patterns."), ("7.0.0", "Added selectors and key based permissions.")])
    .tips(TIPS)
    .secrets(|_, i| i > 1);

fn setuser(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    cx.server.set_user(cx.client, args.get(2), args.from(3)).map_err(|reason| error!("ERR {reason}"))?;
    cx.reply.ok();
    Ok(Done)
}

/// ACL DELUSER: users are no more, and their connections end.
pub(super) static DELUSER: Command = Command::server("deluser", deluser)
    .arity(Arity::AtLeast(3))
    .flags(ADMIN)
    .since("6.0.0")
    .complexity("O(1) amortized time considering the typical user.")
    .summary("Deletes ACL users, and terminates their connections.")
    .syntax("username [username ...]")
    .tips(TIPS)
    .secrets(|_, i| i > 1);

fn deluser(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    if args.from(2).any(|name| name == DEFAULT_USER.as_bytes()) {
        return Err(Error::Text("ERR The 'default' user cannot be removed"));
    }
    let deleted = cx.server.delete_users(cx.client, args.from(2));
    cx.reply.int(deleted as i64);
    Ok(Done)
}

/// ACL GETUSER: what a user may do.
pub(super) static GETUSER: Command = Command::server("getuser", getuser)
    .arity(Arity::Exactly(3))
    .flags(ADMIN)
    .since("6.0.0")
    .complexity("O(N). Where N is the number of password, command and pattern rules that the user has.")
    .summary("Lists the ACL rules of a user.")
    .syntax("username")
    .history(&[
        ("6.2.0", "Added Pub/Sub channel patterns."),
        (
            "7.0.0",
            "Added selectors and changed the format of key and channel patterns from a list to their rule representation.",
        ),
    ])
    .secrets(|_, i| i > 1);

fn getuser(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let Some(index) = cx.server.acl.find(args.get(2)) else {
        cx.reply.null();
        return Ok(Done);
    };
    let user = cx.server.acl.get(index);
    let (own, others) = user.selectors().split_first().expect("a user has a selector of its own");
    let flags = user.flags();
    cx.reply.map(3 + fields_of(own));
    cx.reply.bulk(b"flags");
    cx.reply.set(flags.len());
    flags.iter().for_each(|flag| cx.reply.bulk(flag.as_bytes()));
    cx.reply.bulk(b"passwords");
    cx.reply.bulks(user.passwords.iter().map(|hash| hash.digits()));
    write_selector(cx.reply, own);
    cx.reply.bulk(b"selectors");
    cx.reply.array(others.len());
    for selector in others {
        cx.reply.map(fields_of(selector));
        write_selector(cx.reply, selector);
    }
    Ok(Done)
}

/// Redis knows nothing of databases: the field is there only where it says something.
fn fields_of(selector: &Selector) -> usize {
    3 + usize::from(selector.databases.is_some())
}

fn write_selector(reply: &mut Reply, selector: &Selector) {
    let joined = |words: Vec<Vec<u8>>| words.join(&b' ');
    let fields = [
        ("commands", joined(selector.commands.words())),
        ("keys", joined(selector.key_words())),
        ("channels", joined(selector.channel_words())),
    ];
    // Valkey shows what `resetdbs` leaves as an empty text.
    let databases = selector.database_word().map(|word| word.replace("resetdbs", "").into_bytes());
    for (name, text) in fields.into_iter().chain(databases.map(|text| ("databases", text))) {
        reply.bulk(name.as_bytes());
        reply.bulk(&text);
    }
}

/// ACL LIST: all users, each as the rules that make it.
pub(super) static LIST: Command = Command::server("list", list)
    .arity(Arity::Exactly(2))
    .flags(ADMIN)
    .since("6.0.0")
    .complexity("O(N). Where N is the number of configured users.")
    .summary("Dumps the effective rules in ACL file format.");

fn list(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.bulks(cx.server.acl.iter().map(|user| user.line()));
    Ok(Done)
}

/// ACL USERS: all users by name.
pub(super) static USERS: Command = Command::server("users", users)
    .arity(Arity::Exactly(2))
    .flags(ADMIN)
    .since("6.0.0")
    .complexity("O(N). Where N is the number of configured users.")
    .summary("Lists all ACL users.");

fn users(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.bulks(cx.server.acl.iter().map(|user| &user.name));
    Ok(Done)
}
