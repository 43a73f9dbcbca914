//! The loop's end of the log: what goes to the writer when, and what is refused.

use super::*;
use crate::persistence::aof::job::{JOBS_MAX, REPORTS_MAX};
use crossbeam_channel::bounded;

fn log() -> (Log, Receiver<Job>, Sender<Report>) {
    let (jobs, job_receiver) = bounded(JOBS_MAX);
    let (report_sender, reports) = bounded(REPORTS_MAX);
    (Log::new(100, FsyncPolicy::Always, Status::Ok, jobs, reports), job_receiver, report_sender)
}

fn set(log: &mut Log, db: u32, value: &[u8]) {
    log.append_call(db, [b"SET".as_slice(), b"k", value].into_iter());
}

fn block(jobs: &Receiver<Job>) -> Block {
    match jobs.try_recv() {
        Ok(Job::Block(block)) => block,
        other => panic!("a block was expected, {other:?} came"),
    }
}

#[test]
fn a_call_is_printed_as_resp_and_selects_its_database_once() {
    let (mut log, jobs, _reports) = log();
    set(&mut log, 0, b"hello world");
    set(&mut log, 0, b"");
    set(&mut log, 12, b"x");
    let expected = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$11\r\nhello world\r\n\
        *3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n*2\r\n$6\r\nSELECT\r\n$2\r\n12\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nx\r\n";
    assert_eq!(log.next_offset(), 100 + expected.len() as u64);
    assert!(log.submit() && !log.submit(), "an empty block is not sent");
    let first = block(&jobs);
    assert_eq!((first.body.as_slice(), first.at, first.db), (expected.as_slice(), 100, None));
    set(&mut log, 12, b"y");
    assert!(log.submit());
    let second = block(&jobs);
    assert_eq!((second.at, second.db), (first.end(), Some(12)), "no second SELECT, but it is known which one holds");
    assert!(second.body.starts_with(b"*3\r\n"));
}

#[test]
fn a_block_never_ends_inside_a_group() {
    let (mut log, jobs, _reports) = log();
    log.begin_group();
    set(&mut log, 0, b"1");
    assert!(!log.submit() && log.begin_rewrite(true) == Err(RewriteBusy));
    set(&mut log, 0, b"2");
    log.end_group();
    assert!(log.submit());
    let body = block(&jobs).body;
    assert!(body.starts_with(MULTI) && body.ends_with(EXEC));
}

#[test]
fn a_full_queue_leaves_blocks_here_and_at_last_says_so() {
    let (mut log, jobs, _reports) = log();
    let mut sent = 0;
    while {
        set(&mut log, 0, b"1");
        log.submit()
    } {
        sent += 1;
    }
    assert_eq!(sent, JOBS_MAX);
    log.set_policy(FsyncPolicy::No);
    log.set_policy(FsyncPolicy::EverySecond);
    assert_eq!(log.jobs.waiting(), 1, "settings do not pile up");
    let big = vec![b'x'; 1024 * 1024];
    while !log.is_full() {
        set(&mut log, 0, &big);
        assert!(log.submit(), "what is long enough is closed, and waits");
    }
    assert!(log.pending_bytes() > PENDING_MAX_BYTES && log.jobs.waiting() > 1);
    let (mut at, mut settings) = (100, 0);
    while at < log.next_offset() {
        match jobs.try_recv().expect("all of it is sent in the end") {
            Job::Block(block) => {
                assert_eq!(block.at, at, "blocks come in order");
                at = block.end();
            }
            _ => settings += 1,
        }
        log.submit();
    }
    assert_eq!(settings, 1);
}

#[test]
fn a_rewrite_cuts_the_block_and_the_next_one_selects_again() {
    let (mut log, jobs, reports) = log();
    set(&mut log, 3, b"1");
    let at = log.begin_rewrite(true).unwrap();
    set(&mut log, 3, b"2");
    log.submit();
    assert_eq!(block(&jobs).end(), at);
    assert!(matches!(jobs.try_recv(), Ok(Job::BeginRewrite { at: begun, increment: true, .. }) if begun == at));
    assert!(block(&jobs).body.starts_with(b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"));
    assert!(log.is_rewriting() && log.begin_rewrite(true) == Err(RewriteBusy));
    let mut report = Report::new(at);
    report.events.push(Event::RewriteDone(RewriteId(0)));
    report.events.push(Event::RewriteDone(RewriteId(1)));
    report.buffers.push(Vec::with_capacity(77));
    reports.try_send(report).unwrap();
    let changes = log.poll();
    assert!(changes.durable && changes.events == [Event::RewriteDone(RewriteId(1))] && !log.is_rewriting());
    assert!(log.may_show(at) && !log.may_show(at + 1) && log.durable_offset() == at);
    assert_eq!(log.spares[0].capacity(), 77, "buffers are used again");
}

/// Writes were answered, or waited, as if there were one, and whoever ended the server waited for ever.
#[test]
fn a_log_without_a_writer_went_on() {
    let (mut log, jobs, reports) = log();
    drop((jobs, reports));
    set(&mut log, 0, b"1");
    log.begin_rewrite(true).unwrap();
    let changes = log.poll();
    assert!(changes.status && log.status().trouble().is_some() && log.has_ended());
    assert!(matches!(changes.events[..], [Event::RewriteFailed(RewriteId(1), _)]) && !log.is_rewriting());
    assert_eq!(log.poll(), Changes::default());
}
