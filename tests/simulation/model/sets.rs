//! Sets and sorted sets.

use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, Entry, NIL_ARRAY, Value, WRONG_TYPE, Waiting, Work, array, bulk, bulk_or_nil, int, parse};

impl Work<'_> {
    pub(super) fn set_of_members(&mut self, name: &str, args: &[Vec<u8>], actual: &[u8]) -> Answer {
        let (mut set, deadline_ms) = match self.look(&args[0]).as_deref() {
            None => (BTreeSet::new(), None),
            Some(Entry { value: Value::Set(set), deadline_ms }) => (set.clone(), *deadline_ms),
            Some(_) => return Err(WRONG_TYPE.to_vec()),
        };
        let before = set.len();
        let reply = match name {
            "SISMEMBER" => return Ok(int(set.contains(&args[1]) as u8)),
            "SCARD" => return Ok(int(set.len())),
            "SADD" => {
                set.extend(args[1..].iter().cloned());
                int(set.len() - before)
            }
            "SREM" => {
                set.retain(|member| !args[1..].contains(member));
                int(before - set.len())
            }
            _ if set.is_empty() => return Ok(bulk_or_nil(None)),
            _ => {
                let member = set.iter().find(|member| bulk(member) == actual).cloned();
                let member = member.unwrap_or_else(|| panic!("{} was no member", actual.escape_ascii()));
                set.remove(&member);
                bulk(&member)
            }
        };
        if set.len() != before {
            self.put(&args[0], Value::Set(set), deadline_ms);
        }
        Ok(reply)
    }

    pub(super) fn sorted_set(&mut self, name: &str, args: &[Vec<u8>]) -> Answer {
        let (mut set, deadline_ms) = match self.look(&args[0]).as_deref() {
            None => (BTreeMap::new(), None),
            Some(Entry { value: Value::SortedSet(set), deadline_ms }) => (set.clone(), *deadline_ms),
            Some(_) => return Err(WRONG_TYPE.to_vec()),
        };
        let score = |word: &Vec<u8>| parse(word).expect("a number");
        let reply = match name {
            "ZSCORE" => return Ok(bulk_or_nil(set.get(&args[1]).map(|score| score.to_string().into_bytes()).as_ref())),
            "ZCARD" => return Ok(int(set.len())),
            "ZADD" => {
                int(args[1..].chunks(2).filter(|pair| set.insert(pair[1].clone(), score(&pair[0])).is_none()).count())
            }
            "ZINCRBY" => {
                let now = set.entry(args[2].clone()).or_default();
                *now += score(&args[1]);
                bulk(now.to_string().as_bytes())
            }
            _ => match set.remove(&args[1]) {
                None => return Ok(int(0)),
                Some(_) => int(1),
            },
        };
        self.put(&args[0], Value::SortedSet(set), deadline_ms);
        Ok(reply)
    }

    /// BZPOPMIN.
    pub(super) fn pop_min_or_wait(&mut self, args: &[Vec<u8>]) -> Answer {
        let (keys, mut passed) = (&args[..args.len() - 1], false);
        for key in keys {
            let (mut set, deadline_ms) = match self.look(key).as_deref() {
                None => continue,
                Some(Entry { value: Value::SortedSet(_), .. }) if passed => return Err(WRONG_TYPE.to_vec()),
                Some(Entry { value: Value::SortedSet(set), deadline_ms }) => (set.clone(), *deadline_ms),
                Some(_) if self.waiting == Waiting::Woken => {
                    passed = true; // it is found out as soon as another key answers
                    continue;
                }
                Some(_) => return Err(WRONG_TYPE.to_vec()),
            };
            let first = set.iter().min_by_key(|(member, score)| (**score, (*member).clone()));
            let (member, score) = first.map(|(member, score)| (member.clone(), *score)).expect("no set is empty");
            set.remove(&member);
            self.put(key, Value::SortedSet(set), deadline_ms);
            return Ok(array(vec![bulk(key), bulk(&member), bulk(score.to_string().as_bytes())]));
        }
        self.wait_for(keys, NIL_ARRAY)
    }
}
