//! Start and end: exit codes, and what is said.

use crate::support::{Server, wait_until};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

#[test]
fn sigterm_and_shutdown_end_it_with_code_0_and_nothing_lost() {
    for end in ["TERM", "INT", "SHUTDOWN", "SHUTDOWN NOSAVE"] {
        let mut server = Server::start(&["--appendonly", "yes"]);
        assert_eq!(server.client().run("SET key value"), "OK");
        match end {
            "TERM" | "INT" => server.signal(end),
            call => assert_eq!(server.client().run_to_end(call), b""),
        }
        assert_eq!(server.wait_for_exit().code(), Some(0), "{end}");
        server.restart();
        assert_eq!(server.client().run("GET key"), "value", "{end}");
    }
}

#[test]
fn calls_behind_shutdown_are_not_answered() {
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut client = server.client();
    client.send_raw(b"SET a 1\r\nSHUTDOWN\r\nSET b 2\r\n");
    assert_eq!(client.read_to_end(), b"+OK\r\n");
    assert_eq!(server.wait_for_exit().code(), Some(0));
    server.restart();
    assert_eq!(server.client().run("GET a"), "1");
    assert!(server.client().run("GET b").is_nil());
}

#[test]
fn shutdown_saves_where_save_rules_ask_for_it() {
    let mut server = Server::start(&["--save", "3600 1"]);
    server.client().run("SET key value");
    server.terminate();
    server.restart();
    assert_eq!(server.client().run("GET key"), "value");
    assert_eq!(server.client().run("DEL key"), 1);
    assert_eq!(server.client().run_to_end("SHUTDOWN NOSAVE"), b"");
    server.wait_for_exit();
    server.restart();
    assert_eq!(server.client().run("GET key"), "value", "nosave left the file as it was");
}

#[test]
fn a_port_in_use_is_told_with_code_1() {
    let server = Server::start(&[]);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ferrodis"))
        .args(["--port", &server.port().to_string(), "--dir", &server.directory().display().to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&server.port().to_string()) && said.contains("in use"), "{said}");
}

#[test]
fn a_file_in_the_place_of_the_unix_socket_was_removed() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("precious");
    std::fs::write(&path, "kept").unwrap();
    let shown = path.display().to_string();
    let trouble = Server::try_start(&["--unixsocket", &shown]).err().expect("it cannot start");
    assert!(trouble.contains(&format!("Failed opening Unix socket {shown}: Address already in use")), "{trouble}");
    assert_eq!(std::fs::read(&path).unwrap(), b"kept");
}

#[test]
fn a_metrics_port_in_use_was_told_as_the_clients_port() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().port();
    let trouble = Server::try_start(&["--metrics-port", &taken.to_string()]).err().expect("it cannot start");
    assert!(trouble.contains(&format!("Failed listening on port {taken} (metrics), aborting.")), "{trouble}");
}

#[test]
fn a_configuration_that_cannot_be_read_again_was_called_fatal() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("ferrodis.conf");
    std::fs::write(&file, "hz 20\n").unwrap();
    let server = Server::start(&[&file.display().to_string()]);
    std::fs::write(&file, "hz 20\nmaxmemry 1gb\n").unwrap();
    server.signal("HUP");
    let told = "ferrodis.conf:2:1: error: Bad directive or wrong number of arguments; did you mean 'maxmemory'?\n";
    wait_until("the word of it", || server.log().contains("The configuration stays as it is: "));
    assert!(server.log().contains(told) && !server.log().contains("FATAL"), "{}", server.log());
    assert_eq!(server.client().run("PING"), "PONG");
}

#[test]
fn directories_that_cannot_be_used_are_named() {
    for (arguments, named) in [
        (["--dir", "/no/such/directory", "--port", "0"], "/no/such/directory"),
        (["--dir", "/proc", "--appendonly", "yes"], "/proc/appendonlydir"),
        (["--logfile", "/no/such/log", "--port", "0"], "the log file '/no/such/log'"),
        (["--dir", "/", "--dbfilename", "tmp"], "the RDB file /tmp: Is a directory\n"),
    ] {
        let trouble = Server::try_start(&arguments).err().expect("it cannot start");
        assert!(trouble.contains(named) && trouble.contains("exit status: 1"), "{trouble}");
    }
}

#[test]
fn the_metrics_port_opens_moves_and_closes_while_the_server_runs() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let serves = |address| get(address, "/healthz").contains(" 200 ");
    let (first, second) = (free(), free());
    assert_eq!(client.run(&format!("CONFIG SET metrics-port {}", first.port())), "OK");
    assert!(serves(first));
    assert_eq!(client.run(&format!("CONFIG SET metrics-port {}", second.port())), "OK");
    assert!(serves(second) && !serves(first));
    let taken = client.run(&format!("CONFIG SET metrics-port {}", server.port())).text();
    assert!(taken.starts_with("ERR CONFIG SET failed (possibly related to argument 'metrics-port')"), "{taken}");
    assert!(serves(second));
    assert_eq!(client.run("CONFIG SET metrics-port 0"), "OK");
    assert!(!serves(second));
}

#[test]
fn metrics_wait_for_the_disk_under_always_and_come() {
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let port = metrics.port().to_string();
    let server = Server::start(&["--appendonly", "yes", "--appendfsync", "always", "--metrics-port", &port]);
    let mut client = server.client();
    for n in 1..=20 {
        client.send(&["SET", &format!("key:{n}"), "value"]);
        assert!(get(metrics, "/metrics").contains(" 200 "));
        assert_eq!(client.read_reply(), "OK");
    }
}

/// What the metrics port answers; empty when it is not there.
fn get(address: SocketAddr, path: &str) -> String {
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(address) {
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
        stream.read_to_string(&mut answer).unwrap();
    }
    answer
}
