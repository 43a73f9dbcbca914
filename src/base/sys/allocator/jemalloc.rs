//! jemalloc's own counters and controls, by `mallctl`.

use crate::base::platform::AllocatorFacts;
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use tikv_jemalloc_sys as sys;

thread_local! {
    /// Where jemalloc counts what this thread allocated and freed; null when it does not.
    static COUNTERS: (*const u64, *const u64) = (
        read::<*const u64>(c"thread.allocatedp").unwrap_or(ptr::null()),
        read::<*const u64>(c"thread.deallocatedp").unwrap_or(ptr::null()),
    );
}

/// Bytes that this thread has allocated minus those it has freed, in size classes.
pub(super) fn thread_balance() -> i64 {
    COUNTERS.with(|&(allocated, deallocated)| {
        if allocated.is_null() || deallocated.is_null() {
            return 0;
        }
        // SAFETY: jemalloc gave the addresses of this thread's own counters; they live as long as the thread, and only it writes them.
        unsafe { allocated.read().wrapping_sub(deallocated.read()) as i64 }
    })
}

/// Name and version.
pub fn name() -> String {
    if !super::is_counted() {
        return "libc".into();
    }
    let version = read_tuning_text("version").unwrap_or_default();
    format!("jemalloc-{}", version.split('-').next().unwrap_or_default())
}

/// What jemalloc says of its pages now; all 0 when it does not serve this process.
pub fn facts() -> AllocatorFacts {
    if !super::is_counted() {
        return AllocatorFacts::default();
    }
    let mut epoch = 1u64;
    let mut len = size_of::<u64>();
    let address = (&raw mut epoch).cast::<c_void>();
    // SAFETY: name and value are of the form that this control takes; both buffers outlive the call.
    unsafe { sys::mallctl(c"epoch".as_ptr(), address, &mut len, address, len) };
    let stat = |name: &CStr| read::<usize>(name).unwrap_or(0) as u64;
    let page_bytes = stat(c"arenas.page");
    AllocatorFacts {
        allocated_bytes: stat(c"stats.allocated"),
        active_bytes: stat(c"stats.active"),
        resident_bytes: stat(c"stats.resident"),
        muzzy_bytes: stat(c"stats.arenas.4096.pmuzzy") * page_bytes,
    }
}

/// Gives free pages back to the kernel.
pub fn purge() {
    // SAFETY: the control takes and gives nothing.
    unsafe { sys::mallctl(c"arena.4096.purge".as_ptr(), ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), 0) };
}

/// jemalloc's own report.
pub fn report() -> String {
    unsafe extern "C" fn append(report: *mut c_void, text: *const c_char) {
        // SAFETY: jemalloc hands through the pointer that it was given below, and a text that ends with zero.
        let (report, text) = unsafe { (&mut *report.cast::<Vec<u8>>(), CStr::from_ptr(text)) };
        report.extend_from_slice(text.to_bytes());
    }
    let mut report = Vec::<u8>::new();
    // SAFETY: `append` is called during this call only, with the pointer to `report`, which outlives it.
    unsafe { sys::malloc_stats_print(Some(append), (&raw mut report).cast(), ptr::null()) };
    String::from_utf8_lossy(&report).into_owned()
}

/// A number of 1, 4 or 8 bytes under a name.
pub fn read_tuning(name: &str) -> Result<u64, String> {
    let mut bytes = [0u8; 8];
    let len = control(name, &mut bytes, None)?;
    Ok(number(&bytes, len))
}

