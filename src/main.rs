//! The binary: arguments, what they ask for, exit code.

use ferrodis::base::sys::allocator::ProgramAllocator;
use ferrodis::net::command_line::{HELP, Task};
use ferrodis::net::{process, tools};
use std::os::unix::ffi::OsStringExt;

#[global_allocator]
static ALLOCATOR: ProgramAllocator = ProgramAllocator;

fn main() {
    let words: Vec<Vec<u8>> = std::env::args_os().skip(1).map(OsStringExt::into_vec).collect();
    let code = match Task::parse(&words) {
        Task::Serve(invocation) => process::serve(invocation),
        Task::Version => {
            println!("{}", process::version());
            0
        }
        Task::Help => {
            print!("{HELP}");
            0
        }
        Task::CheckConfig(path) => tools::check_config(path),
        Task::CheckAof { path, mend, target } => tools::check_aof(&path, mend, target),
        Task::CheckRdb { path, target } => tools::check_rdb(&path, target),
        Task::Ping(target) => tools::ping(&target),
        Task::Misuse(reason) => {
            eprintln!("{reason}\n\n{HELP}");
            1
        }
    };
    std::process::exit(code);
}
