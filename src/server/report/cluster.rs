//! INFO cluster: this is none.

use super::Statistic;

pub(super) const ROWS: &[Statistic] = &[Statistic::zero("cluster_enabled")];
