//! Protocol versions and cipher suites, by the names that OpenSSL and so `tls-protocols`, `tls-ciphers` and `tls-ciphersuites` have
//! for them.

use rustls::crypto::ring::cipher_suite as ring;
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

/// TLS 1.2: the name in a list of ciphers, in the order of preference.
const OLD: [(&str, SupportedCipherSuite); 6] = [
    ("ECDHE-ECDSA-AES256-GCM-SHA384", ring::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", ring::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", ring::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("ECDHE-RSA-AES256-GCM-SHA384", ring::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-RSA-AES128-GCM-SHA256", ring::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-RSA-CHACHA20-POLY1305", ring::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
];

/// TLS 1.3.
const NEW: [(&str, SupportedCipherSuite); 3] = [
    ("TLS_AES_256_GCM_SHA384", ring::TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", ring::TLS13_AES_128_GCM_SHA256),
    ("TLS_CHACHA20_POLY1305_SHA256", ring::TLS13_CHACHA20_POLY1305_SHA256),
];

/// Words of a list of ciphers that stand for all that there are: whatever is weaker is not among them.
const ALL: [&str; 6] = ["ALL", "DEFAULT", "HIGH", "ECDHE", "EECDH", "AESGCM"];

/// The versions that `tls-protocols` names; none: those that are safe.
///
/// # Errors
/// A word that names no version, or none that there is.
pub(super) fn versions(list: &str) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    if list.is_empty() {
        return Ok(vec![&TLS13, &TLS12]);
    }
    let mut versions = Vec::new();
    for word in list.split_whitespace() {
        match word.to_ascii_lowercase().as_str() {
            "tlsv1.3" => versions.push(&TLS13),
            "tlsv1.2" => versions.push(&TLS12),
            "tlsv1" | "tlsv1.1" => log::warn!("{word} is not safe and not offered"),
            _ => {
                return Err(format!(
                    "Invalid tls-protocols specified: '{word}'. Use a combination of TLSv1.2, TLSv1.3"
                ));
            }
        }
    }
    if versions.is_empty() {
        return Err("No protocol of tls-protocols is available: offer TLSv1.2 or TLSv1.3".into());
    }
    Ok(versions)
}

/// The suites that `tls-ciphers` (TLS 1.2) and `tls-ciphersuites` (TLS 1.3) leave.
///
/// # Errors
/// A list that leaves none, or that names a suite of TLS 1.3 which there is not.
pub(super) fn suites(ciphers: &str, ciphersuites: &str) -> Result<Vec<SupportedCipherSuite>, String> {
    let mut chosen = new_suites(ciphersuites)?;
    chosen.extend(old_suites(ciphers)?);
    Ok(chosen)
}

fn new_suites(list: &str) -> Result<Vec<SupportedCipherSuite>, String> {
    if list.is_empty() {
        return Ok(NEW.iter().map(|(_, suite)| *suite).collect());
    }
    list.split(':').map(|word| named(&NEW, word).ok_or_else(|| no_match("tls-ciphersuites", word))).collect()
}

/// OpenSSL's notation: names in the order of preference, words for all, `!NAME` and `-NAME` for those that must not be. Other words
/// name what is not there, and choose nothing.
fn old_suites(list: &str) -> Result<Vec<SupportedCipherSuite>, String> {
    let words = || list.split([':', ',', ' ', ';']).filter(|word| !word.is_empty());
    let mut chosen: Vec<SupportedCipherSuite> = Vec::new();
    let mut add = |suite: SupportedCipherSuite| {
        if !chosen.contains(&suite) {
            chosen.push(suite);
        }
    };
    if list.is_empty() {
        OLD.iter().for_each(|(_, suite)| add(*suite));
    }
    for word in words().filter(|word| !word.starts_with(['!', '-'])) {
        match named(&OLD, word) {
            Some(suite) => add(suite),
            None if ALL.iter().any(|all| all.eq_ignore_ascii_case(word)) => {
                OLD.iter().for_each(|(_, suite)| add(*suite))
            }
            None => log::debug!("tls-ciphers: nothing here is called '{word}'"),
        }
    }
    for word in words().filter_map(|word| word.strip_prefix(['!', '-'])) {
        let unwanted = named(&OLD, word);
        chosen.retain(|suite| Some(*suite) != unwanted);
    }
    if chosen.is_empty() { Err(no_match("tls-ciphers", list)) } else { Ok(chosen) }
}

fn named(table: &[(&str, SupportedCipherSuite)], word: &str) -> Option<SupportedCipherSuite> {
    table.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, suite)| *suite)
}

fn no_match(directive: &str, list: &str) -> String {
    format!("Failed to configure {directive}: no cipher match for '{list}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_by_name() {
        let names =
            |list| versions(list).map(|found| found.iter().map(|v| format!("{:?}", v.version)).collect::<Vec<_>>());
        assert_eq!(names("").unwrap(), ["TLSv1_3", "TLSv1_2"]);
        assert_eq!(names("TLSv1.2").unwrap(), ["TLSv1_2"]);
        assert_eq!(names("TLSv1.1 tlsv1.3").unwrap(), ["TLSv1_3"]);
        assert!(names("TLSv1.1").is_err());
        assert!(names("SSLv3").unwrap_err().contains("'SSLv3'"));
    }

    #[test]
    fn suites_by_the_words_of_openssl() {
        let count = |ciphers, suites_of_13| suites(ciphers, suites_of_13).map(|found| found.len());
        assert_eq!(count("", "").unwrap(), 9);
        assert_eq!(count("DEFAULT:!MEDIUM", "").unwrap(), 9);
        assert_eq!(count("HIGH:!ECDHE-RSA-CHACHA20-POLY1305", "TLS_AES_128_GCM_SHA256").unwrap(), 6);
        assert_eq!(count("AES256-SHA:ECDHE-RSA-AES128-GCM-SHA256", "").unwrap(), 4);
        assert_eq!(
            count("AES256-SHA", "").unwrap_err(),
            "Failed to configure tls-ciphers: no cipher match for 'AES256-SHA'"
        );
        assert!(count("", "TLS_FOO").is_err());
        let order = suites("ECDHE-RSA-CHACHA20-POLY1305:ALL", "").unwrap();
        assert_eq!(order[3].suite(), rustls::CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256);
    }
}
