import json
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sweepcnn.data.cache import ABANDONED_S, Decoded, _remove_abandoned, decoded
from sweepcnn.data.folder import image_folder
from sweepcnn.data.source import Pool
from sweepcnn.errors import WorkError

from .pictures import noise, write_folder

SIZE = 6


def expected_pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR))


class Loads:
    """Decodes one folder again and again, and counts what was decoded each time."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root, self.cache, self.done = root, cache, 0

    def __call__(self, size: int = SIZE) -> Decoded:
        self.done = 0
        return decoded(self.pool(), size, self.cache, self.count)

    def pool(self) -> Pool:
        return image_folder(self.root, "set").training

    def count(self, done: int, total: int) -> None:
        assert total == len(self.pool())
        assert done == self.done + 1
        self.done = done


@pytest.fixture
def loads(tmp_path: Path) -> Loads:
    return Loads(write_folder(tmp_path / "set", {"cat": 3, "dog": 4}), tmp_path / "cache")


def test_images_are_decoded_once(loads: Loads) -> None:
    first = loads()
    assert loads.done == 7
    assert first.images.shape == (7, SIZE, SIZE, 3)
    assert first.images.dtype == np.uint8
    assert first.intact.all()
    for name, row in zip(loads.pool().ids, first.images, strict=True):
        assert (row == expected_pixels(loads.root / name)).all()
    second = loads()
    assert loads.done == 0
    assert second.key == first.key
    assert isinstance(second.images, np.memmap)
    assert (second.images == first.images).all()


def test_only_whole_files_remain(loads: Loads) -> None:
    key = loads().key
    assert {path.name for path in loads.cache.iterdir()} == {
        f"{key}.npy",
        f"{key}.json",
        f"{key}.lock",
    }


def test_another_size_or_content_is_another_cache(loads: Loads) -> None:
    keys = {loads().key, loads(SIZE + 1).key}
    path = loads.root / "cat" / "000.png"
    noise(99).save(path)
    os.utime(path, ns=(0, 123456789))
    changed = loads()
    assert loads.done == 7
    assert (changed.images[0] == expected_pixels(path)).all()
    keys.add(changed.key)
    noise(1).save(loads.root / "dog" / "more.png")
    (loads.root / "dog" / "000.png").unlink()
    keys.add(loads().key)
    assert len(keys) == 4


def test_writing_to_the_images_does_not_reach_the_cache(loads: Loads) -> None:
    first = loads()
    before = first.images.copy()
    first.images[:] = 0
    assert (loads().images == before).all()


@pytest.mark.parametrize(
    "damage",
    [
        lambda rows, record: rows.write_bytes(rows.read_bytes()[:-1]),
        lambda rows, record: rows.write_bytes(rows.read_bytes()[:-1] + b"\x07"),
        lambda rows, record: rows.write_bytes(b""),
        lambda rows, record: rows.write_bytes(b"nonsense" * 100),
        lambda rows, record: rows.unlink(),
        lambda rows, record: np.save(rows, np.zeros((7, 2, 2, 3), np.uint8)),
        lambda rows, record: record.write_text(""),
        lambda rows, record: record.write_text("[]"),
        lambda rows, record: record.write_text('{"crc32": 0, "broken": {}}'),
    ],
)
def test_a_damaged_cache_is_built_again(
    loads: Loads, damage: Callable[[Path, Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    first = loads()
    before = first.images.copy()
    rows, record = (loads.cache / f"{first.key}.{ending}" for ending in ("npy", "json"))
    del first
    damage(rows, record)
    with caplog.at_level(logging.WARNING):
        again = loads()
    assert loads.done == 7
    assert (again.images == before).all()
    assert f"{rows}: damaged cache, decoding the images again" in caplog.messages
    loads()
    assert loads.done == 0


def test_a_build_that_breaks_off_leaves_nothing(loads: Loads) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decoded(loads.pool(), SIZE, loads.cache, stop)
    assert [path.suffix for path in loads.cache.iterdir()] == [".lock"]
    loads()
    assert loads.done == 7


def test_broken_images_are_named_each_time(loads: Loads, caplog: pytest.LogCaptureFixture) -> None:
    whole = (loads.root / "cat" / "001.png").read_bytes()
    (loads.root / "cat" / "001.png").write_bytes(whole[: len(whole) // 2])
    (loads.root / "dog" / "000.png").write_text("no picture")
    (loads.root / "dog" / "link.png").symlink_to("nowhere")
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            found = loads()
        assert found.intact.tolist() == [True, False, True, False, True, True, True, False]
        assert (found.images[~found.intact] == 0).all()
        assert [message.split(" (")[0] for message in caplog.messages] == [
            f"{loads.root / name}: broken image left out"
            for name in ("cat/001.png", "dog/000.png", "dog/link.png")
        ]


def test_running_out_of_memory_does_not_make_an_image_broken(loads: Loads) -> None:
    def exhausted(name: str) -> Image.Image:
        raise MemoryError

    pool = loads.pool()
    full = Pool(pool.place, pool.ids, pool.stamps, pool.labels, lambda: exhausted)
    with pytest.raises(MemoryError):
        decoded(full, SIZE, loads.cache, None)


def test_a_cache_that_cannot_be_written_is_an_error(loads: Loads) -> None:
    loads.cache.write_text("a file")
    with pytest.raises(WorkError) as caught:
        loads()
    message = str(caught.value)
    assert message.startswith(f"cache folder '{loads.cache}': it cannot be written (")
    assert message.endswith(
        "; free some space, or point the environment variable SWEEPCNN_CACHE_DIR to a folder that "
        "has it"
    )


def decode_and_report(root: Path, cache: Path, report: Path) -> None:
    loads = Loads(root, cache)
    images = loads().images
    report.write_text(json.dumps({"decoded": loads.done, "sum": int(images.sum())}))


def test_of_two_processes_only_one_decodes(tmp_path: Path) -> None:
    root, cache = write_folder(tmp_path / "set", {"a": 200, "b": 200}), tmp_path / "cache"
    spawn = multiprocessing.get_context("spawn")
    reports = [tmp_path / f"{number}.json" for number in range(2)]
    processes = [
        spawn.Process(target=decode_and_report, args=(root, cache, report)) for report in reports
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    found = [json.loads(report.read_text()) for report in reports]
    assert sorted(report["decoded"] for report in found) == [0, 400]
    assert found[0]["sum"] == found[1]["sum"]


def test_without_locks_two_builders_do_no_harm(
    loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(file: object, operation: int) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr("fcntl.flock", no_locks)
    together = threading.Barrier(2, timeout=20)
    found = []

    def wait(done: int, total: int) -> None:
        if done == 1:
            together.wait()

    def build() -> None:
        found.append(decoded(loads.pool(), SIZE, loads.cache, wait))

    builders = [threading.Thread(target=build) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert len(found) == 2
    assert (found[0].images == found[1].images).all()
    loads()
    assert loads.done == 0


def test_what_a_killed_builder_left_is_removed_once_it_is_old(tmp_path: Path) -> None:
    for age in (0.0, 2 * ABANDONED_S):
        left = tmp_path / f"key.npy{age:.0f}"
        left.write_bytes(b"half")
        os.utime(left, (time.time() - age, time.time() - age))
    _remove_abandoned(tmp_path, "key")
    assert [path.name for path in tmp_path.iterdir()] == ["key.npy0"]
