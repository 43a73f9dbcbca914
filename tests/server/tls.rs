//! TLS, with the clients that people have: `redis-cli --tls` and `openssl s_client`.

use crate::support::{Certificates, Server, wait_until};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs a tool to its end with some input; what it writes, and whether it says that all went well.
#[track_caller]
fn run(tool: &str, arguments: &[&str], input: &[u8], directory: &Path) -> (bool, Vec<u8>) {
    let mut child = Command::new(tool)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{tool} cannot be run: {e}"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    (output.status.success(), [output.stdout, output.stderr].concat())
}

/// Whether `redis-cli` is here. Where it is not, says so; but CI must have it.
fn has_cli() -> bool {
    let run = Command::new("redis-cli").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_there = run.is_ok_and(|status| status.success());
    assert!(is_there || std::env::var_os("CI").is_none(), "CI must have redis-cli");
    if !is_there {
        eprintln!("left out: redis-cli cannot be run");
    }
    is_there
}

/// A server with an authority, a certificate of its own and one for a client, and a port for TLS.
struct Encrypted {
    server: Server,
    port: u16,
    files: Certificates,
}

impl Encrypted {
    /// `None` where the tools are missing.
    fn start(settings: &[(&str, &str)]) -> Option<Encrypted> {
        if !has_cli() {
            return None;
        }
        let files = Certificates::make(&["first", "second", "client"])?;
        files.openssl("pkcs8 -topk8 -in first.key -out locked.key -passout pass:sesame");
        let place = files.path("").display().to_string();
        let settings: Vec<(String, String)> =
            settings.iter().map(|(name, value)| (format!("--{name}"), value.replace("FILES", &place))).collect();
        let arguments: Vec<&str> = settings.iter().flat_map(|(name, value)| [name.as_str(), value]).collect();
        let (server, port) = files.start_server("first", &arguments);
        Some(Encrypted { server, port, files })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path(name)
    }

    /// What `redis-cli` prints of a call, with the client's certificate.
    fn cli(&self, words: &[&str], input: &[u8]) -> Vec<u8> {
        let port = self.port.to_string();
        let with = ["-p", &port, "--tls", "--cacert", "ca.crt", "--cert", "client.crt", "--key", "client.key"];
        run("redis-cli", &[&with, words].concat(), input, self.files.directory()).1
    }

    /// What `openssl s_client` says when it sends some input, with these options.
    fn openssl(&self, options: &[&str], input: &[u8]) -> String {
        let address = format!("127.0.0.1:{}", self.port);
        let with = ["s_client", "-connect", &address, "-CAfile", "ca.crt"];
        let (_, said) = run("openssl", &[&with, options].concat(), input, self.files.directory());
        String::from_utf8_lossy(&said).into_owned()
    }

    /// The name in the certificate that the server shows.
    fn shown_name(&self) -> &'static str {
        let said = self.openssl(&["-cert", "client.crt", "-key", "client.key"], b"QUIT\r\n");
        ["first", "second"].into_iter().find(|name| said.contains(&format!("s:CN = {name}"))).unwrap_or("none")
    }
}

const WITH_CERTIFICATE: [&str; 5] = ["-quiet", "-cert", "client.crt", "-key", "client.key"];
const PONG: &str = "+PONG";
/// A call, and one that has the server end the connection.
const PING: &[u8] = b"PING\r\nQUIT\r\n";

#[test]
fn calls_go_both_ways_whatever_their_size() {
    let Some(encrypted) = Encrypted::start(&[]) else { return };
    assert_eq!(encrypted.cli(&["PING"], b""), b"PONG\n");
    let value: Vec<u8> = (0..3_000_000u32).map(|i| b'a' + (i % 23) as u8).collect();
    assert_eq!(encrypted.cli(&["-x", "SET", "key"], &value), b"OK\n");
    assert_eq!(encrypted.server.client().run("STRLEN key"), 3_000_000);
    assert_eq!(encrypted.cli(&["GET", "key"], b""), [&value[..], b"\n"].concat());
    let calls = b"INCR n\r\n".repeat(50_000);
    let said = encrypted.openssl(&WITH_CERTIFICATE, &[&calls[..], b"QUIT\r\n"].concat());
    assert!(said.contains("\n:50000\r\n+OK"), "{}", &said[said.len().saturating_sub(300)..]);
    let info = encrypted.server.client().run("INFO server").text().to_string();
    assert!(info.contains(&format!("listener1:name=tls,bind=127.0.0.1,port={}", encrypted.port)), "{info}");
}

