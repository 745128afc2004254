"""Which kind of file system a path lies on; SQLite's WAL is not safe on one of the network."""

from pathlib import Path

_NETWORK = {
    "9p",
    "afs",
    "beegfs",
    "blobfuse",
    "blobfuse2",
    "ceph",
    "cephfs",
    "cifs",
    "coda",
    "curlftpfs",
    "davfs",
    "gcsfuse",
    "gfs2",
    "glusterfs",
    "goofys",
    "gpfs",
    "juicefs",
    "lustre",
    "mfs",
    "mount-s3",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "orangefs",
    "panfs",
    "pvfs2",
    "rclone",
    "s3fs",
    "seaweedfs",
    "smb3",
    "smbfs",
    "sshfs",
    "vboxsf",
    "vmhgfs-fuse",
    "wekafs",
}
_TABLE = Path("/proc/self/mountinfo")


def network_kind(path: Path, table: str | None = None) -> str | None:
    """Give the kind of the network file system that a path lies on; null for a local one.

    Args:
        path: absolute, links resolved; need not exist yet.
        table: the text of Linux's /proc/self/mountinfo; null reads it, and on a system without one
            every path counts as local.
    """
    if table is None:
        try:
            table = _TABLE.read_text("utf-8", "surrogateescape")
        except OSError:
            return None
    kind = _kind(path, table)
    return kind if kind and kind.removeprefix("fuse.") in _NETWORK else None


def _kind(path: Path, table: str) -> str | None:
    """Give the type of the innermost mount above a path; of two on one place the later hides."""
    found, depth = None, -1
    for line in table.splitlines():
        before, dash, after = line.partition(" - ")
        words = before.split(" ")
        if not dash or len(words) < 5:
            continue
        place = Path(_unescape(words[4]))
        if path.is_relative_to(place) and len(place.parts) >= depth:
            found, depth = after.split(" ")[0], len(place.parts)
    return found


def _unescape(word: str) -> str:
    r"""Undo the kernel's escapes: space, tab, newline and backslash stand as \040 and so on."""
    for code in ("\\040", "\\011", "\\012", "\\134"):
        word = word.replace(code, chr(int(code[1:], 8)))
    return word
