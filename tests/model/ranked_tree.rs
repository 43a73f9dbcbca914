//! The ranked tree against a sorted vector: random, ascending and descending, with few scores and with many.

use std::cmp::Ordering;

use ferrodis::structures::ranked_tree::RankedTree;

use crate::random;

/// Members by handle, the tree, and its model in order.
#[derive(Default)]
struct Twins {
    members: Vec<Option<u64>>,
    free: Vec<u32>,
    tree: RankedTree,
    model: Vec<(f64, u64)>,
}

fn order_of(a: &(f64, u64), b: &(f64, u64)) -> Ordering {
    a.0.partial_cmp(&b.0).expect("no NaN").then(a.1.cmp(&b.1))
}

impl Twins {
    fn member(&self, handle: u32) -> u64 {
        self.members[handle as usize].expect("the member of a live handle")
    }

    fn add_member(&mut self, member: u64) -> u32 {
        let handle = self.free.pop().unwrap_or(self.members.len() as u32);
        if handle as usize == self.members.len() {
            self.members.push(None);
        }
        self.members[handle as usize] = Some(member);
        handle
    }

    fn drop_member(&mut self, handle: u32) {
        self.members[handle as usize] = None;
        self.free.push(handle);
    }

    fn insert(&mut self, score: f64, member: u64) {
        let Err(at) = self.model.binary_search_by(|it| order_of(it, &(score, member))) else { return };
        self.model.insert(at, (score, member));
        let handle = self.add_member(member);
        let members = &self.members;
        self.tree.insert(score, handle, |it| members[it as usize].expect("a live handle").cmp(&member));
    }

    fn remove(&mut self, score: f64, member: u64) {
        let members = &self.members;
        let removed = self.tree.remove(score, |it| members[it as usize].expect("a live handle").cmp(&member));
        match self.model.binary_search_by(|it| order_of(it, &(score, member))) {
            Ok(at) => {
                self.model.remove(at);
                let handle = removed.expect("an entry");
                assert_eq!(self.member(handle), member);
                self.drop_member(handle);
            }
            Err(_) => assert_eq!(removed, None),
        }
    }

    fn update(&mut self, score: f64, new_score: f64, member: u64) {
        if self.model.binary_search_by(|it| order_of(it, &(new_score, member))).is_ok() {
            return;
        }
        let members = &self.members;
        let order = |it: u32| members[it as usize].expect("a live handle").cmp(&member);
        let updated = self.tree.update(score, new_score, order);
        let found = self.model.binary_search_by(|it| order_of(it, &(score, member)));
        assert_eq!(updated, found.is_ok());
        if let Ok(at) = found {
            self.model.remove(at);
            let at = self.model.binary_search_by(|it| order_of(it, &(new_score, member))).unwrap_err();
            self.model.insert(at, (new_score, member));
        }
    }

    fn repoint(&mut self, rank: usize) {
        let (score, member) = self.model[rank];
        let (_, old) = self.tree.entries(self.tree.at_rank(rank), self.tree.end()).next().expect("an entry");
        let new = self.add_member(member);
        let members = &self.members;
        assert!(self.tree.repoint(score, new, |it| members[it as usize].expect("a live handle").cmp(&member)));
        self.drop_member(old);
    }

    fn remove_range(&mut self, from: usize, to: usize) {
        let mut removed = Vec::new();
        self.tree.remove_range(from..to, |score, handle| removed.push((score, handle)));
        let wanted: Vec<_> = self.model.drain(from..to).collect();
        let removed: Vec<_> = removed
            .into_iter()
            .map(|(score, handle)| {
                let member = self.member(handle);
                self.drop_member(handle);
                (score, member)
            })
            .collect();
        assert_eq!(removed, wanted);
    }

    /// Looks one score and member up in every way.
    fn look_up(&self, score: f64, member: u64) {
        let rank = self.tree.rank_of(score, |it| self.member(it).cmp(&member));
        assert_eq!(rank, self.model.binary_search_by(|it| order_of(it, &(score, member))).ok());
        let lower = self.model.partition_point(|it| it.0 < score);
        let upper = self.model.partition_point(|it| it.0 <= score);
        assert_eq!(self.tree.lower_bound(score), self.tree.at_rank(lower));
        assert_eq!(self.tree.upper_bound(score), self.tree.at_rank(upper));
        let point = self.model.partition_point(|it| order_of(it, &(score, member)).is_lt());
        let is_before = |s: f64, it: u32| order_of(&(s, self.member(it)), &(score, member)).is_lt();
        assert_eq!(self.tree.partition_point(is_before).rank(), point);
        assert_eq!(self.entries(lower, upper), self.model[lower..upper]);
    }