#[test]
fn who_must_show_a_certificate() {
    let Some(encrypted) = Encrypted::start(&[]) else { return };
    assert!(!encrypted.openssl(&["-quiet"], PING).contains(PONG), "yes: nobody without");
    assert!(encrypted.openssl(&WITH_CERTIFICATE, PING).contains(PONG));
    let mut plain = encrypted.server.client();
    for choice in ["optional", "no"] {
        assert_eq!(plain.run(&format!("CONFIG SET tls-auth-clients {choice}")), "OK");
        assert!(encrypted.openssl(&["-quiet"], PING).contains(PONG), "{choice}");
    }
    // A certificate of an authority that the server does not know, by a directory that has another one.
    let other = encrypted.file("other");
    std::fs::create_dir(&other).unwrap();
    let new = "req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other/ca.crt -days 2 -subj /CN=other";
    assert!(run("openssl", &new.split(' ').collect::<Vec<_>>(), b"", encrypted.files.directory()).0);
    let directory = other.display().to_string();
    let call = ["CONFIG", "SET", "tls-auth-clients", "yes", "tls-ca-cert-file", "", "tls-ca-cert-dir"];
    assert_eq!(plain.call(&[&call[..], &[&directory]].concat()), "OK");
    assert!(!encrypted.openssl(&WITH_CERTIFICATE, PING).contains(PONG));
    std::fs::copy(encrypted.file("ca.crt"), other.join("second.pem")).unwrap();
    std::fs::write(other.join("README"), "no certificate").unwrap();
    assert_eq!(plain.run(&format!("CONFIG SET tls-ca-cert-dir {directory}")), "OK");
    assert!(encrypted.openssl(&WITH_CERTIFICATE, PING).contains(PONG));
}

#[test]
fn a_certificate_may_name_the_user() {
    let Some(encrypted) = Encrypted::start(&[]) else { return };
    let mut plain = encrypted.server.client();
    let who_am_i = || encrypted.openssl(&WITH_CERTIFICATE, b"ACL WHOAMI\r\nQUIT\r\n");
    assert_eq!(plain.run("ACL SETUSER client on >secret ~* +@all"), "OK");
    assert!(who_am_i().contains("default\r\n"));
    assert_eq!(plain.run("CONFIG SET tls-auth-clients-user CN"), "OK");
    assert!(who_am_i().contains("client\r\n"));
    assert_eq!(plain.run("ACL SETUSER client off"), "OK");
    assert!(who_am_i().contains("default\r\n"), "a user who is off is nobody's");
    assert_eq!(plain.info("acl_access_denied_tls_cert"), "1");
    let denied = format!("{:?}", plain.run("ACL LOG"));
    assert!(denied.contains("tls-cert") && denied.contains("user=default"), "{denied}");
    assert_eq!(plain.run("ACL SETUSER default resetpass >other"), "OK");
    assert!(who_am_i().contains("NOAUTH"));
}

