"""Folders and databases that a server cannot have, told in a line."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sweepcnn.server.locks import HeldError, Lock
from sweepcnn.server.mounts import network_kind
from tests.postgresql import PostgreSQL
from tests.server.processes import refused, server_process


def test_a_second_server_on_a_folder_is_refused_and_told_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with server_process(folder) as first:
        code, message = refused("--data-dir", str(folder))
        assert code == 1
        pid = first.process.pid
        assert f"--data-dir {folder}: is in use by another server, process {pid};" in message
        link = tmp_path / "link"
        link.symlink_to(folder)
        assert refused("--data-dir", str(link))[0] == 1
        assert first.get("/healthz").status_code == 200
    with server_process(folder) as second:
        assert second.process.pid != pid


def test_a_second_server_on_a_database_file_is_refused(tmp_path: Path) -> None:
    with server_process(tmp_path / "one") as first:
        url = f"sqlite:///{first.data_dir / 'sweepcnn.db'}"
        code, message = refused("--data-dir", str(tmp_path / "two"), "--database-url", url)
        assert code == 1
        assert f"process {first.process.pid};" in message
        assert "sweepcnn.db: is in use" in message


def test_a_second_server_on_a_postgresql_database_is_refused(
    tmp_path: Path, postgresql: PostgreSQL
) -> None:
    url = postgresql.new_database()
    place = ("--database-url", url)
    with server_process(tmp_path / "one", *place) as first:
        code, message = refused("--data-dir", str(tmp_path / "two"), *place)
        assert code == 1
        assert f"in use by another server, process {first.process.pid} on " in message
        assert "stop that one, or name another place" in message
        add = [sys.executable, "-m", "sweepcnn", "user", "add", "ann", *place]
        subprocess.run(add, check=True, timeout=60, stdout=subprocess.DEVNULL)
        first.process.kill()
        first.process.wait(30)
        with server_process(tmp_path / "one", *place) as second:
            assert second.get("/healthz").status_code == 200


def test_a_folder_and_a_database_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    elsewhere = f"sqlite:///{tmp_path / 'rows.db'}"
    with server_process(tmp_path / "one", "--database-url", elsewhere):
        pass
    blob = tmp_path / "one" / "blobs" / "ab" / ("ab" * 32)
    blob.parent.mkdir()
    blob.write_bytes(b"weights")
    code, message = refused("--data-dir", str(tmp_path / "one"))  # --database-url was forgotten
    assert code == 2
    assert "holds files of another database than this one, which is new" in message
    code, message = refused("--data-dir", str(tmp_path / "two"), "--database-url", elsewhere)
    assert code == 2
    mark = (tmp_path / "one" / "id").read_text()
    assert "does not belong to this database" in message
    assert f"write {mark} into its file id" in message
    with server_process(tmp_path / "one", "--database-url", elsewhere) as again:
        assert again.get("/healthz").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_lock_goes_with_its_holder_however_it_ends(
    tmp_path: Path, number: signal.Signals
) -> None:
    with server_process(tmp_path / "data") as first:
        first.process.send_signal(number)
        first.process.wait(30)
        with server_process(tmp_path / "data") as second:
            assert second.get("/healthz").status_code == 200


def test_a_lock_is_not_kept_by_the_processes_that_its_holder_started(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        with pytest.raises(HeldError) as error:
            Lock(tmp_path / "lock")
        assert error.value.holder == str(os.getpid())
        lock.release()
        Lock(tmp_path / "lock").release()
        child.communicate(b"\n")


def heed_permissions() -> None:
    """Take from a process of root's the right to pass over the permissions of files."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.mark.parametrize("spoil", ["", "secret", "blobs/incoming"])
def test_what_cannot_be_read_or_written_is_told(tmp_path: Path, spoil: str) -> None:
    folder = tmp_path / "data"
    with server_process(folder):
        pass
    (folder / spoil).chmod(0)
    code, message = refused("--data-dir", str(folder), preexec_fn=heed_permissions)
    (folder / spoil).chmod(0o700)
    assert code == 1
    assert message.startswith(f"error: --data-dir {folder}: ")
    assert "Permission denied" in message


def spoil_blobs(folder: Path) -> None:
    folder.mkdir()
    (folder / "blobs").touch()


def spoil_database(folder: Path) -> None:
    folder.mkdir()
    (folder / "sweepcnn.db").write_bytes(b"this is no database" * 100)


@pytest.mark.parametrize(
    ("spoil", "code", "told"),
    [
        (spoil_blobs, 1, "--data-dir"),
        (spoil_database, 2, "--database-url sqlite:///"),
    ],
)
def test_a_folder_with_something_else_in_it_is_told(
    tmp_path: Path, spoil: Callable[[Path], None], code: int, told: str
) -> None:
    spoil(tmp_path / "data")
    found, message = refused("--data-dir", str(tmp_path / "data"))
    assert found == code
    assert message.startswith(f"error: {told}")


MOUNTS = r"""21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 21 0:26 / /proc rw,nosuid - proc proc rw
40 21 0:40 /export /home rw,relatime shared:5 master:1 - nfs4 server:/export rw,vers=4.2
41 40 254:1 / /home/fast rw,relatime - xfs /dev/vdb rw
42 21 0:42 / /mnt/My\040Share rw - cifs //server/share rw
43 21 0:43 / /mnt/ssh rw,nosuid - fuse.sshfs me@host:/ rw
44 21 0:44 / /mnt/lfs rw - lustre 10.0.0.1@tcp:/lfs rw
45 21 0:45 / /mnt/c rw - 9p drvfs rw
46 21 0:46 / /mnt/ntfs rw - fuseblk /dev/sdb1 rw
47 21 0:47 / /mnt/twice rw - nfs server:/a rw
48 21 254:2 / /mnt/twice rw - ext4 /dev/vdc rw
nonsense
49 21 0:49 / /mnt/short"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/sweepcnn.db", None),
        ("/home/me/sweepcnn.db", "nfs4"),
        ("/home", "nfs4"),
        ("/homework/sweepcnn.db", None),
        ("/home/fast/sweepcnn.db", None),
        ("/mnt/My Share/x/y.db", "cifs"),
        ("/mnt/ssh/y.db", "fuse.sshfs"),
        ("/mnt/lfs/y.db", "lustre"),
        ("/mnt/c/Users/y.db", "9p"),
        ("/mnt/ntfs/y.db", None),
        ("/mnt/twice/y.db", None),
    ],
)
def test_the_kind_of_a_disk_is_read_from_the_table_of_mounts(path: str, kind: str | None) -> None:
    assert network_kind(Path(path), MOUNTS) == kind


def test_the_disk_of_this_folder_is_a_local_one(tmp_path: Path) -> None:
    assert network_kind(tmp_path) is None


def test_a_database_on_a_network_disk_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(f"21 1 0:21 / {tmp_path} rw - nfs4 server:/export rw\n")
    settings = f"""
import sys
from pathlib import Path
from sweepcnn.server import mounts
mounts._TABLE = Path({str(table)!r})
from sweepcnn.cli import main
main()
"""
    folder = tmp_path / "data"
    command = [sys.executable, "-c", settings, "server", "--port", "0", "--data-dir", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"database {folder / 'sweepcnn.db'}: lies on a network disk (nfs4)" in done.stderr
    assert "PostgreSQL" in done.stderr
    assert not (folder / "sweepcnn.db").exists()