    fn entries(&self, from: usize, to: usize) -> Vec<(f64, u64)> {
        let entries = self.tree.entries(self.tree.at_rank(from), self.tree.at_rank(to));
        assert_eq!(entries.len(), to.saturating_sub(from));
        entries.map(|(score, handle)| (score, self.member(handle))).collect()
    }

    fn check(&self) {
        self.tree.check_invariants(|one, other| self.member(one).cmp(&self.member(other)));
        assert_eq!(self.tree.len(), self.model.len());
        assert_eq!(self.entries(0, self.model.len()), self.model);
        let members = self.members.iter().flatten().count();
        assert_eq!(members, self.model.len());
    }

    /// Walks from both ends at once.
    fn check_walks(&self, rng: &mut fastrand::Rng) {
        let (from, to) = (rng.usize(..=self.model.len()), rng.usize(..=self.model.len()));
        let wanted = self.model.get(from..to).unwrap_or(&[]);
        let mut entries = self.tree.entries(self.tree.at_rank(from), self.tree.at_rank(to));
        let (mut front, mut back) = (0, wanted.len());
        loop {
            let (skipped, is_front) = (rng.usize(..4) * rng.usize(..100), rng.bool());
            let entry = if is_front { entries.nth(skipped) } else { entries.next_back() };
            let wanted = match is_front {
                true => wanted[front..back].get(skipped),
                false => wanted[front..back].last(),
            };
            assert_eq!(entry.map(|(score, handle)| (score, self.member(handle))), wanted.copied());
            if entry.is_none() {
                break;
            }
            if is_front { front += skipped + 1 } else { back -= 1 }
        }
    }
}

/// One random operation. `scores` is how many there are; members are as many as keep the tree at a size.
fn operate(rng: &mut fastrand::Rng, twins: &mut Twins, scores: u64, members: u64) {
    let (score, member) = (rng.u64(..scores) as f64 - (scores / 2) as f64, rng.u64(..members));
    let len = twins.model.len();
    let there = (len > 0).then(|| twins.model[rng.usize(..len)]);
    match (rng.u32(..1000), there) {
        (0..500, _) => twins.insert(score, member),
        (500..550, _) => twins.remove(score, member),
        (550..700, Some((score, member))) => twins.remove(score, member),
        (700..780, Some((old, member))) => twins.update(old, score, member),
        (780..880, Some((old, member))) => twins.update(old, old + rng.i8(..) as f64 / 64.0, member),
        (880..920, Some(_)) => twins.repoint(rng.usize(..len)),
        (920..999, _) => twins.look_up(score, member),
        _ => {
            let from = rng.usize(..=len);
            twins.remove_range(from, len.min(from + rng.usize(..400)));
        }
    }
}

#[test]
fn behaves_like_a_sorted_vector() {
    let mut rng = random();
    for (scores, members) in [(1, 20_000), (3, 2_000), (50, 100_000), (1 << 40, 1 << 40), (5, 100)] {
        let mut twins = Twins::default();
        for round in 0..40_000 {
            operate(&mut rng, &mut twins, scores, members);
            if round % 1_000 == 0 {
                twins.check();
                twins.check_walks(&mut rng);
            }
        }
        println!("{} entries", twins.model.len());
        while !twins.model.is_empty() {
            let (from, len) = (rng.usize(..twins.model.len()), twins.model.len());
            twins.remove_range(from, len.min(from + rng.usize(..2_000)));
            (0..rng.usize(..20)).for_each(|_| operate(&mut rng, &mut twins, scores, members));
            twins.check();
        }
        assert_eq!(twins.tree.heap_bytes(), 0);
    }
}

/// As they come: the entry of number `n` of `len`.
type Pattern = fn(u64, u64) -> (f64, u64);

