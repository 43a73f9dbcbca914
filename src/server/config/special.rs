//! Directives with a form of their own: lists, pairs and letters.

use super::Config;
use super::kind::{Line, Origin, Reason, SpecialField, memory_with_unit, one_of, quoted, text_of};
use super::values::{EventClasses, OutputClass, OutputLimit, PrimaryAddress, SaveRule, ShutdownFlags};
use crate::base::number::{parse_i64, parse_memory};

/// Most addresses that `bind` takes, as in Redis.
const BIND_MAX: usize = 16;

pub(crate) const BIND: SpecialField = SpecialField {
    get: |config| config.bind.join(" "),
    set: |config, words, _| set_addresses(&mut config.bind, words),
    lines: |config, defaults| address_lines(&config.bind, &defaults.bind),
};

pub(crate) const METRICS_BIND: SpecialField = SpecialField {
    get: |config| config.metrics_bind.join(" "),
    set: |config, words, _| set_addresses(&mut config.metrics_bind, words),
    lines: |config, defaults| address_lines(&config.metrics_bind, &defaults.metrics_bind),
};

/// Always written, so that a rewritten file works wherever the server is started from.
pub(crate) const DIR: SpecialField = SpecialField {
    get: |config| config.dir.clone(),
    set: |config, words, _| {
        let &[path] = words else { return Err("wrong number of arguments".into()) };
        config.dir = text_of(path)?.to_string();
        Ok(())
    },
    lines: |config, _| vec![Line::new(quoted(config.dir.as_bytes()), true)],
};

pub(crate) const SAVE: SpecialField = SpecialField {
    get: |config| join(config.save.iter().map(|rule| format!("{} {}", rule.seconds, rule.changes))),
    set: set_save,
    lines: |config, defaults| {
        let wanted = config.save != defaults.save;
        if config.save.is_empty() {
            return vec![Line::new("\"\"", wanted)];
        }
        config.save.iter().map(|rule| Line::new(format!("{} {}", rule.seconds, rule.changes), wanted)).collect()
    },
};

