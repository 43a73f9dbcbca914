//! Production code on a disk that fails and a clock that the test moves, from a seed.
//!
//! `FERRODIS_SEED=n cargo test --test simulation` replays one run; `FERRODIS_SEEDS=n`, or `SEEDS=n`, makes so many.

mod answers;
mod calls;
mod damage;
mod disk;
mod history;
mod log;
mod model;
mod peer;
mod process;
mod server;

/// The seeds to run: the one asked for, or as many as usual.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    match number("FERRODIS_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("FERRODIS_SEEDS").or_else(|| number("SEEDS")).unwrap_or(usual),
    }
}

/// Runs `run` for each seed; a failure names the seed.
fn for_each_seed(usual: u64, run: impl Fn(u64)) {
    /// Speaks while its thread panics.
    struct Named(u64);
    impl Drop for Named {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("failed with FERRODIS_SEED={}", self.0);
            }
        }
    }
    eprintln!("seeds {:?}; FERRODIS_SEEDS=n runs n of them, FERRODIS_SEED=n that one", seeds(usual));
    for seed in seeds(usual) {
        let named = Named(seed);
        run(seed);
        if seed % 1000 == 999 {
            eprintln!("{} are well", seed + 1);
        }
        drop(named);
    }
}
