//! On which CPUs a thread runs.
#![allow(unsafe_code)]

use std::io;
use std::str::FromStr;

/// CPUs that the kernel is told of; higher numbers cannot be had.
const CPUS: usize = 1024;

/// A list of CPUs as taskset takes it: `0,2-5`, `0-20:3` for every third.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuList(Vec<usize>);

/// The text is no list of CPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoCpuList;

impl FromStr for CpuList {
    type Err = NoCpuList;

    fn from_str(text: &str) -> Result<CpuList, NoCpuList> {
        let number = |text: &str| text.trim().parse::<usize>().ok().filter(|&cpu| cpu < CPUS).ok_or(NoCpuList);
        let mut cpus = Vec::new();
        for part in text.split(',') {
            let (range, stride) = match part.split_once(':') {
                Some((range, stride)) => (range, number(stride)?),
                None => (part, 1),
            };
            let (first, last) = match range.split_once('-') {
                Some((first, last)) => (number(first)?, number(last)?),
                None => (number(range)?, number(range)?),
            };
            if first > last || stride == 0 {
                return Err(NoCpuList);
            }
            cpus.extend((first..=last).step_by(stride));
        }
        Ok(CpuList(cpus))
    }
}

impl CpuList {
    /// Whether it is a single CPU, of which another list has no other.
    pub fn is_all_of(&self, other: &CpuList) -> bool {
        matches!(self.0[..], [cpu] if other.0.iter().all(|&another| another == cpu))
    }
}

/// The CPUs that the calling thread may run on; empty where the system does not tell.
#[cfg(target_os = "linux")]
pub fn current() -> CpuList {
    // SAFETY: cpu_set_t is a bit for each CPU, for which zeros are valid.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer and the size are those of a set of our own; 0 is the calling thread.
    if unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) } != 0 {
        return CpuList(Vec::new());
    }
    // SAFETY: CPU_ISSET reads a bit of the set, which has CPUS of them.
    CpuList((0..CPUS).filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) }).collect())
}

/// Has the calling thread run on these CPUs alone.
///
/// # Errors
/// None of them is there, or not for this process.
#[cfg(target_os = "linux")]
pub fn pin(list: &CpuList) -> io::Result<()> {
    // SAFETY: as in `current`.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for &cpu in &list.0 {
        // SAFETY: a list holds numbers below CPUS only, so the bit is within the set.
        unsafe { libc::CPU_SET(cpu, &mut set) };
    }
    // SAFETY: as in `current`; the set is only read.
    match unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Elsewhere the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn current() -> CpuList {
    CpuList(Vec::new())
}

/// Elsewhere threads run where the system wants.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn pin(_: &CpuList) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_those_of_taskset() {
        let cpus = |text: &str| text.parse::<CpuList>().map(|list| list.0);
        assert_eq!(cpus("3"), Ok(vec![3]));
        assert_eq!(cpus("0,2-4"), Ok(vec![0, 2, 3, 4]));
        assert_eq!(cpus("0-7:3,9"), Ok(vec![0, 3, 6, 9]));
        let [one, two] = ["3", "3,4"].map(|text| text.parse::<CpuList>().unwrap());
        assert!(one.is_all_of(&one) && !one.is_all_of(&two) && !two.is_all_of(&one) && !two.is_all_of(&two));
        for bad in ["", "x", "1,", "4-2", "1-3:0", "5000", "1--2"] {
            assert_eq!(cpus(bad), Err(NoCpuList), "{bad}");
        }
    }

    #[test]
    fn a_thread_is_pinned_and_others_are_not() {
        let before = current();
        let last = CpuList(before.0.last().copied().into_iter().collect());
        let pinned = std::thread::scope(|scope| {
            scope.spawn(|| pin(&last).map(|()| current())).join().expect("the thread ends").expect("it may run there")
        });
        assert_eq!((pinned, current()), (last, before));
    }
}
