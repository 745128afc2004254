"""Where data sets and decoded pictures lie on this machine."""

import os
from pathlib import Path

import platformdirs

FETCHED = {
    "inaturalist": "inaturalist_12K",
    "cifar10": "cifar-10-batches-py",
    "cifar100": "cifar-100-python",
}
"""The folder that each public set's archive unpacks to."""


def data_folder(data_dir: Path | None = None) -> Path:
    """Folder of the downloaded data sets.

    `data_dir` wins, then the environment variable SWEEPCNN_DATA_DIR, then `datasets` in the
    user's data folder. It need not exist.
    """
    chosen = data_dir or os.environ.get("SWEEPCNN_DATA_DIR")
    return Path(chosen) if chosen else platformdirs.user_data_path("sweepcnn") / "datasets"


def fetched_folder(name: str, data_dir: Path | None = None) -> Path:
    """Folder of one downloaded data set, a name of `FETCHED`. It need not exist."""
    return data_folder(data_dir) / FETCHED[name]


def cache_folder(cache_dir: Path | None = None) -> Path:
    """Folder of the decoded pictures; everything in it may be deleted at any time.

    `cache_dir` wins, then the environment variable SWEEPCNN_CACHE_DIR, then the user's cache
    folder. It need not exist.
    """
    chosen = cache_dir or os.environ.get("SWEEPCNN_CACHE_DIR")
    return Path(chosen) if chosen else platformdirs.user_cache_path("sweepcnn")
