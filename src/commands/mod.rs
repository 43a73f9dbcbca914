//! Floor: commands.
