//! Which elements of a sorted set are meant: by score, or by the order of members.

use std::cmp::Ordering;

/// One end of a range of scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreBound {
    /// The score; never NaN.
    pub score: f64,
    /// Whether the score itself is outside.
    pub is_exclusive: bool,
}

/// Scores from one bound up to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreRange {
    /// The lower end.
    pub min: ScoreBound,
    /// The upper end.
    pub max: ScoreBound,
}

impl ScoreRange {
    /// From `min` on, and below `max`.
    pub fn half_open(min: f64, max: f64) -> ScoreRange {
        let min = ScoreBound { score: min, is_exclusive: false };
        ScoreRange { min, max: ScoreBound { score: max, is_exclusive: true } }
    }

    /// Whether a score is before the range.
    #[inline]
    pub fn is_above(&self, score: f64) -> bool {
        if self.min.is_exclusive { score <= self.min.score } else { score < self.min.score }
    }

    /// Whether a score is not behind the range.
    #[inline]
    pub fn reaches(&self, score: f64) -> bool {
        if self.max.is_exclusive { score < self.max.score } else { score <= self.max.score }
    }

    /// Whether no score can be in it.
    pub fn is_empty(&self) -> bool {
        let (min, max) = (self.min, self.max);
        min.score > max.score || (min.score == max.score && (min.is_exclusive || max.is_exclusive))
    }
}

/// One end of a range of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// Before all members: `-`.
    Lowest,
    /// This member, which is inside: `[member`.
    Inclusive(&'a [u8]),
    /// This member, which is outside: `(member`.
    Exclusive(&'a [u8]),
    /// Behind all members: `+`.
    Highest,
}

impl LexBound<'_> {
    fn cmp(self, other: LexBound<'_>) -> Ordering {
        use LexBound::{Exclusive, Highest, Inclusive, Lowest};
        match (self, other) {
            (Lowest, Lowest) | (Highest, Highest) => Ordering::Equal,
            (Lowest, _) | (_, Highest) => Ordering::Less,
            (Highest, _) | (_, Lowest) => Ordering::Greater,
            (Inclusive(a) | Exclusive(a), Inclusive(b) | Exclusive(b)) => a.cmp(b),
        }
    }
}

/// Members from one bound up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// The lower end.
    pub min: LexBound<'a>,
    /// The upper end.
    pub max: LexBound<'a>,
}

impl LexRange<'_> {
    /// Whether a member is before the range.
    #[inline]
    pub fn is_above(&self, member: &[u8]) -> bool {
        match self.min {
            LexBound::Lowest => false,
            LexBound::Inclusive(min) => member < min,
            LexBound::Exclusive(min) => member <= min,
            LexBound::Highest => true,
        }
    }

    /// Whether a member is not behind the range.
    #[inline]
    pub fn reaches(&self, member: &[u8]) -> bool {
        match self.max {
            LexBound::Lowest => false,
            LexBound::Inclusive(max) => member <= max,
            LexBound::Exclusive(max) => member < max,
            LexBound::Highest => true,
        }
    }

    /// Whether no member can be in it.
    pub fn is_empty(&self) -> bool {
        let is_open = |bound| !matches!(bound, LexBound::Inclusive(_));
        match self.min.cmp(self.max) {
            Ordering::Less => false,
            Ordering::Equal => is_open(self.min) || is_open(self.max),
            Ordering::Greater => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_before_within_or_behind() {
        let range = |min, min_out, max, max_out| ScoreRange {
            min: ScoreBound { score: min, is_exclusive: min_out },
            max: ScoreBound { score: max, is_exclusive: max_out },
        };
        let closed = range(1.0, false, 2.0, false);
        assert!(closed.is_above(0.9) && !closed.is_above(1.0) && closed.reaches(2.0) && !closed.reaches(2.1));
        let open = range(1.0, true, 2.0, true);
        assert!(open.is_above(1.0) && !open.is_above(1.1) && open.reaches(1.9) && !open.reaches(2.0));
        assert!(!range(1.0, false, 1.0, false).is_empty());
        assert!(range(1.0, true, 1.0, false).is_empty() && range(2.0, false, 1.0, false).is_empty());
    }

    #[test]
    fn members_are_before_within_or_behind() {
        let range = LexRange { min: LexBound::Exclusive(b"b"), max: LexBound::Inclusive(b"d") };
        assert!(range.is_above(b"b") && !range.is_above(b"ba") && range.reaches(b"d") && !range.reaches(b"da"));
        assert!(!range.is_empty());
        let all = LexRange { min: LexBound::Lowest, max: LexBound::Highest };
        assert!(!all.is_above(b"") && all.reaches(b"\xff") && !all.is_empty());
        assert!(LexRange { min: LexBound::Highest, max: LexBound::Lowest }.is_empty());
        assert!(LexRange { min: LexBound::Lowest, max: LexBound::Lowest }.is_empty());
        assert!(LexRange { min: LexBound::Exclusive(b"a"), max: LexBound::Inclusive(b"a") }.is_empty());
        assert!(!LexRange { min: LexBound::Inclusive(b"a"), max: LexBound::Inclusive(b"a") }.is_empty());
    }
}