/// A text under a name.
pub fn read_tuning_text(name: &str) -> Result<String, String> {
    let mut bytes = [0u8; 8];
    control(name, &mut bytes, None)?;
    let text = usize::from_ne_bytes(bytes) as *const c_char;
    if text.is_null() {
        return Ok(String::new());
    }
    // Only these hold texts; anything else is a number that must not be taken for an address.
    let texts =
        ["version", "opt.dss", "opt.metadata_thp", "opt.percpu_arena", "opt.junk", "opt.zero_realloc", "opt.thp"];
    let is_text = texts.contains(&name) || (name.starts_with("arena.") && name.ends_with(".dss"));
    if !is_text {
        return Err("Invalid argument".into());
    }
    // SAFETY: under these names jemalloc keeps the address of a constant text that ends with zero.
    Ok(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// Sets a number under a name and gives the former one.
pub fn write_tuning(name: &str, value: u64) -> Result<u64, String> {
    let mut bytes = [0u8; 8];
    let len = control(name, &mut bytes, None)?;
    let former = number(&bytes, len);
    control(name, &mut bytes, Some((value, len)))?;
    Ok(former)
}

fn number(bytes: &[u8; 8], len: usize) -> u64 {
    match len {
        1 => u64::from(bytes[0]),
        4 => u64::from(u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
        _ => u64::from_ne_bytes(*bytes),
    }
}

/// Reads a control into `out` and gives its length; writes the low bytes of a number (value, length) if one is given.
fn control(name: &str, out: &mut [u8; 8], value: Option<(u64, usize)>) -> Result<usize, String> {
    let name = CString::new(name).map_err(|_| "No such file or directory".to_string())?;
    // A control answers only when the room offered is as long as what it holds: the lengths there are, the longest first.
    let mut failed = libc::ENOENT;
    for len in [8, 4, 1] {
        let (mut given, mut new) = (len, value.map_or(0, |(value, _)| value));
        let (new_at, new_len) = match value {
            Some((_, len)) => ((&raw mut new).cast::<c_void>(), len),
            None => (ptr::null_mut(), 0),
        };
        // SAFETY: `out` has room for `len` bytes, `new` holds `new_len`, and both outlive the call; the name ends with zero.
        failed = unsafe { sys::mallctl(name.as_ptr(), out.as_mut_ptr().cast(), &mut given, new_at, new_len) };
        if failed == 0 && given == len {
            return Ok(len);
        }
        if failed == libc::ENOENT {
            break;
        }
    }
    Err(reason(failed))
}

/// The system's words for an error, without the number that Rust puts behind them.
fn reason(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    text.split(" (os error").next().unwrap_or_default().to_string()
}

fn read<T: Copy>(name: &CStr) -> Option<T> {
    let mut value = std::mem::MaybeUninit::<T>::uninit();
    let mut len = size_of::<T>();
    // SAFETY: the buffer is `len` bytes long and outlives the call; the name ends with zero.
    let failed = unsafe { sys::mallctl(name.as_ptr(), value.as_mut_ptr().cast(), &mut len, ptr::null_mut(), 0) };
    // SAFETY: jemalloc has written all of `T`, which is a number or an address that this control holds.
    (failed == 0 && len == size_of::<T>()).then(|| unsafe { value.assume_init() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_counts_what_it_takes_from_jemalloc() {
        let before = thread_balance();
        // SAFETY: 5000 bytes without alignment of their own; freed below, once.
        let memory = unsafe { sys::malloc(5000) };
        assert_eq!(thread_balance() - before, 5120, "the size class of 5000");
        // SAFETY: it came from malloc.
        unsafe { sys::free(memory) };
        assert_eq!(thread_balance(), before);
    }

    #[test]
    fn controls_are_read_by_name() {
        assert_eq!(read_tuning("arenas.page"), Ok(4096));
        assert_eq!(read_tuning("arenas.nbins"), Ok(36));
        assert_eq!(read_tuning("opt.tcache"), Ok(1));
        assert_eq!(read_tuning("no.such"), Err("No such file or directory".into()));
        assert!(read_tuning_text("version").unwrap().starts_with("5."));
        assert!(read_tuning_text("arenas.page").is_err());
        assert!(report().contains("jemalloc statistics"));
        let former = read_tuning("arenas.dirty_decay_ms").unwrap();
        assert_eq!(write_tuning("arenas.dirty_decay_ms", 5000), Ok(former));
        assert_eq!(write_tuning("arenas.dirty_decay_ms", former), Ok(5000));
    }
}
