//! HyperLogLogs byte for byte: after the same random calls both servers hold the same strings, and count the same.

use crate::support::{Reference, Server};

#[test]
fn the_same_elements_leave_the_same_bytes() {
    let Some(theirs) = Reference::start(&[]) else { return };
    let ours = Server::start(&[]);
    let (mut a, mut b) = (ours.client(), theirs.client());
    let seed = std::env::var("FERRODIS_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let mut rng = fastrand::Rng::with_seed(seed);
    for round in 0..60 {
        let sparse_max = [3000, 3000, 15_000, 40, 0][round % 5];
        let most = [3u64, 30, 300, 3000][round % 4];
        let mut calls = vec![vec!["FLUSHALL".to_string()]];
        calls.push(["CONFIG", "SET", "hll-sparse-max-bytes"].map(String::from).to_vec());
        calls[1].push(sparse_max.to_string());
        for _ in 0..60 {
            let mut key = || format!("h{}", rng.u8(..4));
            let (first, second, third) = (key(), key(), key());
            let call = match rng.u8(..12) {
                0..6 => {
                    let elements = (0..rng.u64(..most)).map(|_| format!("e{}", rng.u64(..most * 20)));
                    ["PFADD".into(), first].into_iter().chain(elements).collect()
                }
                6 | 7 => vec!["PFCOUNT".into(), first],
                8 => vec!["PFCOUNT".into(), first, second, third],
                9 => vec!["PFMERGE".into(), first],
                10 => vec!["PFMERGE".into(), first, second, third],
                _ => vec!["PFDEBUG".into(), ["ENCODING", "DECODE", "TODENSE", "GETREG"][rng.usize(..4)].into(), first],
            };
            calls.push(call);
            calls.extend((0..4).map(|i| vec!["GET".into(), format!("h{i}")]));
        }
        for call in calls {
            let shown = || call.join(" ").chars().take(200).collect::<String>();
            assert!(a.call_raw(&call) == b.call_raw(&call), "FERRODIS_SEED={seed}, round {round}: {}", shown());
        }
    }
}

/// Registers that no hash leads to, and runs of all kinds, are counted as there.
#[test]
fn any_bytes_are_counted_alike() {
    let Some(theirs) = Reference::start(&[]) else { return };
    let ours = Server::start(&[]);
    let (mut a, mut b) = (ours.client(), theirs.client());
    let mut rng = fastrand::Rng::with_seed(3);
    for round in 0..300 {
        let mut value = b"HYLL\0\0\0\0\0\0\0\0\0\0\0\x80".to_vec();
        match round % 3 {
            0 => {
                let (low, high) = (rng.u8(..), rng.u8(..));
                value.extend((0..12_288).map(|_| rng.u8(..) & low | high));
            }
            1 => value.extend(std::iter::repeat_n([0, 0x3f, 0xff, 0x80][round / 3 % 4], 12_288)),
            _ => {
                value[4] = 1;
                value.extend((0..rng.usize(..1500)).map(|_| rng.u8(..)));
            }
        }
        for key in ["k", "l"] {
            for client in [&mut a, &mut b] {
                client.call_raw(&[b"SET".as_slice(), key.as_bytes(), &value]);
            }
        }
        for line in ["PFCOUNT k k", "PFCOUNT k", "PFMERGE d k l", "PFCOUNT d", "GET d", "PFDEBUG GETREG k"] {
            let call: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            assert!(a.call_raw(&call) == b.call_raw(&call), "round {round}: {line}");
        }
    }
}