pub(crate) const OUTPUT_BUFFER_LIMIT: SpecialField = SpecialField {
    get: |config| {
        let classes = ["normal", "slave", "pubsub"].iter().zip(config.client_output_buffer_limit);
        join(
            classes.map(|(class, limit)| {
                format!("{class} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
            }),
        )
    },
    set: set_output_buffer_limit,
    lines: |config, defaults| {
        let classes = ["normal", "replica", "pubsub"].iter().zip(config.client_output_buffer_limit);
        let line = |((class, limit), default): ((&&str, OutputLimit), OutputLimit)| {
            let [hard, soft] = [limit.hard_bytes, limit.soft_bytes].map(|bytes| memory_with_unit(i128::from(bytes)));
            Line::new(format!("{class} {hard} {soft} {}", limit.soft_seconds), limit != default)
        };
        classes.zip(defaults.client_output_buffer_limit).map(line).collect()
    },
};

pub(crate) const OOM_SCORE_ADJ_VALUES: SpecialField = SpecialField {
    get: |config| join(config.oom_score_adj_values.iter().map(i32::to_string)),
    set: |config, words, _| {
        let &[primary, replica, child] = words else { return Err("wrong number of arguments".into()) };
        let mut values = [0; 3];
        for (value, word) in values.iter_mut().zip([primary, replica, child]) {
            *value = parse_i64(word)
                .filter(|value| (-2000..=2000).contains(value))
                .ok_or("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")?
                as i32;
        }
        config.oom_score_adj_values = values;
        Ok(())
    },
    lines: |config, defaults| {
        let wanted = config.oom_score_adj_values != defaults.oom_score_adj_values;
        vec![Line::new((OOM_SCORE_ADJ_VALUES.get)(config), wanted)]
    },
};

pub(crate) const NOTIFY_KEYSPACE_EVENTS: SpecialField = SpecialField {
    get: |config| config.notify_keyspace_events.to_string(),
    set: |config, words, _| {
        let &[letters] = words else { return Err("wrong number of arguments".into()) };
        config.notify_keyspace_events =
            EventClasses::parse(letters).ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")?;
        Ok(())
    },
    lines: |config, _| {
        let classes = config.notify_keyspace_events;
        vec![Line::new(quoted(classes.to_string().as_bytes()), !classes.is_empty())]
    },
};

pub(crate) const LATENCY_PERCENTILES: SpecialField = SpecialField {
    get: |config| join(config.latency_tracking_info_percentiles.iter().map(|value| print_percentile(*value))),
    set: |config, words, _| {
        let words = if words == [b""] { &[] } else { words };
        let parsed: Result<Vec<f64>, Reason> = words.iter().map(|word| parse_percentile(word)).collect();
        config.latency_tracking_info_percentiles = parsed?;
        Ok(())
    },
    lines: |config, defaults| {
        let text = (LATENCY_PERCENTILES.get)(config);
        let wanted = config.latency_tracking_info_percentiles != defaults.latency_tracking_info_percentiles;
        vec![Line::new(if text.is_empty() { "\"\"".to_string() } else { text }, wanted)]
    },
};

pub(crate) const REPLICA_OF: SpecialField = SpecialField {
    get: |config| {
        config.replicaof.as_ref().map_or(String::new(), |primary| format!("{} {}", primary.host, primary.port))
    },
    set: set_replica_of,
    lines: |config, _| match &config.replicaof {
        Some(primary) => vec![Line::new(format!("{} {}", primary.host, primary.port), true)],
        None => Vec::new(),
    },
};

pub(crate) const SHUTDOWN_ON_SIGINT: SpecialField = SpecialField {
    get: |config| print_shutdown(config.shutdown_on_sigint),
    set: |config, words, _| {
        config.shutdown_on_sigint = parse_shutdown(words)?;
        Ok(())
    },
    lines: |config, _| shutdown_lines(config.shutdown_on_sigint),
};

pub(crate) const SHUTDOWN_ON_SIGTERM: SpecialField = SpecialField {
    get: |config| print_shutdown(config.shutdown_on_sigterm),
    set: |config, words, _| {
        config.shutdown_on_sigterm = parse_shutdown(words)?;
        Ok(())
    },
    lines: |config, _| shutdown_lines(config.shutdown_on_sigterm),
};

fn set_addresses(field: &mut Vec<String>, words: &[&[u8]]) -> Result<(), Reason> {
    if words.len() > BIND_MAX {
        return Err("Too many bind addresses specified.".into());
    }
    let words = if words == [b""] { &[] } else { words };
    *field = words.iter().map(|word| text_of(word).map(str::to_string)).collect::<Result<_, _>>()?;
    Ok(())
}

fn address_lines(addresses: &[String], defaults: &[String]) -> Vec<Line> {
    match addresses {
        _ if addresses == defaults => Vec::new(),
        [] => vec![Line::new("\"\"", true)],
        _ => vec![Line::new(addresses.join(" "), true)],
    }
}

fn set_save(config: &mut Config, words: &[&[u8]], origin: Origin) -> Result<(), Reason> {
    let clears = words == [b""];
    let words = if clears { &[] } else { words };
    let (pairs, []) = words.as_chunks::<2>() else { return Err("Invalid save parameters".into()) };
    let mut rules = Vec::with_capacity(pairs.len());
    for [seconds, changes] in pairs {
        let [seconds, changes] =
            [seconds, changes].map(|word| parse_i64(word).and_then(|value| u64::try_from(value).ok()));
        match (seconds, changes) {
            (Some(seconds @ 1..), Some(changes)) => rules.push(SaveRule { seconds, changes }),
            _ => return Err("Invalid save parameters".into()),
        }
    }
    if clears || origin != Origin::LaterInFile {
        config.save.clear();
    }
    config.save.append(&mut rules);
    Ok(())
}

fn set_output_buffer_limit(config: &mut Config, words: &[&[u8]], _: Origin) -> Result<(), Reason> {
    let (classes, []) = words.as_chunks::<4>() else {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    };
    let mut limits = config.client_output_buffer_limit;
    for [class, hard, soft, seconds] in classes {
        let class = match class.to_ascii_lowercase().as_slice() {
            b"normal" => OutputClass::Normal,
            b"slave" | b"replica" => OutputClass::Replica,
            b"pubsub" => OutputClass::PubSub,
            _ => return Err("Invalid client class specified in buffer limit configuration.".into()),
        };
        let seconds = parse_i64(seconds).and_then(|value| u32::try_from(value).ok());
        let (Some(hard_bytes), Some(soft_bytes), Some(soft_seconds)) =
            (parse_memory(hard), parse_memory(soft), seconds)
        else {
            return Err("Error in hard, soft or soft_seconds setting in buffer limit configuration.".into());
        };
        limits[class as usize] = OutputLimit { hard_bytes, soft_bytes, soft_seconds };
    }
    config.client_output_buffer_limit = limits;
    Ok(())
}

fn set_replica_of(config: &mut Config, words: &[&[u8]], origin: Origin) -> Result<(), Reason> {
    let &[host, port] = words else {
        return match words {
            // What CONFIG GET prints while there is none.
            [] | [b""] if origin == Origin::Live => {
                config.replicaof = None;
                Ok(())
            }
            _ => Err("wrong number of arguments".into()),
        };
    };
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        config.replicaof = None;
        return Ok(());
    }
    let port = parse_i64(port).and_then(|port| u16::try_from(port).ok()).ok_or("Invalid master port")?;
    config.replicaof = Some(PrimaryAddress { host: text_of(host)?.to_string(), port });
    Ok(())
}

fn parse_percentile(word: &[u8]) -> Result<f64, Reason> {
    let value =
        std::str::from_utf8(word).ok().and_then(|text| text.parse::<f64>().ok()).filter(|value| !value.is_nan());
    match value {
        Some(value) if (0.0..=100.0).contains(&value) => Ok(value),
        Some(_) => Err("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".into()),
        None => Err("Invalid latency-tracking-info-percentiles parameters".into()),
    }
}

/// Six decimals at most, without the zeros behind: 99.9, 50.
fn print_percentile(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

fn parse_shutdown(words: &[&[u8]]) -> Result<ShutdownFlags, Reason> {
    const WORDS: [&str; 5] = ["default", "save", "nosave", "now", "force"];
    let mut flags = ShutdownFlags::default();
    for word in words {
        match word.to_ascii_lowercase().as_slice() {
            b"default" => {}
            b"save" => flags.save = true,
            b"nosave" => flags.nosave = true,
            b"now" => flags.now = true,
            b"force" => flags.force = true,
            _ => return Err(one_of(&WORDS)),
        }
    }
    match (words.is_empty(), flags.save && flags.nosave) {
        (true, _) => Err(one_of(&WORDS)),
        (_, true) => Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into()),
        _ => Ok(flags),
    }
}

fn print_shutdown(flags: ShutdownFlags) -> String {
    let words = [("save", flags.save), ("nosave", flags.nosave), ("now", flags.now), ("force", flags.force)];
    let text = join(words.iter().filter(|(_, set)| *set).map(|(word, _)| word.to_string()));
    if text.is_empty() { "default".to_string() } else { text }
}

fn shutdown_lines(flags: ShutdownFlags) -> Vec<Line> {
    vec![Line::new(print_shutdown(flags), flags != ShutdownFlags::default())]
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" ")
}
