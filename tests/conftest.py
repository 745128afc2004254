"""No test sees the settings, the cache or the data of who runs it."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("WANDB_", "SWEEPCNN_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SWEEPCNN_CACHE_DIR", str(tmp_path / "own-cache"))
    monkeypatch.setenv("SWEEPCNN_DATA_DIR", str(tmp_path / "own-data"))
