//! DUMP payloads of every type number that RDB has had, small and random, written here by the format's own rules and not by the code
//! that is tested. A writer may lie: in lengths and counts, and inside of packed bytes.

use ferrodis::base::crc::crc64;
use ferrodis::formats::lzf;
use ferrodis::structures::listpack;

/// One way to write a value.
pub(super) struct Form {
    pub(super) name: &'static str,
    number: u8,
    /// The RDB version in the footer, which tells Valkey's numbers from Redis's.
    version: u16,
    write: fn(&mut Writer),
}

const fn form(name: &'static str, number: u8, write: fn(&mut Writer)) -> Form {
    Form { name, number, version: 12, write }
}

/// All of them.
pub(super) const FORMS: &[Form] = &[
    form("string", 0, |w| w.element()),
    form("list", 1, |w| w.many(1)),
    form("set", 2, |w| w.many(1)),
    form("zset", 3, |w| w.repeated(|w| (w.element(), w.score_text()))),
    form("hash", 4, |w| w.many(2)),
    form("zset-2", 5, |w| w.repeated(|w| (w.element(), w.score_binary()))),
    form("hash-zipmap", 9, |w| w.zipmap()),
    form("list-ziplist", 10, |w| w.ziplist(1, Kind::Any)),
    form("set-intset", 11, |w| w.intset()),
    form("zset-ziplist", 12, |w| w.ziplist(2, Kind::Scored)),
    form("hash-ziplist", 13, |w| w.ziplist(2, Kind::Any)),
    form("list-quicklist", 14, |w| w.repeated(|w| w.ziplist(1, Kind::Any))),
    form("stream-1", 15, |w| w.stream(1)),
    form("hash-listpack", 16, |w| w.listpack(2, Kind::Any)),
    form("zset-listpack", 17, |w| w.listpack(2, Kind::Scored)),
    form("list-quicklist-2", 18, |w| w.repeated(Writer::container)),
    form("stream-2", 19, |w| w.stream(2)),
    form("set-listpack", 20, |w| w.listpack(1, Kind::Any)),
    form("stream-3", 21, |w| w.stream(3)),
    form("hash-metadata-pre-ga", 22, |w| w.repeated(|w| (w.deadline(), w.element(), w.element()))),
    form("hash-listpack-ex-pre-ga", 23, |w| w.listpack(3, Kind::Timed)),
    form("hash-metadata", 24, |w| {
        w.fixed(&1_700_000_100_000u64.to_le_bytes());
        w.repeated(|w| (w.deadline(), w.element(), w.element()));
    }),
    form("hash-listpack-ex", 25, |w| {
        w.fixed(&1_700_000_100_000u64.to_le_bytes());
        w.listpack(3, Kind::Timed);
    }),
    Form {
        name: "valkey-hash-2",
        number: 22,
        version: 80,
        write: |w| w.repeated(|w| (w.element(), w.element(), w.deadline_behind())),
    },
];

impl Form {
    /// A payload; one that a correct writer could have written (though a member may come twice) when `lies` is 0, else about one number
    /// or packed buffer in `lies` is wrong.
    pub(super) fn payload(&self, rng: &mut fastrand::Rng, lies: u32) -> Vec<u8> {
        let mut writer = Writer { out: vec![self.number], rng, lies };
        (self.write)(&mut writer);
        writer.out
    }

    /// Appends version and checksum.
    pub(super) fn seal(&self, mut payload: Vec<u8>) -> Vec<u8> {
        payload.extend(self.version.to_le_bytes());
        payload.extend(crc64(0, &payload).to_le_bytes());
        payload
    }
}

/// What packed elements stand for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Any,
    /// Each second one is a score.
    Scored,
    /// Each third one is a deadline, in order, those without behind.
    Timed,
}

struct Writer<'r> {
    out: Vec<u8>,
    rng: &'r mut fastrand::Rng,
    lies: u32,
}

