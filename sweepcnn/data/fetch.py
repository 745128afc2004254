"""Public data sets, downloaded once into the user's data folder."""

import gzip
import hashlib
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from zipfile import BadZipFile, ZipFile

import requests

from sweepcnn.data.locations import data_folder, fetched_folder
from sweepcnn.errors import InputError, Problem, WorkError

CHUNK = 1 << 16  # bytes
TIMEOUT = (15, 60)  # seconds to connect, and between two bytes

UNREADABLE = (tarfile.TarError, BadZipFile, gzip.BadGzipFile, EOFError, zlib.error)

Progress = Callable[[int, int], None]
"""Called with (bytes so far, bytes in all, 0 where the server does not say)."""


@dataclass(frozen=True)
class Archive:
    """What to download; without a published `md5` only the archive's own checksums are compared."""

    url: str
    md5: str | None = None


ARCHIVES: Mapping[str, Archive] = MappingProxyType(
    {
        "inaturalist": Archive("https://storage.googleapis.com/wandb_datasets/nature_12K.zip"),
        "cifar10": Archive(
            "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            md5="c58f30108f718f92721af3b95e74349a",
        ),
        "cifar100": Archive(
            "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
            md5="eb9058c3a382ffc7106e4002c42a8d85",
        ),
    }
)


def fetch(
    name: str,
    *,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    archives: Mapping[str, Archive] = ARCHIVES,
) -> Path:
    """Download a data set, check and unpack it; nothing is done where it is already there.

    A transfer that breaks off stays in a `.part` file and the next call goes on from there. The
    data set's folder appears under its final name only when all of it is unpacked.

    Args:
        name: one of `archives`.
        data_dir: see `data_folder`.
        progress: called while downloading.
        archives: where each data set is found, if not at its public address.

    Returns:
        The data set's folder.

    Raises:
        InputError: unknown name.
        WorkError: the transfer failed (call again to go on), the archive is damaged (it is
            removed; call again to start over), or the folder cannot be written.
    """
    if name not in archives:
        raise InputError(
            Problem(
                f"data set {name!r}",
                "it is not one of those to download",
                f"take one of {', '.join(archives)}",
            )
        )
    folder, target = data_folder(data_dir), fetched_folder(name, data_dir)
    if target.is_dir():
        return target
    archive = archives[name]
    part = folder / (archive.url.rsplit("/", 1)[-1] + ".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _download(name, archive.url, part, progress)
        _check_md5(name, part, archive.md5)
        _unpack(name, part, target)
        part.unlink()
    except OSError as error:
        raise WorkError(
            Problem(
                f"data folder {str(folder)!r}",
                f"it cannot be written ({error})",
                "free some space, or choose another folder with --data-dir or the environment "
                "variable SWEEPCNN_DATA_DIR",
            )
        ) from error
    return target


def _download(name: str, url: str, part: Path, progress: Progress | None) -> None:
    """Complete `part`, from the byte where it ends if the server can do that."""
    try:
        _transfer(url, part, progress)
    except requests.RequestException as error:
        kept = part.stat().st_size if part.exists() else 0
        raise WorkError(
            Problem(
                url,
                f"the download failed ({error}); {kept:,} bytes are kept in {part}",
                f"run `sweepcnn data fetch {name}` again to resume from there",
            )
        ) from error


def _transfer(url: str, part: Path, progress: Progress | None) -> None:
    done = part.stat().st_size if part.exists() else 0
    # identity: otherwise lengths may count bytes of a compressed transfer
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            if response.headers.get("Content-Range") == f"bytes */{done}":
                return  # all of it was there already
            part.unlink()
            raise requests.RequestException(f"the server has no bytes from {done:,} on")
        response.raise_for_status()
        resumed = response.status_code == requests.codes.partial_content
        done = done if resumed else 0
        left = int(response.headers.get("Content-Length", 0))
        total = done + left if left else 0
        with part.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, total)
    if done < total:
        raise requests.ConnectionError(f"it ended after {done:,} of {total:,} bytes")


def _check_md5(name: str, part: Path, md5: str | None) -> None:
    if md5 is None:
        return
    with part.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != md5:
        raise _damaged(name, part, f"its MD5 checksum is {found} and not {md5}")


def _unpack(name: str, part: Path, target: Path) -> None:
    """Unpack beside the target, then rename, so that the target is whole or not there at all."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as temporary:
        unpacked = Path(temporary)
        try:
            if ".zip" in part.suffixes:
                _unpack_zip(part, unpacked)
            else:
                with tarfile.open(part) as tar:
                    tar.extractall(unpacked, filter="data")
        except UNREADABLE as error:
            raise _damaged(name, part, f"it cannot be unpacked ({error})") from error
        if not (unpacked / target.name).is_dir():
            raise _damaged(name, part, f"it holds no folder {target.name}")
        if not target.is_dir():  # another process may have been first
            (unpacked / target.name).rename(target)


def _unpack_zip(part: Path, folder: Path) -> None:
    """Extract, which compares each member's CRC; a member that leads elsewhere is refused."""
    with ZipFile(part) as archive:
        for member in archive.namelist():
            if not (folder / member).resolve().is_relative_to(folder.resolve()):
                raise BadZipFile(f"the member {member!r} leads out of the folder")
            archive.extract(member, folder)


def _damaged(name: str, part: Path, fault: str) -> WorkError:
    part.unlink()
    return WorkError(
        Problem(
            f"the archive of {name}",
            f"{fault}, so it was removed",
            f"run `sweepcnn data fetch {name}` again to download it afresh",
        )
    )
