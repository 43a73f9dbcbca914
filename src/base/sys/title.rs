//! The title of the process, as `ps` shows it: it takes the place of the arguments and the environment that the kernel laid out.
//!
//! ```text
//! arg_start                 arg_end = env_start                env_end      (/proc/self/stat)
//! | ferrodis\0 a.conf\0 ... \0     | HOME=/root\0 PATH=... \0        |
//! | title ...                                            \0 \0 \0    |
//! ```
//!
//! The kernel shows the bytes up to `arg_end`, or, when the last of them is not zero, up to the first zero behind.
#![allow(unsafe_code)]

use std::{env, fs, ptr};

/// The place of the title.
#[derive(Debug)]
pub struct Title {
    start: usize,
    bytes: usize,
}

impl Title {
    /// Takes the place, after the environment was copied elsewhere; `None` where the system does not tell where it is. From then on
    /// `std::env::args` gives nonsense. To be called once, by `main`, while there is no other thread.
    pub fn take() -> Option<Title> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let (start, bytes) = place(&stat)?;
        for (name, value) in env::vars_os() {
            if !name.is_empty() && !name.as_encoded_bytes().contains(&b'=') {
                // SAFETY: there is one thread. The C library keeps what is set in memory of its own.
                unsafe { env::set_var(name, value) };
            }
        }
        Some(Title { start, bytes })
    }

    /// Shows another title; one that is too long is cut.
    pub fn show(&mut self, text: &str) {
        let len = text.len().min(self.bytes - 1);
        let start = ptr::with_exposed_provenance_mut::<u8>(self.start);
        // SAFETY: `bytes` bytes from `start` on are those that the kernel laid out for arguments and environment, which are the process's own
        // and stay mapped. `take` has moved the environment away and its caller reads no arguments any more, so nobody else looks at them.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr(), start, len);
            ptr::write_bytes(start.add(len), 0, self.bytes - len);
        }
    }
}

/// Where arguments and environment stand, which follow each other, from the line of `/proc/self/stat`.
fn place(stat: &str) -> Option<(usize, usize)> {
    /// Fields that come before `arg_start`, behind the name in parentheses.
    const BEFORE: usize = 45;
    let fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(BEFORE).take(4);
    let ends: Vec<usize> = fields.map(|field| field.parse().ok()).collect::<Option<_>>()?;
    match ends[..] {
        [start, end, environment, environment_end] if start > 0 && start < end => {
            Some((start, if environment == end { environment_end - start } else { end - start }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_arguments_and_the_environment_behind_them() {
        let line = |ends: &str| format!("7 (a) b) {} {ends} 0", ["1"; 45].join(" "));
        assert_eq!(place(&line("1000 1010 1010 1050")), Some((1000, 50)));
        assert_eq!(place(&line("1000 1010 2000 2050")), Some((1000, 10)));
        assert_eq!(place(&line("0 0 0 0")), None);
        assert_eq!(place("7 (a"), None);
        let own = place(&fs::read_to_string("/proc/self/stat").unwrap());
        assert!(own.is_some_and(|(start, bytes)| start > 0 && bytes > 1));
    }
}
