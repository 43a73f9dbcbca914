//! The listpack against a vector of texts, by random edits.

use ferrodis::structures::listpack::{self, Entry, Listpack};

use crate::random;

/// Texts of all kinds that the format tells apart, few enough to meet again.
fn text(rng: &mut fastrand::Rng) -> Vec<u8> {
    match rng.u32(..8) {
        0..3 => rng.i64(-150..150).to_string().into_bytes(),
        3 => rng.i64(..).wrapping_shr(rng.u32(..64)).to_string().into_bytes(),
        4..7 => vec![rng.u8(b'a'..b'd'); rng.usize(..4)],
        _ => vec![b'x'; [63, 64, 125, 126, 127, 4095, 4096, 16_380][rng.usize(..8)]],
    }
}

struct Twin {
    pack: Vec<u8>,
    model: Vec<Vec<u8>>,
}

impl Twin {
    fn random(rng: &mut fastrand::Rng) -> Self {
        let model: Vec<Vec<u8>> = (0..rng.usize(..6)).map(|_| text(rng)).collect();
        let mut pack = listpack::new();
        for text in &model {
            let offset = listpack::push_back(&mut pack, text);
            assert!(Listpack::new(&pack).at(offset).equals(text));
        }
        Twin { pack, model }
    }

    /// The offset of the element with this index; the end, if there is none.
    fn offset(&self, index: usize) -> usize {
        let view = Listpack::new(&self.pack);
        view.offsets().nth(index).unwrap_or(view.end())
    }

    fn operate(&mut self, rng: &mut fastrand::Rng) {
        let index = rng.usize(..=self.model.len());
        let offset = self.offset(index);
        match rng.u32(..8) {
            0 => {
                let text = text(rng);
                listpack::insert(&mut self.pack, listpack::FIRST, &text);
                self.model.insert(0, text);
            }
            1..4 => {
                let text = text(rng);
                let after = listpack::insert(&mut self.pack, offset, &text);
                self.model.insert(index, text);
                assert_eq!(after, self.offset(index + 1));
            }
            4 if index < self.model.len() => {
                let next = listpack::remove(&mut self.pack, offset);
                self.model.remove(index);
                assert_eq!(next, (index < self.model.len()).then_some(offset));
            }
            5..7 if index < self.model.len() => {
                self.model[index] = text(rng);
                let after = listpack::replace(&mut self.pack, offset, &self.model[index]);
                assert_eq!(after, self.offset(index + 1));
            }
            7 => {
                let most = [0, 1, 2, 5, usize::MAX][rng.usize(..5)];
                let removed = listpack::remove_range(&mut self.pack, offset, most);
                assert_eq!(removed, most.min(self.model.len() - index));
                self.model.drain(index..index + removed);
            }
            _ => {}
        }
    }

    fn compare(&self) {
        assert_eq!(listpack::verify(&self.pack), Ok(self.model.len()));
        let view = Listpack::new(&self.pack);
        assert_eq!((view.len(), view.is_empty()), (self.model.len(), self.model.is_empty()));
        assert!(view.iter().eq(self.model.iter().map(Entry::from)));
        assert!(view.iter().rev().eq(self.model.iter().rev().map(Entry::from)));
    }
}

#[test]
fn a_listpack_is_a_list_of_texts() {
    let mut rng = random();
    for _ in 0..40 {
        let mut twin = Twin::random(&mut rng);
        for _ in 0..200 {
            twin.operate(&mut rng);
            twin.compare();
        }
    }
}