impl Writer<'_> {
    fn lies_now(&mut self) -> bool {
        self.lies > 0 && self.rng.u32(..self.lies) == 0
    }

    fn fixed(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn length(&mut self, length: u64) {
        let length = if self.lies_now() { wrong(self.rng, length) } else { length };
        match length {
            0..64 => self.out.push(length as u8),
            64..16_384 => self.fixed(&(0x4000 | length as u16).to_be_bytes()),
            _ if length <= u64::from(u32::MAX) => {
                self.out.push(0x80);
                self.fixed(&(length as u32).to_be_bytes());
            }
            _ => {
                self.out.push(0x81);
                self.fixed(&length.to_be_bytes());
            }
        }
    }

    fn string(&mut self, bytes: &[u8]) {
        if let Some(packed) = lzf::compress(bytes).filter(|_| bytes.len() > 20 && self.rng.bool()) {
            self.out.push(0xc3);
            self.length(packed.len() as u64);
            self.length(bytes.len() as u64);
            self.fixed(&packed);
            return;
        }
        self.length(bytes.len() as u64);
        self.fixed(bytes);
    }

    /// A string that holds packed bytes.
    fn packed(&mut self, mut bytes: Vec<u8>) {
        if self.lies_now() {
            for _ in 0..self.rng.usize(1..3) {
                mutate(self.rng, &mut bytes);
            }
            // Both ziplists and listpacks begin with their size: a lie behind it is seen only when it is right.
            if self.rng.bool() && bytes.len() >= 4 {
                let size = (bytes.len() as u32).to_le_bytes();
                bytes[..4].copy_from_slice(&size);
            }
        }
        self.string(&bytes);
    }

    fn text(&mut self) -> Vec<u8> {
        match self.rng.u8(..12) {
            0 => Vec::new(),
            1 => self.rng.i64(..).to_string().into_bytes(),
            2 => vec![b'x'; [63, 64, 65, 253, 254, 300, 1100][self.rng.usize(..7)]],
            3 => (0..self.rng.usize(..40)).map(|_| self.rng.u8(..)).collect(),
            4..8 => self.rng.i32(-300..70_000).to_string().into_bytes(),
            _ => format!("e{}", self.rng.u16(..500)).into_bytes(),
        }
    }

    fn element(&mut self) {
        match self.rng.u8(..10) {
            0 => {
                let number = self.rng.u8(..);
                self.fixed(&[0xc0, number]);
            }
            1 => {
                let number = self.rng.u16(..).to_le_bytes();
                self.fixed(&[0xc1, number[0], number[1]]);
            }
            2 => {
                let number = self.rng.u32(..).to_le_bytes();
                self.out.push(0xc2);
                self.fixed(&number);
            }
            _ => {
                let text = self.text();
                self.string(&text);
            }
        }
    }

    fn count(&mut self) -> usize {
        match self.rng.u8(..20) {
            0 => self.rng.usize(..700),
            1..5 => self.rng.usize(..40),
            _ => self.rng.usize(1..6),
        }
    }

    fn repeated<R>(&mut self, mut write: impl FnMut(&mut Self) -> R) {
        let count = self.count();
        self.length(count as u64);
        (0..count).for_each(|_| drop(write(self)));
    }

    fn many(&mut self, each: usize) {
        self.repeated(|w| (0..each).for_each(|_| w.element()));
    }

    fn score(&mut self) -> f64 {
        match self.rng.u8(..12) {
            0 => f64::INFINITY,
            1 => f64::NEG_INFINITY,
            2 => self.rng.f64() * 1e300,
            3 if self.lies > 0 => f64::NAN,
            4 => -0.0,
            _ => f64::from(self.rng.i16(-50..50)) / 4.0,
        }
    }

    fn score_text(&mut self) {
        let score = self.score();
        match score {
            f64::INFINITY => self.out.push(254),
            f64::NEG_INFINITY => self.out.push(255),
            _ if score.is_nan() => self.out.push(253),
            _ => {
                let text = format!("{score:?}");
                self.out.push(text.len() as u8);
                self.fixed(text.as_bytes());
            }
        }
    }

    fn score_binary(&mut self) {
        let score = self.score().to_le_bytes();
        self.fixed(&score);
    }

    fn deadline(&mut self) {
        let deadline = if self.rng.bool() { 0 } else { 1 + self.rng.u64(..5) * 1000 };
        self.length(deadline);
    }

    fn deadline_behind(&mut self) {
        let deadline = if self.rng.bool() { -1 } else { 1_700_000_100_000 + self.rng.i64(..5000) };
        self.fixed(&deadline.to_le_bytes());
    }

    /// Texts for a packed buffer: `each` times as many as elements.
    fn texts(&mut self, each: usize, kind: Kind) -> Vec<Vec<u8>> {
        let count = self.count();
        let mut texts: Vec<Vec<u8>> = (0..count * each).map(|_| self.text()).collect();
        match kind {
            Kind::Any => {}
            Kind::Scored => texts.iter_mut().skip(1).step_by(2).for_each(|text| {
                *text = self.score().to_string().into_bytes();
            }),
            Kind::Timed => {
                let timed = self.rng.usize(..=count);
                texts.iter_mut().skip(2).step_by(3).enumerate().for_each(|(i, text)| {
                    let deadline = if i < timed { 1_700_000_100_000 + i as u64 * 10 } else { 0 };
                    *text = deadline.to_string().into_bytes();
                });
            }
        }
        if kind == Kind::Scored && self.rng.u8(..4) > 0 {
            sort_by_score(&mut texts);
        }
        texts
    }

    fn listpack(&mut self, each: usize, kind: Kind) {
        let mut pack = listpack::new();
        for text in self.texts(each, kind) {
            listpack::push_back(&mut pack, &text[..]);
        }
        self.packed(pack);
    }

    fn ziplist(&mut self, each: usize, kind: Kind) {
        let texts = self.texts(each, kind);
        let (mut list, mut tail, mut before) = (vec![0; 10], 10, 0);
        for text in &texts {
            tail = list.len();
            match before {
                0..254 => list.push(before as u8),
                _ => {
                    list.push(254);
                    list.extend((before as u32).to_le_bytes());
                }
            }
            push_ziplist_entry(&mut list, text);
            before = list.len() - tail;
        }
        list.push(0xff);
        let size = (list.len() as u32).to_le_bytes();
        list[..4].copy_from_slice(&size);
        list[4..8].copy_from_slice(&(tail as u32).to_le_bytes());
        list[8..10].copy_from_slice(&(texts.len() as u16).to_le_bytes());
        self.packed(list);
    }

    fn zipmap(&mut self) {
        let texts = self.texts(2, Kind::Any);
        let mut map = vec![(texts.len() / 2).min(254) as u8];
        for (i, text) in texts.iter().enumerate() {
            match text.len() {
                len @ 0..254 => map.push(len as u8),
                len => {
                    map.push(254);
                    map.extend((len as u32).to_le_bytes());
                }
            }
            let free = if i % 2 == 1 { self.rng.u8(..3) } else { 0 };
            if i % 2 == 1 {
                map.push(free);
            }
            map.extend_from_slice(text);
            map.extend(std::iter::repeat_n(0, usize::from(free)));
        }
        map.push(0xff);
        self.packed(map);
    }

    fn intset(&mut self) {
        let width = [2, 4, 8][self.rng.usize(..3)];
        let bits = width * 8 - 1;
        let mut numbers: Vec<i64> = (0..self.count()).map(|_| self.rng.i64(..) >> (63 - bits as u32)).collect();
        if self.rng.u8(..8) > 0 {
            numbers.sort_unstable();
            numbers.dedup();
        }
        let mut set = [(width as u32).to_le_bytes(), (numbers.len() as u32).to_le_bytes()].concat();
        numbers.iter().for_each(|number| set.extend_from_slice(&number.to_le_bytes()[..width]));
        self.packed(set);
    }

    fn container(&mut self) {
        if self.rng.u8(..4) == 0 {
            self.length(1);
            let text = self.text();
            self.string(&text);
        } else {
            self.length(2);
            self.listpack(1, Kind::Any);
        }
    }

    fn id(&mut self, (ms, seq): (u64, u64)) {
        self.length(ms);
        self.length(seq);
    }

    fn raw_id(&mut self, (ms, seq): (u64, u64)) {
        self.fixed(&ms.to_be_bytes());
        self.fixed(&seq.to_be_bytes());
    }

    fn stream(&mut self, layout: u8) {
        let mut ids = Vec::new();
        let (mut last, mut deleted_max) = ((0, 0), (0, 0));
        let blocks = self.rng.usize(..4);
        self.length(blocks as u64);
        for _ in 0..blocks {
            last = (last.0 + self.rng.u64(1..5), self.rng.u64(..3));
            let (key, from) = ([last.0.to_be_bytes(), last.1.to_be_bytes()].concat(), ids.len());
            let (block, deleted) = self.block(&mut last, &mut ids);
            if let Some(id) = deleted {
                deleted_max = id;
            }
            self.string(&key);
            self.packed(block);
            assert!(from <= ids.len());
        }
        self.length(ids.len() as u64);
        self.id(last);
        if layout >= 2 {
            self.id(ids.first().copied().unwrap_or_default());
            self.id(deleted_max);
            let more = self.rng.u64(1..9);
            self.length(ids.len() as u64 + more);
        }
        let groups = self.rng.usize(..3);
        self.length(groups as u64);
        for group in 0..groups {
            self.string(format!("g{group}").as_bytes());
            self.id(last);
            if layout >= 2 {
                self.length(ids.len() as u64);
            }
            self.group(layout, &ids);
        }
    }

    /// One listpack of entries behind the ID `last`, which goes on; the ID of an entry in it that is deleted.
    fn block(&mut self, last: &mut (u64, u64), ids: &mut Vec<(u64, u64)>) -> (Vec<u8>, Option<(u64, u64)>) {
        let (master, count) = (*last, self.rng.usize(1..6));
        let fields = self.rng.i64(1..4);
        let deleted_index = if self.rng.bool() { None } else { Some(self.rng.usize(..count)) };
        let deleted_count = i64::from(deleted_index.is_some());
        let mut pack = listpack::new();
        listpack::push_back(&mut pack, count as i64 - deleted_count);
        listpack::push_back(&mut pack, deleted_count);
        listpack::push_back(&mut pack, fields);
        for i in 0..fields {
            listpack::push_back(&mut pack, format!("f{i}").as_bytes());
        }
        listpack::push_back(&mut pack, 0);
        let mut deleted = None;
        for i in 0..count {
            if i > 0 {
                *last = (last.0 + self.rng.u64(..2), last.1 + self.rng.u64(1..4));
            }
            let is_deleted = deleted_index == Some(i);
            let same = self.rng.bool();
            listpack::push_back(&mut pack, i64::from(is_deleted) | i64::from(same) << 1);
            listpack::push_back(&mut pack, (last.0 - master.0) as i64);
            listpack::push_back(&mut pack, last.1.wrapping_sub(master.1) as i64);
            let own = if same { fields } else { self.rng.i64(1..4) };
            if !same {
                listpack::push_back(&mut pack, own);
            }
            for _ in 0..own * if same { 1 } else { 2 } {
                let text = self.text();
                listpack::push_back(&mut pack, &text[..]);
            }
            listpack::push_back(&mut pack, if same { own + 3 } else { 2 * own + 4 });
            match is_deleted {
                true => deleted = Some(*last),
                false => ids.push(*last),
            }
        }
        (pack, deleted)
    }

    /// What has been delivered, and to whom.
    fn group(&mut self, layout: u8, ids: &[(u64, u64)]) {
        let pending: Vec<(u64, u64)> = ids.iter().copied().filter(|_| self.rng.bool()).collect();
        self.length(pending.len() as u64);
        for id in &pending {
            self.raw_id(*id);
            self.fixed(&1_700_000_000_000i64.to_le_bytes());
            self.length(1);
        }
        let consumers = if pending.is_empty() { self.rng.usize(..3) } else { self.rng.usize(1..3) };
        self.length(consumers as u64);
        for consumer in 0..consumers {
            self.string(format!("c{consumer}").as_bytes());
            self.fixed(&1_700_000_000_000i64.to_le_bytes());
            if layout >= 3 {
                self.fixed(&1_700_000_000_000i64.to_le_bytes());
            }
            let own: Vec<_> = pending.iter().enumerate().filter(|(i, _)| i % consumers == consumer).collect();
            self.length(own.len() as u64);
            own.into_iter().for_each(|(_, id)| self.raw_id(*id));
        }
    }
}

