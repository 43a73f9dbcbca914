//! Whatever the type: deadlines, names, databases.

use super::{Answer, Work, int, parse};

impl Work<'_> {
    pub(super) fn keys(&mut self, name: &str, args: &[Vec<u8>]) -> Answer {
        match name {
            "DEL" => Ok(int(args.iter().filter(|key| self.remove(key)).count())),
            "EXISTS" => Ok(int(self.look(&args[0]).is_some() as u8)),
            "PEXPIRE" | "PERSIST" => {
                let Some(entry) = self.look(&args[0]) else { return Ok(int(0)) };
                let in_ms = args.get(1).map(|word| parse(word).expect("a number"));
                match in_ms {
                    None if entry.deadline_ms.is_none() => return Ok(int(0)),
                    Some(..=0) => drop(self.remove(&args[0])),
                    _ => self.put(&args[0], entry.value.clone(), in_ms.map(|ms| self.now_ms + ms as u64)),
                }
                Ok(int(1))
            }
            "RENAME" => {
                let Some(entry) = self.look(&args[0]) else { return Err(b"-ERR no such key\r\n".to_vec()) };
                self.remove(&args[0]);
                self.put(&args[1], entry.value.clone(), entry.deadline_ms);
                Ok(b"+OK\r\n".to_vec())
            }
            "COPY" => {
                let Some(entry) = self.look(&args[0]) else { return Ok(int(0)) };
                self.put(&args[1], entry.value.clone(), entry.deadline_ms);
                Ok(int(1))
            }
            "MOVE" => Ok(self.move_key(&args[0], parse(&args[1]).expect("a number") as usize)),
            "FLUSHDB" => {
                self.sweep(vec![self.db]);
                let db = self.db;
                self.state.retain(|key, _| key.0 != db);
                Ok(b"+OK\r\n".to_vec())
            }
            "FLUSHALL" => {
                self.sweep(vec![0, 1, 2]);
                self.state.clear();
                Ok(b"+OK\r\n".to_vec())
            }
            "SWAPDB" => {
                let dbs: Vec<usize> = args.iter().map(|word| parse(word).expect("a number") as usize).collect();
                self.sweep(dbs.clone());
                let other = |db| {
                    if db == dbs[0] {
                        dbs[1]
                    } else if db == dbs[1] {
                        dbs[0]
                    } else {
                        db
                    }
                };
                *self.state =
                    std::mem::take(self.state).into_iter().map(|((db, key), e)| ((other(db), key), e)).collect();
                Ok(b"+OK\r\n".to_vec())
            }
            _ => panic!("the model does not know {name}"),
        }
    }

    fn move_key(&mut self, name: &[u8], to: usize) -> Vec<u8> {
        if to == self.db {
            return b"-ERR source and destination objects are the same\r\n".to_vec();
        }
        let (Some(entry), target) = (self.look(name), (to, name.to_vec())) else { return int(0) };
        self.came.shown.push(target.clone());
        if self.state.contains_key(&target) {
            return int(0);
        }
        self.remove(name);
        self.state.insert(target.clone(), entry);
        self.note_change(target);
        int(1)
    }
}
