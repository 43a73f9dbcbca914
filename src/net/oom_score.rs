//! `oom-score-adj`: how gladly the kernel ends this process when memory runs out, as far as the configuration has a say.

use super::config_files::plain;
use crate::server::config::{Config, OomScoreAdj};
use std::{fs, io};

/// The directives that say it.
pub(super) const SCORE_DIRECTIVES: [&str; 2] = ["oom-score-adj", "oom-score-adj-values"];
const FILE: &str = "/proc/self/oom_score_adj";
/// What the kernel takes.
const LEAST: i32 = -1000;
const MOST: i32 = 1000;

/// The score as it was before the configuration had a say.
#[derive(Debug, Default)]
pub(super) struct OomScore {
    before: Option<i32>,
}

impl OomScore {
    /// Puts the configuration's score in force; when it has none, the one from before comes back.
    pub(super) fn follow(&mut self, config: &Config) -> io::Result<()> {
        let result = self.try_follow(config);
        if let Err(e) = &result {
            log::warn!("Unable to write oom_score_adj: {}", plain(e));
        }
        result
    }

    fn try_follow(&mut self, config: &Config) -> io::Result<()> {
        let own = config.oom_score_adj_values[0]; // the primary's: nobody is a replica, and there is no child
        let score = match (config.oom_score_adj, self.before) {
            (OomScoreAdj::No, None) => return Ok(()),
            (OomScoreAdj::No, Some(before)) => before,
            (OomScoreAdj::Relative, _) => self.before()? + own,
            (OomScoreAdj::Absolute, _) => {
                self.before()?;
                own
            }
        };
        fs::write(FILE, format!("{}\n", score.clamp(LEAST, MOST)))?;
        if config.oom_score_adj == OomScoreAdj::No {
            self.before = None;
        }
        Ok(())
    }

    fn before(&mut self) -> io::Result<i32> {
        match self.before {
            Some(score) => Ok(score),
            None => {
                let text = fs::read_to_string(FILE)?;
                let score = text.trim().parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
                Ok(*self.before.insert(score))
            }
        }
    }
}
