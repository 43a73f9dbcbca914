//! Strings.

use super::{Answer, Entry, Value, WRONG_TYPE, Work, bulk_or_nil, int, parse};

impl Work<'_> {
    pub(super) fn set(&mut self, args: &[Vec<u8>]) -> Vec<u8> {
        let old = self.look(&args[0]);
        let mut deadline_ms = None;
        for option in args[2..].iter() {
            match &option[..] {
                b"NX" if old.is_some() => return bulk_or_nil(None),
                b"XX" if old.is_none() => return bulk_or_nil(None),
                b"KEEPTTL" => deadline_ms = old.as_ref().and_then(|entry| entry.deadline_ms),
                word => deadline_ms = parse(word).map(|ms| self.now_ms + ms as u64).or(deadline_ms),
            }
        }
        self.put(&args[0], Value::String(args[1].clone()), deadline_ms);
        b"+OK\r\n".to_vec()
    }

    pub(super) fn string(&mut self, name: &str, args: &[Vec<u8>]) -> Answer {
        let old = self.look(&args[0]);
        let (mut bytes, deadline_ms) = match old.as_deref() {
            None => (None, None),
            Some(Entry { value: Value::String(bytes), deadline_ms }) => (Some(bytes.clone()), *deadline_ms),
            Some(_) => return Err(WRONG_TYPE.to_vec()),
        };
        match name {
            "GET" => Ok(bulk_or_nil(bytes.as_ref())),
            "GETDEL" => {
                self.remove(&args[0]);
                Ok(bulk_or_nil(bytes.as_ref()))
            }
            "APPEND" => {
                let bytes = [bytes.take().unwrap_or_default(), args[1].clone()].concat();
                let reply = int(bytes.len());
                self.put(&args[0], Value::String(bytes), deadline_ms);
                Ok(reply)
            }
            _ => {
                let number = parse(bytes.as_deref().unwrap_or(b"0"))
                    .ok_or(b"-ERR value is not an integer or out of range\r\n".to_vec())?;
                let number = number + parse(&args[1]).expect("a number");
                self.put(&args[0], Value::String(number.to_string().into_bytes()), deadline_ms);
                Ok(int(number))
            }
        }
    }
}