#[test]
fn certificates_are_exchanged_while_it_serves() {
    let Some(encrypted) = Encrypted::start(&[]) else { return };
    let mut plain = encrypted.server.client();
    let set = |plain: &mut crate::support::Client, name: &str| {
        let path = |end: &str| encrypted.file(&format!("{name}.{end}")).display().to_string();
        plain.run(&format!("CONFIG SET tls-cert-file {} tls-key-file {}", path("crt"), path("key")))
    };
    assert_eq!(encrypted.shown_name(), "first");
    assert_eq!(set(&mut plain, "second"), "OK");
    assert_eq!(encrypted.shown_name(), "second");
    let refusal = set(&mut plain, "nosuch").text().to_string();
    assert!(refusal.ends_with("Unable to update TLS configuration. Check server logs."), "{refusal}");
    assert_eq!(encrypted.shown_name(), "second");
    assert_eq!(set(&mut plain, "first"), "OK");
    // The files themselves get other content: seen at SIGHUP, and by itself where an interval says so.
    for name in ["second", "first"] {
        for end in ["crt", "key"] {
            let other = if name == "second" { "second" } else { "kept" };
            if name == "second" {
                std::fs::copy(encrypted.file(&format!("first.{end}")), encrypted.file(&format!("kept.{end}"))).unwrap();
            }
            std::fs::copy(encrypted.file(&format!("{other}.{end}")), encrypted.file(&format!("first.{end}"))).unwrap();
        }
        match name {
            "second" => {
                assert_eq!(encrypted.shown_name(), "first", "nobody has looked");
                encrypted.server.signal("HUP");
            }
            _ => assert_eq!(plain.run("CONFIG SET tls-auto-reload-interval 1"), "OK"),
        }
        wait_until("the new certificate", || encrypted.shown_name() == name);
    }
}

#[test]
fn the_port_can_be_closed_and_opened() {
    let Some(encrypted) = Encrypted::start(&[]) else { return };
    let mut plain = encrypted.server.client();
    assert_eq!(plain.run("CONFIG SET tls-port 0"), "OK");
    wait_until("a closed port", || TcpStream::connect((Ipv4Addr::LOCALHOST, encrypted.port)).is_err());
    assert_eq!(plain.run(&format!("CONFIG SET tls-port {}", encrypted.port)), "OK");
    assert_eq!(encrypted.cli(&["PING"], b""), b"PONG\n");
}

#[test]
fn what_cannot_be_is_refused() {
    let Some(mut encrypted) = Encrypted::start(&[]) else { return };
    let mut plain = encrypted.server.client();
    for (name, value) in [
        ("tls-protocols", "SSLv3"),
        ("tls-protocols", "TLSv1.1"),
        ("tls-ciphers", "RC4-SHA"),
        ("tls-ciphersuites", "TLS_NOSUCH"),
        ("tls-ca-cert-file", "nosuch"),
        ("tls-key-file", "ca.crt"),
        ("tls-cert-file", ""),
    ] {
        let refusal = plain.call(&["CONFIG", "SET", name, value]);
        let expected = format!(
            "ERR CONFIG SET failed (possibly related to argument '{name}') - Unable to update TLS configuration. Check server logs."
        );
        assert_eq!(refusal.text(), expected, "{value}");
    }
    assert!(encrypted.openssl(&WITH_CERTIFICATE, PING).contains(PONG), "all is as it was");
    let port = encrypted.port.to_string();
    let certificate = encrypted.file("first.crt").display().to_string();
    let words = ["Failed to configure TLS", "tls-key-file"];
    encrypted.server.restart_refused(&["--tls-port", &port, "--tls-cert-file", &certificate], &words);
}

#[test]
fn protocols_and_ciphers_are_those_of_the_configuration() {
    let Some(encrypted) = Encrypted::start(&[("tls-protocols", "TLSv1.2"), ("tls-auth-clients", "no")]) else { return };
    assert!(encrypted.openssl(&["-quiet", "-tls1_2"], PING).contains(PONG));
    assert!(!encrypted.openssl(&["-quiet", "-tls1_3"], PING).contains(PONG));
    let mut plain = encrypted.server.client();
    assert_eq!(plain.run("CONFIG SET tls-ciphers ECDHE-RSA-CHACHA20-POLY1305"), "OK");
    let said = encrypted.openssl(&["-tls1_2"], b"QUIT\r\n");
    assert!(said.contains("Cipher is ECDHE-RSA-CHACHA20-POLY1305"), "{said}");
    assert_eq!(plain.run("CONFIG SET tls-protocols TLSv1.3 tls-ciphersuites TLS_AES_128_GCM_SHA256"), "OK");
    let said = encrypted.openssl(&["-tls1_3"], b"QUIT\r\n");
    assert!(said.contains("Cipher is TLS_AES_128_GCM_SHA256"), "{said}");
}

