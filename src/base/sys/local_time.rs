//! The wall clock as this machine's users read it: with the zone of `TZ` or `/etc/localtime`.
#![allow(unsafe_code)]

/// A moment, in local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// As people count them.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 60.
    pub second: u32,
    /// Seconds east of UTC.
    pub offset_seconds: i64,
}

/// The local time, given seconds since 1970 (UTC).
pub fn local_time(unix_seconds: i64) -> LocalTime {
    let seconds = unix_seconds as libc::time_t;
    // SAFETY: tm is plain numbers and a pointer that may be null, for which zeros are valid.
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to values of our own; localtime_r is the variant that threads may use. When it fails, which
    // takes a year beyond an int, `parts` stays as it is.
    unsafe { libc::localtime_r(&seconds, &mut parts) };
    LocalTime {
        year: parts.tm_year + 1900,
        month: parts.tm_mon as u32 + 1,
        day: parts.tm_mday as u32,
        hour: parts.tm_hour as u32,
        minute: parts.tm_min as u32,
        second: parts.tm_sec as u32,
        offset_seconds: parts.tm_gmtoff as i64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_is_utc_moved_by_the_zone() {
        let unix = 1_700_000_000; // 2023-11-14 22:13:20 UTC
        let local = local_time(unix);
        let day_seconds = i64::from(local.hour) * 3600 + i64::from(local.minute) * 60 + i64::from(local.second);
        assert_eq!((unix + local.offset_seconds).rem_euclid(86400), day_seconds);
        assert_eq!((local.year, local.month), (2023, 11));
    }
}
