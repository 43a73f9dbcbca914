//! INFO modules: there are none.

use super::Statistic;

pub(super) const ROWS: &[Statistic] = &[];
