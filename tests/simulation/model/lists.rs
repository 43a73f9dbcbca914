//! Lists, and those who wait for them.

use super::{Answer, Entry, NIL, NIL_ARRAY, Value, WRONG_TYPE, Waiting, Work, array, bulk, bulk_or_nil, int};

/// A list, if there is one, and its deadline.
type ListAt = (Option<Vec<Vec<u8>>>, Option<u64>);

impl Work<'_> {
    fn list_at(&mut self, name: &[u8]) -> Result<ListAt, Vec<u8>> {
        match self.look(name).as_deref() {
            None => Ok((None, None)),
            Some(Entry { value: Value::List(list), deadline_ms }) => Ok((Some(list.clone()), *deadline_ms)),
            Some(_) => Err(WRONG_TYPE.to_vec()),
        }
    }

    pub(super) fn list(&mut self, name: &str, args: &[Vec<u8>]) -> Answer {
        let (list, deadline_ms) = self.list_at(&args[0])?;
        let was_there = list.is_some();
        let mut list = list.unwrap_or_default();
        let reply = match name {
            "RPUSH" => {
                list.extend_from_slice(&args[1..]);
                int(list.len())
            }
            "LPUSH" => {
                list.splice(..0, args[1..].iter().rev().cloned());
                int(list.len())
            }
            "LRANGE" => return Ok(array(list.iter().map(|item| bulk(item)).collect())),
            "LSET" if !was_there => return Err(b"-ERR no such key\r\n".to_vec()),
            "LSET" => {
                list[0].clone_from(&args[2]);
                b"+OK\r\n".to_vec()
            }
            _ if !was_there => return Ok(bulk_or_nil(None)),
            "LPOP" => bulk(&list.remove(0)),
            _ => bulk(&list.pop().expect("no list is empty")),
        };
        self.put(&args[0], Value::List(list), deadline_ms);
        Ok(reply)
    }

    /// LMOVE.
    pub(super) fn transfer(&mut self, args: &[Vec<u8>]) -> Answer {
        let (source, other) = (&args[0], &args[1]);
        let (Some(mut list), deadline_ms) = self.list_at(source)? else { return Ok(NIL.to_vec()) };
        self.list_at(other)?;
        let item = if args[2] == b"LEFT" { list.remove(0) } else { list.pop().expect("no list is empty") };
        let (mut longer, its_deadline_ms) = match source == other {
            true => (list, deadline_ms),
            false => {
                self.put(source, Value::List(list), deadline_ms);
                let (list, deadline_ms) = self.list_at(other)?;
                (list.unwrap_or_default(), deadline_ms)
            }
        };
        longer.insert(if args[3] == b"LEFT" { 0 } else { longer.len() }, item.clone());
        self.put(other, Value::List(longer), its_deadline_ms);
        Ok(bulk(&item))
    }

    /// BLMOVE.
    pub(super) fn transfer_or_wait(&mut self, args: &[Vec<u8>]) -> Answer {
        match self.list_at(&args[0]) {
            Ok((Some(_), _)) => self.transfer(args),
            Err(_) if self.waiting == Waiting::Woken => self.wait_for(&args[..1], NIL),
            Ok((None, _)) => self.wait_for(&args[..1], NIL),
            Err(wrong) => Err(wrong),
        }
    }

    /// BLPOP, BRPOP.
    pub(super) fn pop_or_wait(&mut self, name: &str, args: &[Vec<u8>]) -> Answer {
        let (keys, mut passed) = (&args[..args.len() - 1], false);
        for key in keys {
            match self.list_at(key) {
                Ok((None, _)) => {}
                Ok((Some(_), _)) if passed => return Err(WRONG_TYPE.to_vec()),
                Ok((Some(mut list), deadline_ms)) => {
                    let item = if name == "BLPOP" { list.remove(0) } else { list.pop().expect("no list is empty") };
                    self.put(key, Value::List(list), deadline_ms);
                    return Ok(array(vec![bulk(key), bulk(&item)]));
                }
                Err(_) if self.waiting == Waiting::Woken => passed = true, // it is found out as soon as another key answers
                Err(wrong) => return Err(wrong),
            }
        }
        self.wait_for(keys, NIL_ARRAY)
    }
}
