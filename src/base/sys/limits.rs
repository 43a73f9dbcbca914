//! How many files this process may open.
#![allow(unsafe_code)]

/// Descriptors that are not clients': listeners, the log, snapshots, the poll itself.
pub const RESERVED_DESCRIPTORS: u64 = 32;

/// Raises the limit on open files as far as `clients` connections need it. Gives how many connections are possible, at most
/// `clients`.
pub fn raise_for_clients(clients: u32) -> u32 {
    let wanted = u64::from(clients) + RESERVED_DESCRIPTORS;
    let Some(mut limit) = read() else { return clients };
    if limit.rlim_cur < wanted {
        // A soft limit may go up to the hard one; the hard one only with a privilege.
        for (soft, hard) in [(wanted, limit.rlim_max.max(wanted)), (wanted.min(limit.rlim_max), limit.rlim_max)] {
            let new = libc::rlimit { rlim_cur: soft as libc::rlim_t, rlim_max: hard as libc::rlim_t };
            // SAFETY: the pointer is to an rlimit of our own.
            if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &new) } == 0 {
                limit = new;
                break;
            }
        }
    }
    u32::try_from(limit.rlim_cur.saturating_sub(RESERVED_DESCRIPTORS)).unwrap_or(u32::MAX).clamp(1, clients)
}

fn read() -> Option<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to an rlimit of our own.
    (unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } == 0).then_some(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_clients_are_always_possible_and_four_billion_never() {
        assert_eq!(raise_for_clients(10), 10);
        assert!(raise_for_clients(u32::MAX) < u32::MAX);
    }
}
