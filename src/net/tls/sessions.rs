//! Sessions that clients may resume: so many, for so long (`tls-session-cache-size`, `-timeout`).

use rustls::server::StoresServerSessions;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The sessions of one context. Only the loop asks for them: nobody ever waits for the lock that the trait demands.
pub(super) struct Sessions {
    most: usize,
    lifetime: Duration,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_id: BTreeMap<Vec<u8>, (Instant, Vec<u8>)>,
    /// In the order they came: the oldest go first. Some may be gone from the map.
    order: VecDeque<(Instant, Vec<u8>)>,
}

impl Sessions {
    /// At most so many sessions (0: no limit), each for so long.
    pub(super) fn new(most: usize, lifetime: Duration) -> Sessions {
        Sessions { most: if most == 0 { usize::MAX } else { most }, lifetime, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Drops what is too old, and the oldest while there are more than `most`.
    fn trim(&mut self, most: usize, lifetime: Duration, now: Instant) {
        while let Some((came, id)) = self.order.front() {
            let is_there = self.by_id.get(id).is_some_and(|(since, _)| since == came);
            if is_there && self.by_id.len() <= most && now.duration_since(*came) <= lifetime {
                return;
            }
            let (_, id) = self.order.pop_front().expect("looked at");
            if is_there {
                self.by_id.remove(&id);
            }
        }
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, id: Vec<u8>, session: Vec<u8>) -> bool {
        let now = Instant::now();
        let mut kept = self.kept();
        kept.by_id.insert(id.clone(), (now, session));
        kept.order.push_back((now, id));
        kept.trim(self.most, self.lifetime, now);
        true
    }

    fn get(&self, id: &[u8]) -> Option<Vec<u8>> {
        let kept = self.kept();
        let (since, session) = kept.by_id.get(id)?;
        (since.elapsed() <= self.lifetime).then(|| session.clone())
    }

    fn take(&self, id: &[u8]) -> Option<Vec<u8>> {
        let (since, session) = self.kept().by_id.remove(id)?;
        (since.elapsed() <= self.lifetime).then_some(session)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sessions(at most {}, for {:?})", self.most, self.lifetime) // what is in them is secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_sessions_go_first() {
        let sessions = Sessions::new(2, Duration::from_secs(3600));
        for id in 0..4u8 {
            assert!(sessions.put(vec![id], vec![id; 9]));
        }
        assert_eq!([0, 1, 2, 3].map(|id| sessions.get(&[id]).is_some()), [false, false, true, true]);
        assert_eq!(sessions.take(&[2]), Some(vec![2; 9]));
        assert_eq!(sessions.take(&[2]), None);
        sessions.put(vec![2], vec![7]);
        assert_eq!((sessions.get(&[2]), sessions.get(&[3]).is_some()), (Some(vec![7]), true));
    }

    #[test]
    fn sessions_end() {
        let sessions = Sessions::new(0, Duration::ZERO);
        sessions.put(vec![1], vec![1]);
        while Instant::now() == sessions.kept().by_id[&vec![1][..]].0 {}
        assert_eq!(sessions.get(&[1]), None);
        sessions.put(vec![2], vec![2]);
        assert!(!sessions.kept().by_id.contains_key(&[1][..]));
    }
}
