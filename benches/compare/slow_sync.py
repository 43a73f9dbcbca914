"""The other end of slow_sync.c: builds the shim, gives the environment that puts it into a server, and reads its record."""
import mmap, os, struct, tempfile

import servers

FILES = 1024


class SlowSync:
    """One record; give each server its own."""

    library = None

    def __init__(self, added_ms):
        SlowSync.library = SlowSync.library or servers.compiled("slow_sync.c", "-shared", "-fPIC", "-pthread")
        fd, self.path = tempfile.mkstemp(prefix="compare-sync-")
        os.ftruncate(fd, 16 + FILES * 16)
        self.record = mmap.mmap(fd, 16 + FILES * 16)
        os.close(fd)
        self.env = {"LD_PRELOAD": self.library, "SLOW_SYNC_US": str(int(added_ms * 1000)), "SLOW_SYNC_RECORD": self.path}

    def calls(self):
        """Syncs finished so far."""
        return struct.unpack_from("=Q", self.record)[0]

    def seconds(self):
        """Time spent in them, the added time included."""
        return struct.unpack_from("=Q", self.record, 8)[0] / 1e9

    def durable(self):
        """inode -> the size that a power cut would leave of the file."""
        pairs = (struct.unpack_from("=QQ", self.record, 16 + 16 * i) for i in range(FILES))
        return {inode: size for inode, size in pairs if inode}

    def remove(self):
        os.unlink(self.path)
