//! Each structure against the dumbest correct model of it, by random operations.
//!
//! Every run draws a new seed and prints it; `FERRODIS_SEED=n cargo test --test model` replays one.

mod database;
mod hyperloglog;
mod list;
mod hash;
mod listpack;
mod lru_list;
mod ranked_tree;
mod set;
mod sorted_set;
mod stream;
mod timer_wheel;
mod walk;

/// The generator of a test, from the seed that was asked for or a new one, which is printed.
fn random() -> fastrand::Rng {
    let seed = match std::env::var("FERRODIS_SEED") {
        Ok(text) => text.parse().expect("FERRODIS_SEED is a decimal u64"),
        Err(_) => fastrand::u64(..),
    };
    println!("FERRODIS_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}