#[test]
fn a_key_behind_a_passphrase_is_opened() {
    let settings = [("tls-key-file", "FILESlocked.key"), ("tls-key-file-pass", "sesame"), ("tls-auth-clients", "no")];
    let Some(encrypted) = Encrypted::start(&settings) else { return };
    assert!(encrypted.openssl(&["-quiet"], PING).contains(PONG));
    let mut plain = encrypted.server.client();
    let refusal = plain.run("CONFIG SET tls-key-file-pass wrong").text().to_string();
    assert!(refusal.contains("Unable to update TLS configuration"), "{refusal}");
    assert!(!encrypted.server.log().contains("sesame"));
}

#[test]
fn sessions_are_resumed_unless_that_is_switched_off() {
    let Some(encrypted) = Encrypted::start(&[("tls-auth-clients", "no")]) else { return };
    let resumes = |version: &str| {
        // A ticket of TLS 1.3 comes behind the handshake: the reply of a call has it arrive before the end.
        encrypted.openssl(&[version, "-ign_eof", "-sess_out", "session"], PING);
        encrypted.openssl(&[version, "-ign_eof", "-sess_in", "session"], PING).contains("Reused, ")
    };
    assert!(resumes("-tls1_2") && resumes("-tls1_3"));
    assert_eq!(encrypted.server.client().run("CONFIG SET tls-session-caching no"), "OK");
    assert!(!resumes("-tls1_2"));
}

#[test]
fn peers_that_do_not_speak_tls_harm_nobody() {
    let Some(encrypted) = Encrypted::start(&[]) else { return };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, encrypted.port));
    let silent: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(address).unwrap()).collect();
    for garbage in [
        &b"PING\r\n"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        &[0x16, 3, 1, 0xFF, 0xFF],
        &[0x16, 3, 1, 0, 4, 1, 0, 0, 0],
        &[0; 70_000],
    ] {
        let mut stream = TcpStream::connect(address).unwrap();
        // The server may have closed before all is sent.
        let _ = stream.write_all(garbage);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.len() < 64 && !answer.starts_with(b"+"), "an alert at most: {answer:?}");
    }
    assert!(encrypted.openssl(&WITH_CERTIFICATE, PING).contains(PONG));
    drop(silent);
    let mut plain = encrypted.server.client();
    wait_until("only we are left", || plain.info("connected_clients") == "1");
}

/// `openssl x509 -req` without a file of extensions writes version 1, as Redis's `gen-test-certs.sh` does for `redis.crt`. The server did
/// not start with one, and took none of a client.
#[test]
fn certificates_of_version_1_were_refused() {
    let Some(encrypted) = Encrypted::start(&[]) else { return };
    let mut plain = encrypted.server.client();
    let sign = |name: &str, authority: &str| {
        encrypted.files.openssl(&format!(
            "x509 -req -in client.csr -CA {authority}.crt -CAkey {authority}.key -CAcreateserial -out {name}.crt -days 2"
        ));
    };
    sign("old", "ca");
    let shown = run("openssl", &["x509", "-in", "old.crt", "-noout", "-text"], b"", encrypted.files.directory()).1;
    assert!(String::from_utf8_lossy(&shown).contains("Version: 1"));
    encrypted
        .files
        .openssl("req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.crt -days 2 -subj /CN=authority");
    sign("forged", "other");
    assert_eq!(plain.run("CONFIG SET tls-auth-clients-user CN"), "OK");
    assert_eq!(plain.run("ACL SETUSER client on nopass ~* +@all"), "OK");
    for version in ["-tls1_2", "-tls1_3"] {
        let who = |name: &str, key: &str| {
            let options = ["-quiet", version, "-cert", name, "-key", key];
            encrypted.openssl(&options, b"ACL WHOAMI\r\nQUIT\r\n")
        };
        assert!(who("old.crt", "client.key").contains("client\r\n+OK"), "{version}");
        assert!(!who("forged.crt", "client.key").contains("+OK"), "{version}: by another of the same name");
    }
    let path = |name: &str| encrypted.file(name).display().to_string();
    let set = |plain: &mut crate::support::Client, key: &str| {
        plain.run(&format!("CONFIG SET tls-cert-file {} tls-key-file {}", path("old.crt"), path(key)))
    };
    assert!(set(&mut plain, "first.key").text().contains("Unable to update TLS configuration"), "another key");
    assert_eq!(set(&mut plain, "client.key"), "OK");
    assert_eq!(encrypted.cli(&["PING"], b""), b"PONG\n");
}

