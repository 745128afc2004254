import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from sweepcnn.data.sources import open_source, resolve_dataset
from sweepcnn.data.split import training_pool
from sweepcnn.errors import InputError

from .pictures import write_folder, write_npz


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPCNN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("SWEEPCNN_DATASET", raising=False)


def test_the_environment_overrides_the_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_dataset("digits") == "digits"
    monkeypatch.setenv("SWEEPCNN_DATASET", "")
    assert resolve_dataset("digits") == "digits"
    monkeypatch.setenv("SWEEPCNN_DATASET", "/elsewhere")
    assert resolve_dataset("digits") == "/elsewhere"


def test_an_overridden_data_set_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPCNN_DATASET", str(write_folder(tmp_path / "pets", {"a": 3, "b": 3})))
    assert open_source("cifar10").name == "pets"


def test_digits_are_embedded_and_scaled() -> None:
    source = open_source("digits")
    assert source.classes == tuple("0123456789")
    assert len(source.training) == 1797
    assert source.test is None
    read = source.training.reader()
    pixels = np.stack([np.asarray(read(str(row))) for row in range(50)])
    assert pixels.shape == (50, 8, 8, 3)
    assert (pixels.min(), pixels.max()) == (0, 255)


def test_a_folder_is_named_after_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_folder(tmp_path / "pets", {"a": 3, "b": 3}))
    assert open_source(".").name == "pets"


def test_inaturalist_lies_where_fetch_puts_it(tmp_path: Path) -> None:
    for part in ("train", "val"):
        write_folder(tmp_path / "data" / "inaturalist_12K" / part, {"Aves": 2, "Fungi": 2})
    source = open_source("inaturalist")
    assert source.name == "inaturalist"
    assert source.test is not None


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "inaturalist"])
def test_a_public_set_that_is_missing_is_not_downloaded(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        open_source(name)
    message = str(caught.value)
    assert message.startswith(
        f"dataset {name!r}: there is nothing (or nothing whole) at {tmp_path}"
    )
    assert f"`sweepcnn data fetch {name}`" in message
    assert "SWEEPCNN_DATASET" in message
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("dataset", ["cifar-10", "missing.npz", "./nowhere"])
def test_what_is_neither_a_name_nor_there_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        open_source(dataset)
    assert str(caught.value) == (
        f"dataset {dataset!r}: there is nothing (or nothing whole) at {Path(dataset)}, and the "
        "known names are digits, cifar10, cifar100, inaturalist; correct the path, download with "
        "`sweepcnn data fetch NAME`, or point the environment variable SWEEPCNN_DATASET to your "
        "images"
    )


def write_cifar(folder: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Write a small CIFAR-10 in the official format, and have torchvision expect its checksums."""
    from torchvision.datasets import CIFAR10

    folder.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (60, 3072), np.uint8)
    batches = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    sums = []
    for number, name in enumerate(batches):
        batch = {"data": images[number * 10 :][:10], "labels": list(range(10))}
        (folder / name).write_bytes(pickle.dumps(batch))
        sums.append((name, hashlib.md5((folder / name).read_bytes()).hexdigest()))
    meta = folder / "batches.meta"
    meta.write_bytes(pickle.dumps({"label_names": [f"class {n}" for n in range(10)]}))
    monkeypatch.setattr(CIFAR10, "train_list", sums[:5])
    monkeypatch.setattr(CIFAR10, "test_list", sums[5:])
    md5 = hashlib.md5(meta.read_bytes()).hexdigest()
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": md5})
    return images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def test_cifar_is_read_by_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = write_cifar(tmp_path / "data" / "cifar-10-batches-py", monkeypatch)
    source = open_source("cifar10")
    assert source.classes == tuple(f"class {n}" for n in range(10))
    assert source.training.labels.tolist() == list(range(10)) * 5
    assert (np.asarray(source.training.reader()("17")) == images[17]).all()
    assert source.test is not None
    assert (np.asarray(source.test().reader()("3")) == images[53]).all()
    assert set(source.training.stamps) != set(source.test().stamps)


def test_damaged_cifar_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar(tmp_path / "data" / "cifar-10-batches-py", monkeypatch)
    (tmp_path / "data" / "cifar-10-batches-py" / "data_batch_2").write_bytes(b"")
    with pytest.raises(InputError, match="sweepcnn data fetch cifar10"):
        open_source("cifar10")


def test_an_npz_file_is_opened_by_its_ending(tmp_path: Path) -> None:
    images = np.zeros((6, 4, 4), np.uint8)
    path = write_npz(tmp_path / "grey.npz", train_x=images, train_y=np.arange(6) % 2)
    source = open_source(str(path))
    assert source.name == "grey"
    assert len(training_pool(source, 0.2, 0)) == 4
