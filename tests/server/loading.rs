//! A load that takes long: who waits for it is told how far it has come, by log, INFO and the service manager.

use crate::support::{Client, Server, wait_until};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

const KEYS: usize = 4000;

/// Of so many bytes so many are loaded, as INFO tells while that is so, and the percentage.
fn progress(server: &Server) -> Option<(u64, u64, f64)> {
    let mut client = Client::connect(server.address()).ok()?;
    client.try_send_raw(b"INFO persistence\r\n").ok()?;
    let info = client.try_read_reply().ok()?.text();
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    assert_eq!(field("loading"), Some("1"), "it was to load for a while");
    assert!(field("loading_eta_seconds").is_some(), "{info}");
    let [loaded, total] = ["loading_loaded_bytes", "loading_total_bytes"].map(|name| field(name)?.parse().ok());
    Some((loaded?, total?, field("loading_loaded_perc")?.parse().ok()?))
}

/// Whether a status of the service manager's says that part is loaded, and not all.
fn tells_a_part(status: &str) -> bool {
    let percent = status.strip_prefix("STATUS=Loading the data: ").and_then(|rest| rest.split_once('%'));
    percent.is_some_and(|(number, rest)| {
        (1..100).contains(&number.parse().unwrap_or(0)) && rest.contains("EXTEND_TIMEOUT_USEC=")
    })
}

/// What the service manager is told next; none if that takes a moment.
fn heard(socket: &UnixDatagram) -> Option<String> {
    let mut text = [0; 512];
    let len = socket.recv(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text[..len]).into_owned())
}

#[test]
fn how_far_a_load_has_come_is_told_by_log_info_and_service_manager() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let environment = format!("NOTIFY_SOCKET={}", path.display());
    let arguments = [&environment, env!("CARGO_BIN_EXE_ferrodis"), "--supervised", "systemd", "--appendonly", "yes"];
    let mut server = Server::start_program("env", &arguments).unwrap();
    let value = "v".repeat(1000);
    let calls: Vec<[String; 3]> = (0..KEYS).map(|n| ["SET".into(), format!("key:{n}"), value.clone()]).collect();
    server.client().pipeline(&calls.iter().map(<[String; 3]>::as_slice).collect::<Vec<_>>());
    server.terminate();

    while heard(&socket).is_some() {} // of the first start, and its end
    server.restart_in_part(&[&arguments[..], &["--key-load-delay", "3000"]].concat());
    wait_until("part of it", || progress(&server).is_some_and(|(loaded, _, _)| loaded > 0));
    let (loaded, total, percent) = progress(&server).unwrap();
    assert!(loaded < total && total > (KEYS * 1000) as u64, "{loaded} of {total}");
    assert!((percent - loaded as f64 * 100.0 / total as f64).abs() < 0.01, "{percent} % is {loaded} of {total}");
    wait_until("a status", || heard(&socket).is_some_and(|status| tells_a_part(&status)));
    let told = format!(" of {total} bytes in ");
    wait_until("a line in the log", || {
        server.log().lines().any(|line| line.contains("Loading: ") && line.contains(&told))
    });
    server.kill();
}