/// What a file of `tls-ca-cert-dir` holds may change without a change of the directory: that was not seen, at SIGHUP neither.
#[test]
fn a_new_authority_in_an_old_file_of_the_directory_was_not_seen() {
    let Some(encrypted) = Encrypted::start(&[]) else { return };
    let mut plain = encrypted.server.client();
    encrypted
        .files
        .openssl("req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.crt -days 1 -subj /CN=other");
    let directory = encrypted.file("authorities");
    std::fs::create_dir(&directory).unwrap();
    std::fs::copy(encrypted.file("other.crt"), directory.join("one.pem")).unwrap();
    let place = directory.display().to_string();
    let call = ["CONFIG", "SET", "tls-ca-cert-file", "", "tls-ca-cert-dir", &place, "tls-auto-reload-interval", "1"];
    assert_eq!(plain.call(&call), "OK");
    assert!(!encrypted.openssl(&WITH_CERTIFICATE, PING).contains(PONG));
    let mut file = std::fs::File::create(directory.join("one.pem")).unwrap();
    file.write_all(&std::fs::read(encrypted.file("ca.crt")).unwrap()).unwrap();
    wait_until("the new authority", || encrypted.openssl(&WITH_CERTIFICATE, PING).contains(PONG));
}

/// A client that speaks no TLS was sent seven bytes of an alert, which it took for a reply.
#[test]
fn a_plain_call_was_answered_in_tls() {
    let Some(encrypted) = Encrypted::start(&[]) else { return };
    for call in [&b"*1\r\n$4\r\nPING\r\n"[..], b"PING\r\n", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, encrypted.port)).unwrap();
        socket.write_all(call).unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer); // the end may be a reset
        assert_eq!(answer, b"", "{}", String::from_utf8_lossy(call));
    }
}

#[test]
fn info_tells_how_long_certificates_hold() {
    let Some(encrypted) = Encrypted::start(&[]) else { return };
    let mut plain = encrypted.server.client();
    let mut line = |name: &str| {
        let info = plain.run("INFO tls").text().to_string();
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::to_string));
        line.unwrap_or_else(|| panic!("no {name} in {info}"))
    };
    let serial = |file: &str| {
        let words = ["x509", "-in", file, "-noout", "-serial"];
        let said = run("openssl", &words, b"", encrypted.files.directory()).1;
        String::from_utf8(said).unwrap().trim().replace("serial=", "")
    };
    assert_eq!(line("tls_server_cert_serial"), serial("first.crt"));
    assert_eq!(line("tls_ca_cert_serial"), serial("ca.crt"));
    let two_days = 2 * 86_400;
    for name in ["tls_server_cert_expires_in_seconds", "tls_ca_cert_expires_in_seconds"] {
        assert!((two_days - 600..=two_days).contains(&line(name).parse().unwrap()), "{name}");
    }
    assert_eq!(
        (line("tls_client_cert_serial").as_str(), line("tls_client_cert_expires_in_seconds").as_str()),
        ("none", "0")
    );
    assert_eq!(encrypted.server.client().run("CONFIG SET tls-port 0"), "OK");
    wait_until("no certificate without a port", || line("tls_server_cert_serial") == "none");
    assert_eq!(line("tls_ca_cert_expires_in_seconds"), "0");
}
