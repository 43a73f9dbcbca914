//! Certificates for tests of TLS, made with `openssl`, and a server that shows one of them.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::server::Server;

/// Ports that are tried when others take them first.
const PORT_ATTEMPTS: usize = 5;

/// An authority (`ca`) and what it has signed for `localhost`: `NAME.crt` and `NAME.key`, in a directory of their own.
pub struct Certificates {
    home: tempfile::TempDir,
}

impl Certificates {
    /// Makes an authority and a certificate for each name.
    ///
    /// Without `openssl`, says on standard error what is left out and gives `None`; but where `CI` is set, panics.
    #[track_caller]
    pub fn make(names: &[&str]) -> Option<Certificates> {
        if !is_there() {
            let what = "openssl cannot be run";
            assert!(std::env::var_os("CI").is_none(), "{what}, and CI must have it");
            eprintln!("left out: {what}");
            return None;
        }
        let made = Certificates { home: tempfile::tempdir().unwrap() };
        made.openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=authority");
        std::fs::write(made.path("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
        for name in names {
            made.openssl(&format!("req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"));
            made.openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out {name}.crt -days 2 -extfile names"
            ));
        }
        Some(made)
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        self.home.path()
    }

    /// Where one of the files is, or may be written.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    /// Runs `openssl` among them with these words, to its good end.
    #[track_caller]
    pub fn openssl(&self, words: &str) {
        let made = Command::new("openssl").args(words.split(' ')).current_dir(self.directory()).output().unwrap();
        assert!(made.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&made.stderr));
    }

    /// Starts a server that shows the certificate of this name, and has a port for TLS: that port.
    #[track_caller]
    pub fn start_server(&self, name: &str, arguments: &[&str]) -> (Server, u16) {
        let file = |name: String| self.path(&name).display().to_string();
        let [certificate, key, authority] = [format!("{name}.crt"), format!("{name}.key"), "ca.crt".into()].map(file);
        let own = ["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &authority];
        // Another process may take a free port before the server does.
        for _ in 0..PORT_ATTEMPTS {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            match Server::try_start(&[&own[..], arguments, &["--tls-port", &port.to_string()]].concat()) {
                Ok(server) => return (server, port),
                Err(trouble) => assert!(trouble.contains("in use"), "{trouble}"),
            }
        }
        panic!("no port for TLS");
    }
}

fn is_there() -> bool {
    let run = Command::new("openssl").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}
