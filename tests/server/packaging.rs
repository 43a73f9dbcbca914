//! What packagers take: the systemd unit.

use std::path::Path;
use std::process::Command;

/// A copy of the unit that starts the binary under test, in a directory of its own.
fn unit(directory: &Path) -> String {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy/ferrodis.service")).unwrap();
    let path = directory.join("ferrodis.service");
    std::fs::write(&path, text.replace("/usr/local/bin/ferrodis", env!("CARGO_BIN_EXE_ferrodis"))).unwrap();
    path.display().to_string()
}

/// Runs `systemd-analyze`; None, said aloud, where it is not installed (in CI it has to be).
fn analyze(arguments: &[&str]) -> Option<(bool, String)> {
    match Command::new("systemd-analyze").args(arguments).output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
        }
        Err(e) => {
            assert!(std::env::var_os("CI").is_none(), "systemd-analyze is needed in CI: {e}");
            eprintln!("left out: systemd-analyze cannot be run: {e}");
            None
        }
    }
}

#[test]
fn the_unit_is_valid_and_its_exposure_is_at_most_two() {
    let directory = tempfile::tempdir().unwrap();
    let unit = unit(directory.path());
    if let Some((is_valid, said)) = analyze(&["verify", &unit]) {
        assert!(is_valid && !said.contains("ferrodis.service:"), "{said}");
    }
    if let Some((is_safe, said)) = analyze(&["security", "--offline=true", "--no-pager", "--threshold=20", &unit]) {
        assert!(is_safe, "{said}");
    }
}
