//! `rename-command`: the names that commands go by.

use super::registry;
use crate::server::config::RenamedCommand;
use std::collections::BTreeMap;

/// Commands of Redis and Valkey that are not here. Who takes them away from clients gets what was wanted.
const ABSENT: &[&str] = &[
    "asking",
    "cluster",
    "clusterscan",
    "eval",
    "eval_ro",
    "evalsha",
    "evalsha_ro",
    "failover",
    "fcall",
    "fcall_ro",
    "function",
    "migrate",
    "psync",
    "readonly",
    "readwrite",
    "replconf",
    "replicaof",
    "restore-asking",
    "script",
    "sflush",
    "slaveof",
    "sync",
    "vadd",
    "vcard",
    "vdim",
    "vemb",
    "vgetattr",
    "vinfo",
    "vismember",
    "vlinks",
    "vrandmember",
    "vrem",
    "vsetattr",
    "vsim",
];

/// The names of all commands in the registry's order, once these statements were carried out one after another; empty: it can not be
/// called, by any name.
///
/// # Errors
/// There is no command of the name that a statement gives, or another one has its new name: in Redis's words, behind the statement.
pub fn names(renamed: &[RenamedCommand]) -> Result<Vec<Vec<u8>>, String> {
    let own = |entry: &registry::Entry| if entry.parent.is_some() { "" } else { entry.command.name };
    let mut names: Vec<Vec<u8>> = registry::all().iter().map(|entry| own(entry).as_bytes().to_vec()).collect();
    let mut by_name: BTreeMap<Vec<u8>, usize> =
        names.iter().enumerate().filter(|(_, name)| !name.is_empty()).map(|(id, name)| (name.clone(), id)).collect();
    for RenamedCommand { from, to } in renamed {
        let (from, to) = (from.to_ascii_lowercase(), to.to_ascii_lowercase());
        let refused = |why: &str| {
            let shown = [&from, &to].map(|name| String::from_utf8_lossy(name).into_owned());
            format!("rename-command {} \"{}\": {why}", shown[0], shown[1])
        };
        let Some(id) = by_name.remove(&from) else {
            if is_absent(&from) {
                continue;
            }
            return Err(refused("No such command in rename-command"));
        };
        if !to.is_empty() && by_name.insert(to.clone(), id).is_some() {
            return Err(refused("Target command name already exists"));
        }
        names[id] = to;
    }
    Ok(names)
}

fn is_absent(name: &[u8]) -> bool {
    ABSENT.iter().any(|absent| absent.as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(id: &str, statements: &[(&str, &str)]) -> Result<String, String> {
        let renamed =
            |(from, to): &(&str, &str)| RenamedCommand { from: from.as_bytes().into(), to: to.as_bytes().into() };
        let names = names(&statements.iter().map(renamed).collect::<Vec<_>>())?;
        Ok(String::from_utf8(names[registry::find(id.as_bytes()).unwrap()].clone()).unwrap())
    }

    #[test]
    fn statements_are_carried_out_one_after_another() {
        assert_eq!(named("get", &[]), Ok("get".into()));
        assert_eq!(named("get", &[("GET", "a"), ("a", "B"), ("set", "get")]), Ok("b".into()));
        assert_eq!(named("set", &[("get", ""), ("set", "get")]), Ok("get".into()));
        assert_eq!(named("get", &[("get", "get"), ("EVAL", ""), ("cluster", "x")]), Ok("get".into()));
    }

    /// A name with a slip of the pen was passed over, and left the command to everyone. A name that was taken hid its owner.
    #[test]
    fn statements_that_cannot_be_carried_out_were_passed_over() {
        for (statements, why) in [
            (&[("confgi", "")][..], "rename-command confgi \"\": No such command in rename-command"),
            (&[("get", "a"), ("get", "b")], "rename-command get \"b\": No such command in rename-command"),
            (&[("config|get", "a")], "rename-command config|get \"a\": No such command in rename-command"),
            (&[("get", "set")], "rename-command get \"set\": Target command name already exists"),
        ] {
            assert_eq!(named("get", statements), Err(why.into()));
        }
    }
}
