//! Checksums: CRC-64 of RDB files and DUMP payloads, CRC-16 of cluster key slots, CRC-32C of log blocks.
//!
//! CRC-64 goes sixteen bytes a step through 16 tables. CRC-32C, over which every block of the log goes when it is written
//! and when it is read, uses the processor's own instruction where there is one.

use crc::{CRC_16_XMODEM, CRC_64_REDIS, Crc, Table};

static CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_REDIS);
static CRC16: Crc<u16, Table<1>> = Crc::<u16, Table<1>>::new(&CRC_16_XMODEM);

/// Carries a CRC-64 (Redis's polynomial) on over more bytes. The first `state` is 0; the last one is the checksum.
pub fn crc64(state: u64, bytes: &[u8]) -> u64 {
    // The crate takes an initial value in the order of the polynomial; this CRC is reflected, its result is not.
    let mut digest = CRC64.digest_with_initial(state.reverse_bits());
    digest.update(bytes);
    digest.finalize()
}

/// The CRC-16 (XMODEM) of some bytes, from which a key's cluster slot is taken.
pub fn crc16(bytes: &[u8]) -> u16 {
    CRC16.checksum(bytes)
}

/// Carries a CRC-32C (Castagnoli, as iSCSI and ext4 use it) on over more bytes. The first `state` is 0; the last one is
/// the checksum.
pub fn crc32c(state: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(state, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn check_values_of_the_catalogue() {
        assert_eq!(crc64(0, b"123456789"), 0xe9c6d914c4b8d9ca);
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(crc32c(0, b"123456789"), 0xe3069283);
        assert_eq!((crc64(0, b""), crc16(b""), crc32c(0, b"")), (0, 0, 0));
    }

    proptest! {
        #[test]
        fn pieces_add_up(bytes: Vec<u8>, cut: prop::sample::Index) {
            let (head, tail) = bytes.split_at(cut.index(bytes.len() + 1));
            prop_assert_eq!(crc64(crc64(0, head), tail), crc64(0, &bytes));
            prop_assert_eq!(crc32c(crc32c(0, head), tail), crc32c(0, &bytes));
        }
    }
}
