//! Hashes, whose fields may have deadlines of their own.

use std::collections::BTreeMap;

use super::{Answer, Entry, Value, WRONG_TYPE, Work, array, bulk, bulk_or_nil, int, parse};

/// A field's value, and its deadline in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub value: Vec<u8>,
    pub deadline_ms: Option<u64>,
}

pub type Hash = BTreeMap<Vec<u8>, Field>;

impl Work<'_> {
    fn hash_at(&mut self, name: &[u8]) -> Result<(Hash, Option<u64>), Vec<u8>> {
        match self.look(name).as_deref() {
            None => Ok((Hash::new(), None)),
            Some(Entry { value: Value::Hash(hash), deadline_ms }) => Ok((hash.clone(), *deadline_ms)),
            Some(_) => Err(WRONG_TYPE.to_vec()),
        }
    }

    pub(super) fn hash(&mut self, name: &str, args: &[Vec<u8>]) -> Answer {
        let (mut hash, deadline_ms) = self.hash_at(&args[0])?;
        let reply = match name {
            "HGET" => return Ok(bulk_or_nil(hash.get(&args[1]).map(|field| &field.value))),
            "HSET" => {
                let field = |value: &Vec<u8>| Field { value: value.clone(), deadline_ms: None };
                let new = args[1..].chunks(2).filter(|pair| hash.insert(pair[0].clone(), field(&pair[1])).is_none());
                int(new.count())
            }
            "HDEL" => int(hash.remove(&args[1]).is_some() as u8),
            _ => {
                let old = hash.get(&args[1]).map_or(Some(0), |field| parse(&field.value));
                let number = old.ok_or(b"-ERR hash value is not an integer\r\n".to_vec())?;
                let number = number + parse(&args[2]).expect("a number");
                let deadline_ms = hash.get(&args[1]).and_then(|field| field.deadline_ms);
                hash.insert(args[1].clone(), Field { value: number.to_string().into_bytes(), deadline_ms });
                int(number)
            }
        };
        self.put(&args[0], Value::Hash(hash), deadline_ms);
        Ok(reply)
    }

    /// Calls on one field that is named behind `FIELDS 1`.
    pub(super) fn field(&mut self, name: &str, args: &[Vec<u8>]) -> Answer {
        let (mut hash, deadline_ms) = self.hash_at(&args[0])?;
        let at = args.iter().rposition(|word| word == b"FIELDS").expect("a field is named") + 2;
        let (options, field) = (&args[1..at - 2], &args[at]);
        let in_ms = |word: &Vec<u8>| parse(word).expect("a number") as u64;
        if name == "HSETEX" {
            return Ok(self.set_field(&args[0], options, field, &args[at + 1]));
        }
        let Some(found) = hash.get(field).cloned() else {
            let gives_value = ["HGETEX", "HGETDEL"].contains(&name);
            return Ok(array(vec![if gives_value { bulk_or_nil(None) } else { int(-2) }]));
        };
        let new_ms = match name {
            "HPEXPIRE" => Some(self.now_ms + in_ms(&options[0])),
            "HEXPIRE" => Some(self.now_ms + in_ms(&options[0]) * 1000),
            "HGETEX" if options[0] == b"PX" => Some(self.now_ms + in_ms(&options[1])),
            _ => None,
        };
        let reply = match name {
            "HPEXPIRETIME" => return Ok(array(vec![found.deadline_ms.map_or(int(-1), int)])),
            "HGETEX" | "HGETDEL" => bulk(&found.value),
            "HPERSIST" => int(if found.deadline_ms.is_some() { 1 } else { -1 }),
            _ => int(if new_ms <= Some(self.now_ms) { 2 } else { 1 }),
        };
        if name == "HGETDEL" || new_ms.is_some_and(|ms| ms <= self.now_ms) {
            hash.remove(field);
        } else {
            hash.insert(field.clone(), Field { deadline_ms: new_ms, ..found });
        }
        self.put(&args[0], Value::Hash(hash), deadline_ms);
        Ok(array(vec![reply]))
    }

    /// HSETEX.
    fn set_field(&mut self, key: &[u8], options: &[Vec<u8>], name: &[u8], value: &[u8]) -> Vec<u8> {
        let (mut hash, deadline_ms) = self.hash_at(key).expect("that was looked at");
        let (old, mut field_ms) = (hash.get(name).cloned(), None);
        for option in options {
            match &option[..] {
                b"FNX" if old.is_some() => return int(0),
                b"FXX" if old.is_none() => return int(0),
                b"KEEPTTL" => field_ms = old.as_ref().and_then(|field| field.deadline_ms),
                word => field_ms = parse(word).map(|ms| self.now_ms + ms as u64).or(field_ms),
            }
        }
        hash.insert(name.to_vec(), Field { value: value.to_vec(), deadline_ms: field_ms });
        self.put(key, Value::Hash(hash), deadline_ms);
        int(1)
    }
}
