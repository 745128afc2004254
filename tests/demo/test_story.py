"""The demo's environment: W&B's client knows our backend and nothing else."""

from pathlib import Path

import pytest

from sweepcnn.demo import story


def test_nothing_of_the_callers_wandb_settings_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_ENTITY", "somebody")
    monkeypatch.setenv("SWEEPCNN_DATASET", "/nowhere")
    monkeypatch.setenv("PATH", "/usr/bin")
    found = story.environment(tmp_path, "http://127.0.0.1:1", "key")
    assert "WANDB_MODE" not in found
    assert "WANDB_ENTITY" not in found
    assert "SWEEPCNN_DATASET" not in found
    assert found["WANDB_BASE_URL"] == "http://127.0.0.1:1"
    assert found["WANDB_API_KEY"] == "key"
    assert found["PATH"].endswith("/usr/bin")


def test_what_the_client_writes_stays_in_the_folder(tmp_path: Path) -> None:
    found = story.environment(tmp_path, "http://127.0.0.1:1", "key")
    places = ("DIR", "CONFIG_DIR", "CACHE_DIR", "DATA_DIR", "ARTIFACT_DIR")
    for place in [*(found[f"WANDB_{name}"] for name in places), found["NETRC"]]:
        assert Path(place).is_relative_to(tmp_path)
