import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sweepcnn.config import RunConfig
from sweepcnn.errors import InputError
from sweepcnn.models import build
from sweepcnn.plan import expand
from sweepcnn.training import Checkpoint, load_checkpoint, restore, save_checkpoint

CONFIG: dict[str, Any] = {"preset": "e-small", "dense_units": [7], "batch_norm": True}
CLASSES = ("cat", "dog", "Katze mit ä")
METRICS: dict[str, float | int] = {"epoch": 3, "val_accuracy": 0.1 + 0.2}


def weights(*, seed: int = 0) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    config = RunConfig.model_validate(CONFIG)
    state: dict[str, Tensor] = build(
        expand(config, image_size=config.image_size, classes=len(CLASSES))
    ).state_dict()
    return state


def save(path: Path, *, seed: int = 0, config: dict[str, Any] | None = None) -> None:
    save_checkpoint(
        path,
        weights=weights(seed=seed),
        config=RunConfig.model_validate(CONFIG).model_dump() if config is None else config,
        classes=CLASSES,
        metrics=METRICS,
    )


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_checkpoint(path)
    [problem] = caught.value.problems
    assert problem.value == str(path)
    assert problem.remedy
    return problem.rule


def test_a_checkpoint_comes_back_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    save(path)
    checkpoint = load_checkpoint(path)
    saved = weights()
    assert checkpoint.weights.keys() == saved.keys()
    for name, tensor in saved.items():
        assert checkpoint.weights[name].dtype == tensor.dtype
        assert torch.equal(checkpoint.weights[name], tensor)
    assert checkpoint.classes == CLASSES
    assert checkpoint.metrics == METRICS
    assert RunConfig.model_validate(checkpoint.config) == RunConfig.model_validate(CONFIG)
    assert [file.name for file in tmp_path.iterdir()] == ["best.pt"]


def test_a_new_checkpoint_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    save(path, seed=0)
    save(path, seed=1)
    assert torch.equal(
        load_checkpoint(path).weights["output.weight"], weights(seed=1)["output.weight"]
    )


def test_interrupted_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "best.pt"
    save(path)
    before = path.read_bytes()

    def half_a_write(contents: object, file: Any) -> None:
        file.write(b"half of")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", half_a_write)
    with pytest.raises(KeyboardInterrupt):
        save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["best.pt"]


def test_values_that_could_not_be_read_back_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="JSON"):
        save(tmp_path / "best.pt", config={"dataset": tmp_path})
    assert list(tmp_path.iterdir()) == []


class Malicious:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.witness,)


def test_code_in_a_file_is_refused_and_not_run(tmp_path: Path) -> None:
    path, witness = tmp_path / "evil.pt", tmp_path / "ran"
    torch.save({"format": "sweepcnn checkpoint", "weights": Malicious(witness)}, path)
    assert "more than tensors and plain values" in refused(path)
    path.write_bytes(pickle.dumps(Malicious(witness)))
    assert "not a checkpoint" in refused(path)
    assert not witness.exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "best.pt"
    save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert "truncated" in refused(path)


@pytest.mark.parametrize("name", ["block1_conv.weight", "output.bias"])
def test_a_single_flipped_bit_in_the_weights_is_noticed(tmp_path: Path, name: str) -> None:
    path = tmp_path / "best.pt"
    save(path)
    contents = bytearray(path.read_bytes())
    contents[contents.index(weights()[name].numpy().tobytes())] ^= 1
    path.write_bytes(contents)
    assert refused(path) == "is damaged"


def test_a_file_without_its_middle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 4] + whole[len(whole) // 2 :])
    assert refused(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save(weights(), path)
    assert "not a sweepcnn checkpoint" in refused(path)
    torch.save([1, 2], path)
    assert "not a sweepcnn checkpoint" in refused(path)
    path.write_text("no checkpoint at all")
    assert "not a checkpoint" in refused(path)


def test_paths_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "none.pt")
    assert "directory" in refused(tmp_path)


def test_a_checkpoint_of_a_later_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    torch.save({"format": "sweepcnn checkpoint", "version": 2}, path)
    assert refused(path) == "has checkpoint version 2, and 1 is read here"


def test_the_restored_network_gives_the_same_scores(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    save(path)
    config = RunConfig.model_validate(CONFIG)
    original = build(expand(config, image_size=config.image_size, classes=len(CLASSES)))
    original.load_state_dict(weights())
    restored = restore(load_checkpoint(path))
    images = torch.rand(4, 3, config.image_size, config.image_size)
    assert not restored.training
    assert torch.equal(restored(images), original.eval()(images))


def test_weights_of_another_network_are_refused() -> None:
    checkpoint = Checkpoint(weights(), CONFIG | {"dense_units": [8]}, CLASSES, {})
    with pytest.raises(InputError, match="weights do not fit"):
        restore(checkpoint)


def test_a_configuration_that_is_not_valid_is_told_in_its_own_words() -> None:
    checkpoint = Checkpoint(weights(), CONFIG | {"kernel_sice": 3}, CLASSES, {})
    with pytest.raises(InputError, match="did you mean kernel_size"):
        restore(checkpoint)
