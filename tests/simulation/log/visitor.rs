//! Another server, as Redis is one, that goes on with a log of ours.

use std::io::IoSlice;

use ferrodis::base::disk::{Disk, OpenMode, write_all};

use super::{Entry, Simulation, args, db_of, location, push_call};

impl Simulation {
    /// Another server (as Redis does it) loads the log, cuts what it cannot read off its end, and appends a few calls.
    pub(super) fn visit_by_another_server(&mut self) {
        let (mut count, mut last) = (0, None);
        for (path, bytes) in self.disk.files_of(&location()) {
            let Some((numbers, whole_bytes)) = read_plainly(&bytes) else { return };
            if !numbers.iter().copied().eq(count..count + numbers.len()) {
                // A lost sector swallowed calls, and Redis did not notice.
                return;
            }
            count += numbers.len();
            let missing = missing_of_last_block(&bytes[..whole_bytes]);
            last = Some((path, whole_bytes, missing));
        }
        let Some((path, whole_bytes, missing)) =
            last.filter(|(path, ..)| path.to_string_lossy().ends_with(".incr.aof"))
        else {
            return;
        };
        self.seen.visits += 1;
        self.entries.truncate(count);
        let (mut appended, most) = (Vec::new(), count + self.rng.usize(1..4));
        for number in count.. {
            // Calls exactly as long as what was cut off a block cannot be told from that block with a byte changed.
            if number >= most && missing != Some(appended.len()) {
                break;
            }
            push_call(&mut appended, &[b"SELECT".to_vec(), db_of(number).to_string().into_bytes()]);
            push_call(&mut appended, &args(number));
            self.groups += 1;
            self.entries.push(Entry { end: 0, group: self.groups });
        }
        let mut file = self.disk.open(&path, OpenMode::Edit).expect("it was read just now");
        file.truncate(whole_bytes as u64).expect("the disk is well");
        write_all(&mut *file, &mut [IoSlice::new(&appended)]).expect("the disk is well");
        file.sync_data().expect("the disk is well");
        self.durable = self.durable.max(self.entries.len());
    }
}

/// What is missing of a block whose head is the last one there.
fn missing_of_last_block(bytes: &[u8]) -> Option<usize> {
    let start = bytes.windows(12).rposition(|word| word == b"# block len=")?;
    let line = bytes[start..].split(|&byte| byte == b'\n').next()?;
    let digits = line[b"# block len=".len()..].split(|&byte| byte == b' ').next()?;
    let len: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (start + line.len() + 1 + len).checked_sub(bytes.len())
}

/// Reads a file as Redis does, to the last whole call or transaction: the numbers in it, and the bytes that are whole. None if Redis
/// would refuse the file.
fn read_plainly(bytes: &[u8]) -> Option<(Vec<usize>, usize)> {
    let (mut numbers, mut whole, mut in_group) = ((Vec::new(), 0), 0, false);
    let mut position = 0;
    let line = |from: usize| Some(from + bytes.get(from..)?.iter().position(|&byte| byte == b'\n')? + 1);
    let digits = |from: usize, end: usize| std::str::from_utf8(&bytes[from + 1..end - 2]).ok()?.parse::<usize>().ok();
    'calls: while position < bytes.len() {
        if bytes[position] == b'#' {
            let Some(end) = line(position) else { break };
            if bytes[position..end].windows(32).any(|run| run.iter().all(|&byte| byte == 0)) {
                // Redis would take a lost sector for a comment's; what it appends cannot be told from what the crash left.
                return None;
            }
            position = end;
            whole = if in_group { whole } else { position };
            continue;
        }
        if bytes[position] != b'*' {
            return None;
        }
        let Some(mut next) = line(position) else { break };
        let mut call: Vec<&[u8]> = Vec::new();
        for _ in 0..digits(position, next)? {
            let Some(start) = line(next) else { break 'calls };
            let end = start + digits(next, start)?;
            if end + 2 > bytes.len() {
                break 'calls;
            }
            if &bytes[end..end + 2] != b"\r\n" {
                return None; // nor would it see this
            }
            call.push(&bytes[start..end]);
            next = end + 2;
        }
        match call[0] {
            b"MULTI" => in_group = true,
            b"EXEC" => in_group = false,
            b"RPUSH" => {
                let number = std::str::from_utf8(call[1]).ok()?.parse().ok()?;
                // Redis would not see that a lost sector changed a value; the test does not go into that.
                if call != args(number) {
                    return None;
                }
                numbers.0.push(number);
            }
            _ => {}
        }
        position = next;
        if !in_group {
            (whole, numbers.1) = (position, numbers.0.len());
        }
    }
    numbers.0.truncate(numbers.1);
    Some((numbers.0, whole))
}
