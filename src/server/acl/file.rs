//! ACL files: a line for each user, `user`, its name and its rules with single blanks between. All of a file counts, or nothing.

use super::rules::{RuleError, Terms};
use super::user::{BadRule, User};
use crate::base::quote::is_space;

/// Behind the errors of a file.
const UNCHANGED: &str = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

/// The content of the file that makes these users.
pub fn print<'a>(users: impl Iterator<Item = &'a User>) -> Vec<u8> {
    users.flat_map(|user| [user.line(), b"\n".to_vec()].concat()).collect()
}

/// Reads a file's users. `path` is for the errors.
///
/// # Errors
/// All errors with their lines, as ACL LOAD answers them.
pub fn parse(text: &[u8], path: &str, terms: &Terms<'_>) -> Result<Vec<User>, String> {
    let (mut users, mut errors): (Vec<User>, _) = (Vec::new(), String::new());
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        match parse_line(line, &users, &Place { path, line: index + 1 }, terms) {
            Ok(user) => users.push(user),
            Err(error) => errors.push_str(&error),
        }
    }
    if errors.is_empty() { Ok(users) } else { Err(errors + UNCHANGED) }
}

struct Place<'a> {
    path: &'a str,
    line: usize,
}

fn parse_line(line: &[u8], before: &[User], place: &Place<'_>, terms: &Terms<'_>) -> Result<User, String> {
    let Place { path, line: number } = place;
    let mut words = line.split(|&byte| byte == b' ');
    let (Some(b"user"), Some(name)) = (words.next(), words.next()) else {
        return Err(format!("{path}:{number} should start with user keyword followed by the username. "));
    };
    let shown = String::from_utf8_lossy(name);
    if !is_name(name) {
        return Err(format!("'{path}:{number}: username '{shown}' contains invalid characters. "));
    }
    if before.iter().any(|user| *user.name == *name) {
        return Err(format!("WARNING: Duplicate user '{shown}' found on line {number}. "));
    }
    let mut user = User::new(name, terms.channels);
    let rules = words.map(|word| word.trim_ascii());
    user.apply_all(rules, terms).map_err(|bad| format!("{path}:{number}: {}. ", explain(&bad)))?;
    Ok(user)
}

/// Whether a user may have this name.
pub fn is_name(name: &[u8]) -> bool {
    !name.iter().any(|&byte| is_space(byte) || byte == 0)
}

/// What is wrong with a rule of a file. A rule is shown only where it can be no password.
pub fn explain(bad: &BadRule) -> String {
    match bad {
        BadRule::Unmatched(_) => "Unmatched parenthesis in selector definition".into(),
        BadRule::Refused { rule, error: RuleError::Unknown } => {
            let rule = String::from_utf8_lossy(rule);
            format!("Error in applying operation '{rule}': {}", RuleError::Unknown)
        }
        BadRule::Refused { error, .. } => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::sample;
    use super::*;
    use crate::server::config::AclPubsubDefault;

    fn read(text: &str) -> Result<Vec<User>, String> {
        let catalogue = sample();
        let terms = Terms { catalogue: &catalogue, channels: AclPubsubDefault::ResetChannels };
        parse(text.as_bytes(), "users.acl", &terms)
    }

    #[test]
    fn users_are_read_as_they_are_printed() {
        let text = "user alice on nopass sanitize-payload ~a\"b resetchannels -@all +get (~c resetchannels -@all +set)\n\
                    user b\u{e9} off sanitize-payload resetchannels -@all\n";
        let users = read(text).unwrap();
        assert_eq!(String::from_utf8(print(users.iter())).unwrap(), text);
        assert_eq!(read("\n  \r\nuser a\tb on\n").unwrap_err().matches("'users.acl:3").count(), 1);
        assert_eq!(read(" user a  on \t( +get ) \r\n\n").unwrap().len(), 1);
    }

    #[test]
    fn every_bad_line_is_told() {
        let text = "alice on\nuser\nuser a on >secret zz +nope\nuser b +nope\nuser b (on\nuser b\nuser b on\nuser c";
        assert_eq!(
            read(text).unwrap_err(),
            "users.acl:1 should start with user keyword followed by the username. \
             users.acl:2 should start with user keyword followed by the username. \
             users.acl:3: Syntax error. \
             users.acl:4: Error in applying operation '+nope': Unknown command or category name in ACL. \
             users.acl:5: Unmatched parenthesis in selector definition. \
             WARNING: Duplicate user 'b' found on line 7. \
             WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
        );
    }
}