/// Members and scores by score, as Redis keeps them.
fn sort_by_score(texts: &mut Vec<Vec<u8>>) {
    let number = |text: &[u8]| String::from_utf8_lossy(text).parse::<f64>().unwrap_or(0.0);
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> =
        texts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    pairs.sort_by(|a, b| number(&a.1).total_cmp(&number(&b.1)).then_with(|| a.0.cmp(&b.0)));
    *texts = pairs.into_iter().flat_map(|(member, score)| [member, score]).collect();
}

fn push_ziplist_entry(list: &mut Vec<u8>, text: &[u8]) {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok());
    match number.filter(|number| number.to_string().as_bytes() == text) {
        Some(number @ 0..=12) => list.push(0xf1 + number as u8),
        Some(number) => {
            let (header, width) = match number {
                -128..=127 => (0xfe, 1),
                -32_768..=32_767 => (0xc0, 2),
                -8_388_608..=8_388_607 => (0xf0, 3),
                -2_147_483_648..=2_147_483_647 => (0xd0, 4),
                _ => (0xe0, 8),
            };
            list.push(header);
            list.extend_from_slice(&number.to_le_bytes()[..width]);
        }
        None => {
            match text.len() {
                len @ 0..64 => list.push(len as u8),
                len @ 64..16_384 => list.extend((0x4000 | len as u16).to_be_bytes()),
                len => {
                    list.push(0x80);
                    list.extend((len as u32).to_be_bytes());
                }
            }
            list.extend_from_slice(text);
        }
    }
}