#[test]
fn grows_and_shrinks_in_any_direction() {
    let mut rng = random();
    let patterns: [(&str, Pattern); 6] = [
        ("ascending", |n, _| (n as f64, n)),
        ("descending", |n, len| ((len - n) as f64, n)),
        ("ascending members", |n, _| (0.0, n)),
        ("descending members", |n, len| (-0.0, len - n)),
        ("from both ends", |n, len| if n % 2 == 0 { (n as f64, n) } else { ((2 * len - n) as f64, n) }),
        ("from the middle", |n, len| if n % 2 == 0 { (n as f64, n) } else { (-(n as f64), len - n) }),
    ];
    for (name, pattern) in patterns {
        let (mut twins, len) = (Twins::default(), 30_000);
        for n in 0..len {
            let (score, member) = pattern(n, len);
            twins.insert(score, member);
        }
        twins.check();
        let bytes = twins.tree.heap_bytes() as f64 / len as f64;
        println!("{name}: {bytes:.1} bytes per entry");
        if !name.starts_with("from both") {
            assert!(bytes < 13.0, "{name}: {bytes} bytes per entry");
        }
        for n in 0..len {
            let n = if rng.bool() { n } else { len - 1 - n };
            let (score, member) = pattern(n, len);
            twins.remove(score, member);
            if n % 1_000 == 0 {
                twins.check();
            }
        }
    }
}

#[test]
fn random_inserts_take_few_bytes() {
    let mut rng = random();
    for (len, most) in [(127, 13.0), (10_000, 16.0), (100_000, 16.0)] {
        let mut tree = RankedTree::new();
        for handle in 0..len {
            tree.insert(rng.f64(), handle, |it| it.cmp(&handle));
        }
        let bytes = tree.heap_bytes() as f64 / f64::from(len);
        println!("{len} entries: {bytes:.2} bytes each");
        assert!(bytes < most, "{bytes} bytes per entry");
    }
}

#[test]
fn thin_leaves_are_joined_whatever_is_removed() {
    let mut rng = random();
    let len = 300_000;
    let mut tree = RankedTree::from_sorted((0..len).map(|n| (f64::from(n), n)));
    let check = |tree: &RankedTree| tree.check_invariants(|one, other| one.cmp(&other));
    check(&tree);
    // One entry in about a thousand stays, at random places: what lies between goes whole leaves at a time.
    let mut places: Vec<usize> = (0..len as usize / 1_000).collect();
    rng.shuffle(&mut places);
    for place in places {
        let (begin, gap) = (f64::from(place as u32 * 1_000), rng.usize(900..1_000));
        let from = tree.lower_bound(begin).rank();
        tree.remove_range(from..from + gap, |_, _| ());
        let rest = tree.lower_bound(begin + 999.0).rank() - from;
        tree.remove_range(from..from + rest, |_, _| ());
        if place % 20 == 0 {
            check(&tree);
        }
    }
    let bytes = tree.heap_bytes() / tree.len();
    assert_eq!(tree.len(), len as usize / 1_000);
    assert!(bytes < 40, "{bytes} bytes per entry");
    while !tree.is_empty() {
        let at = rng.usize(..tree.len());
        tree.remove_range(at..at + 1, |_, _| ());
        check(&tree);
    }
}

/// A tree of four levels, at random places, until nothing is left.
#[test]
fn deep_trees_shrink_to_nothing() {
    let mut rng = random();
    let mut tree = RankedTree::new();
    let mut scores = Vec::new();
    for handle in 0..250_000 {
        let score = f64::from(rng.u32(..1 << 20));
        tree.insert(score, handle, |it| it.cmp(&handle));
        scores.push(score);
    }
    let check = |tree: &RankedTree| tree.check_invariants(|one, other| one.cmp(&other));
    check(&tree);
    let mut handles: Vec<u32> = (0..250_000).collect();
    rng.shuffle(&mut handles);
    for (n, handle) in handles.into_iter().enumerate() {
        let removed = tree.remove(scores[handle as usize], |it| it.cmp(&handle));
        assert_eq!(removed, Some(handle));
        if n % 25_000 == 0 {
            check(&tree);
        }
    }
    assert_eq!(tree.heap_bytes(), 0);
}

#[test]
fn sorted_entries_fill_leaves() {
    for len in [0, 1, 127, 128, 5_000] {
        let tree = RankedTree::from_sorted((0..len).map(|n| (f64::from(n / 3), n)));
        tree.check_invariants(|one, other| one.cmp(&other));
        assert!(tree.iter().map(|(_, handle)| handle).eq(0..len));
        assert!(tree.iter().rev().map(|(_, handle)| handle).eq((0..len).rev()));
    }
}
