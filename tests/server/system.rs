//! What the system is told of the process: its title, how gladly it may be ended when memory runs out.

use crate::support::{Server, wait_until};

fn of_process(server: &Server, file: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{}/{file}", server.pid())).unwrap();
    text.trim_end_matches(['\0', '\n']).to_string()
}

#[test]
fn the_title_shows_the_address_and_follows_its_template() {
    let server = Server::start(&["--bind", "127.0.0.1", "--enable-debug-command", "yes"]);
    let program = env!("CARGO_BIN_EXE_ferrodis");
    assert_eq!(of_process(&server, "cmdline"), format!("{program} 127.0.0.1:{}", server.port()));
    let mut client = server.client();
    let template = format!("{{title}} {{port}} {}", "x".repeat(100));
    assert_eq!(client.call(&["CONFIG", "SET", "proc-title-template", &template]), "OK");
    assert_eq!(of_process(&server, "cmdline"), format!("{program} {} {}", server.port(), "x".repeat(100)));
    assert!(client.run("CONFIG SET proc-title-template {nothing}").is_error());
    assert_eq!(client.run("CONFIG SET proc-title-template x"), "OK");
    assert_eq!(of_process(&server, "cmdline"), "x");
}

/// The threads of a process, by name, with the CPUs that they may run on.
fn threads(server: &Server) -> Vec<(String, String)> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
    let of = |path: std::path::PathBuf| {
        let name = std::fs::read_to_string(path.join("comm")).ok()?.trim().to_string();
        let status = std::fs::read_to_string(path.join("status")).ok()?;
        let cpus = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        Some((name, cpus.trim().to_string()))
    };
    tasks.filter_map(|task| of(task.ok()?.path())).collect()
}

#[test]
fn threads_run_where_they_are_told_to() {
    let all = threads(&Server::start(&[]));
    let first = all[0].1.split([',', '-']).next().unwrap().to_string();
    let pinned = ["--appendonly", "yes", "--server-cpulist", &first, "--bgsave-cpulist", &first];
    let server = Server::start(&pinned);
    let of = |name: &str| threads(&server).into_iter().find(|(n, _)| n == name).map(|(_, cpus)| cpus);
    // A thread gets its name, and goes where it is told to, when it first runs, which may be after the server is ready.
    let anywhere = all[0].1.clone();
    for (name, cpus) in [("snapshot", &first), ("ferrodis", &first), ("reaper", &anywhere), ("log-writer", &anywhere)] {
        wait_until(&format!("{name} on {cpus}"), || of(name).as_ref() == Some(cpus));
    }
    let refused = Server::try_start(&["--bio-cpulist", "0-x"]).err().expect("it does not start");
    assert!(refused.contains("CPU lists"), "{refused}");
}

#[test]
fn the_unix_socket_belongs_to_a_group_that_is_there() {
    use std::os::unix::fs::MetadataExt;
    let own = std::fs::read_to_string("/etc/group").unwrap();
    let number = std::fs::metadata("/proc/self").unwrap().gid(); // this process's
    let name = own
        .lines()
        .find(|line| line.split(':').nth(2) == Some(&number.to_string()))
        .map(|line| line.split(':').next().unwrap());
    let Some(name) = name else { return };
    let server = Server::start(&["--unixsocket", "s", "--unixsocketgroup", name]);
    assert_eq!(std::fs::metadata(server.directory().join("s")).unwrap().gid(), number);
    let refused =
        Server::try_start(&["--unixsocket", "s", "--unixsocketgroup", "no-such-group"]).err().expect("refused");
    assert!(refused.contains("there is no group 'no-such-group'"), "{refused}");
}

#[test]
fn without_a_title_the_arguments_stay() {
    let server = Server::start(&["--set-proc-title", "no"]);
    assert!(of_process(&server, "cmdline").contains("--set-proc-title\0no"));
}

#[test]
fn the_out_of_memory_score_follows_the_configuration_and_comes_back() {
    let server = Server::start(&["--oom-score-adj", "yes", "--oom-score-adj-values", "3 200 800"]);
    let mut client = server.client();
    let score = || of_process(&server, "oom_score_adj").parse::<i32>().unwrap();
    let before = score() - 3;
    for (change, expected) in [
        (&["oom-score-adj-values", "5 200 800"][..], before + 5),
        (&["oom-score-adj", "absolute", "oom-score-adj-values", "7 200 800"], 7),
        (&["oom-score-adj", "no"], before),
        (&["oom-score-adj-values", "9 200 800"], before),
    ] {
        assert_eq!(client.call(&[&["CONFIG", "SET"], change].concat()), "OK");
        assert_eq!(score(), expected, "{change:?}");
    }
    // The kernel refuses a privilege that is not ours: nothing changes. Where it is ours, there is nothing to refuse.
    let privileged = ["CONFIG", "SET", "oom-score-adj", "absolute", "oom-score-adj-values", "-1000 0 0"];
    let refused = client.call(&privileged);
    if refused.is_error() {
        assert!(refused.text().ends_with("Failed to set current oom_score_adj. Check server logs."), "{refused:?}");
        assert_eq!(client.run("CONFIG GET oom-score-adj"), ["oom-score-adj", "no"]);
        assert_eq!(score(), before);
    }
}
