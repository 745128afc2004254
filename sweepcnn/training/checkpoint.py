"""A trained network as a file: its weights, and what is needed to build and read it."""

import json
import os
import pickle
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sweepcnn.errors import InputError, Problem

_FORMAT = "sweepcnn checkpoint"
_VERSION = 1
_REMEDY = "give a file that `sweepcnn train` wrote"


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds; the weights lie on the CPU."""

    weights: dict[str, Tensor]
    config: dict[str, Any]
    """The run's configuration in plain values."""
    classes: tuple[str, ...]
    """The classes' names in the order of the network's outputs."""
    metrics: dict[str, float | int]


def save_checkpoint(
    path: Path,
    *,
    weights: Mapping[str, Tensor],
    config: Mapping[str, Any],
    classes: Sequence[str],
    metrics: Mapping[str, float | int],
) -> None:
    """Write a checkpoint; whenever this is interrupted, `path` holds the old file or the new one.

    All but the weights must be JSON's values, so that a file which is written can also be read.
    """
    about = {"config": dict(config), "classes": list(classes), "metrics": dict(metrics)}
    contents = {
        "format": _FORMAT,
        "version": _VERSION,
        "about": json.dumps(about),
        "weights": dict(weights),
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            torch.save(contents, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; nothing in the file is executed.

    Raises:
        InputError: the file cannot be read, is damaged, or is not one that we wrote.
    """
    contents = _contents(path)
    if not isinstance(contents, dict) or contents.get("format") != _FORMAT:
        raise InputError(Problem(str(path), "is not a sweepcnn checkpoint", _REMEDY))
    version = contents.get("version")
    if version != _VERSION:
        rule = f"has checkpoint version {version}, and {_VERSION} is read here"
        raise InputError(Problem(str(path), rule, "use the version of sweepcnn that wrote it"))
    about = json.loads(contents["about"])
    return Checkpoint(
        weights=contents["weights"],
        config=about["config"],
        classes=tuple(about["classes"]),
        metrics=about["metrics"],
    )


def _contents(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            # torch.load passes over the archive's checksums (and reads a bare pickle, too, its
            # format before 1.6): a flipped bit would become a wrong weight without a word.
            with zipfile.ZipFile(file) as archive:
                if archive.testzip() is not None:
                    raise InputError(Problem(str(path), "is damaged", _REMEDY))
            file.seek(0)
            # weights_only: tensors and plain values, and no code that a pickle may ask to run.
            return torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        rule = f"cannot be read ({error.strerror})"
        raise InputError(Problem(str(path), rule, _REMEDY)) from error
    except zipfile.BadZipFile as error:
        rule = "is truncated or not a checkpoint at all"
        raise InputError(Problem(str(path), rule, _REMEDY)) from error
    except pickle.UnpicklingError as error:
        rule = "holds more than tensors and plain values"
        raise InputError(Problem(str(path), rule, _REMEDY)) from error
    except (RuntimeError, EOFError, LookupError, ValueError, zlib.error) as error:
        raise InputError(Problem(str(path), "is damaged", _REMEDY)) from error
