//! HyperLogLogs against an array of registers, by random observations; a sparse one must stay what a dense one would be.

use ferrodis::values::views::hyperloglog::{self, Form, Observation, REGISTERS, Union};

use crate::random;

struct Twin {
    bytes: Vec<u8>,
    model: Vec<u8>,
    sparse_max: usize,
}

impl Twin {
    fn new(sparse_max: usize) -> Twin {
        Twin { bytes: hyperloglog::new(), model: vec![0; REGISTERS], sparse_max }
    }

    fn observe(&mut self, seen: Observation) {
        let place = &mut self.model[usize::from(seen.register)];
        let change = hyperloglog::change(&self.bytes, seen).unwrap();
        assert_eq!(change.is_some(), seen.rank > *place);
        *place = seen.rank.max(*place);
        if let Some(change) = change {
            hyperloglog::apply(&mut self.bytes, change, self.sparse_max).unwrap();
        }
    }

    fn check(&self) {
        let form = Form::of(&self.bytes).unwrap();
        assert!(form == Form::Dense || self.bytes.len() <= self.sparse_max.max(18));
        let mut dense = self.bytes.clone();
        assert_eq!(hyperloglog::make_dense(&mut dense), Ok(form == Form::Sparse));
        for (index, rank) in self.model.iter().enumerate() {
            assert_eq!(hyperloglog::dense_register(&dense, index), *rank, "register {index}");
        }
        assert_eq!(hyperloglog::count(&self.bytes), hyperloglog::count(&dense));
    }
}

/// An observation: near the last one more often than chance has it, so that runs are joined and split again.
fn observation(rng: &mut fastrand::Rng, last: &mut u16) -> Observation {
    let step = if rng.bool() { rng.u16(..8) } else { rng.u16(..) };
    *last = last.wrapping_add(step) % REGISTERS as u16;
    let rank = match rng.u8(..200) {
        0 => rng.u8(1..=63),
        1..50 => rng.u8(1..=32),
        _ => rng.u8(1..=3),
    };
    Observation { register: *last, rank }
}

#[test]
fn registers_are_those_of_an_array() {
    let mut rng = random();
    for round in 0..30 {
        let mut twins = [Twin::new([3000, 16_000, 20, 300][round % 4]), Twin::new(3000)];
        let mut last = rng.u16(..);
        for _ in 0..rng.usize(..3000) {
            let seen = observation(&mut rng, &mut last);
            twins[usize::from(rng.u8(..8) == 0)].observe(seen);
        }
        twins.iter().for_each(Twin::check);
        let [mut a, b] = twins;
        let mut union = Union::default();
        union.join(&a.bytes).unwrap();
        union.join(&b.bytes).unwrap();
        union.write_to(&mut a.bytes, a.sparse_max).unwrap();
        a.model.iter_mut().zip(&b.model).for_each(|(rank, other)| *rank = (*rank).max(*other));
        a.check();
        assert_eq!(hyperloglog::count(&a.bytes), Ok(union.count()));
    }
}

#[test]
fn a_merge_leaves_the_bytes_that_single_observations_in_order_leave() {
    let mut rng = random();
    for _ in 0..100 {
        let (mut a, mut b) = (Twin::new(3000), Twin::new(3000));
        let (mut here, mut there) = (rng.u16(..), rng.u16(..));
        (0..rng.usize(..600)).for_each(|_| a.observe(observation(&mut rng, &mut here)));
        (0..rng.usize(..600)).for_each(|_| b.observe(observation(&mut rng, &mut there)));
        if [&a, &b].iter().any(|twin| Form::of(&twin.bytes) == Some(Form::Dense)) {
            continue;
        }
        let mut merged = a.bytes.clone();
        let mut union = Union::default();
        union.join(&a.bytes).unwrap();
        union.join(&b.bytes).unwrap();
        union.write_to(&mut merged, 3000).unwrap();
        for register in 0..REGISTERS as u16 {
            let rank = a.model[usize::from(register)].max(b.model[usize::from(register)]);
            a.observe(Observation { register, rank });
        }
        assert_eq!(merged, a.bytes);
    }
}