/// A number that is near, or far off.
fn wrong(rng: &mut fastrand::Rng, number: u64) -> u64 {
    match rng.u8(..8) {
        0 => number.wrapping_sub(1),
        1 => number.wrapping_add(1),
        2 => 0,
        3 => u64::MAX - rng.u64(..3),
        4 => 1 << rng.u32(..64),
        5 => (1 << rng.u32(..64)) - 1,
        6 => number * 2,
        _ => rng.u64(..100),
    }
}

/// Changes some bytes: what a bad disk, a cut, or somebody who knows the format would do.
pub(super) fn mutate(rng: &mut fastrand::Rng, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return bytes.push(rng.u8(..));
    }
    let at = rng.usize(..bytes.len());
    match rng.u8(..10) {
        0 => bytes[at] ^= 1 << rng.u8(..8),
        1 => bytes[at] = rng.u8(..),
        2 => bytes[at] = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xf0, 0xfe, 0xff][rng.usize(..10)],
        3 => bytes[at] = bytes[at].wrapping_add([1, 0xff][rng.usize(..2)]),
        4 => bytes.insert(at, rng.u8(..)),
        5 => drop(bytes.remove(at)),
        6 => bytes.truncate(at),
        7 => {
            let end = (at + rng.usize(1..20)).min(bytes.len());
            let piece = bytes[at..end].to_vec();
            let to = rng.usize(..=bytes.len());
            bytes.splice(to..to, piece);
        }
        8 => {
            let end = (at + rng.usize(1..20)).min(bytes.len());
            bytes.drain(at..end);
        }
        _ => {
            let word = wrong(rng, bytes.len() as u64);
            let word = if rng.bool() { word.to_le_bytes() } else { word.to_be_bytes() };
            let end = (at + [2, 4, 8][rng.usize(..3)]).min(bytes.len());
            let len = end - at;
            bytes[at..end].copy_from_slice(&word[..len]);
        }
    }
}
