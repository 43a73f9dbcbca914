//! Floor: commands.

pub mod syntax;
