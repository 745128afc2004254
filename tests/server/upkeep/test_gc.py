"""What is removed, what stays, and that nothing acknowledged is ever lost."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sweepcnn.errors import InputError, WorkError
from sweepcnn.server.locks import Lock
from sweepcnn.server.upkeep.doctor import examine
from sweepcnn.server.upkeep.gc import Removed, collect
from sweepcnn.storage import artifact_aliases, artifacts, deleted_runs, runs
from sweepcnn.storage.blob_files import BlobFolder
from sweepcnn.storage.database import Database
from tests.conftest import DATABASES
from tests.server.processes import server_process
from tests.server.upkeep.conftest import Estate, age, furnished


@pytest.fixture(params=DATABASES)
def estate(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Estate]:
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").new_database()
    with furnished(tmp_path, url) as found:
        yield found


def clean(estate: Estate, keep: int | None = None, *, dry_run: bool = False) -> Removed:
    return collect(estate.database, estate.data_dir, keep_checkpoints=keep, dry_run=dry_run)


def test_what_nothing_refers_to_is_removed_and_all_else_stays(estate: Estate) -> None:
    run = estate.run("r")
    file = estate.file(run, "a.txt", b"file")
    _, model = estate.artifact("m", b"model")
    _, pending = estate.artifact("m", b"pending", state="PENDING")
    orphan, young = estate.blob(b"orphan!"), estate.blob(b"young", young=True)
    removed = clean(estate)
    assert (removed.blobs, removed.blob_bytes, removed.checkpoints) == (1, 7, ())
    assert not estate.has(orphan)
    for kept in (file, model, pending, young):
        assert kept is not None
        assert estate.has(kept)
    assert clean(estate).blobs == 0


def test_a_file_that_was_replaced_or_whose_run_is_gone_is_removed(estate: Estate) -> None:
    run = estate.run("r")
    before, after = estate.file(run, "a", b"before"), estate.file(run, "a", b"after")
    assert clean(estate).blobs == 1
    assert not estate.has(before)
    assert estate.has(after)


def test_the_bytes_of_a_deleted_version_stay_while_another_names_them(estate: Estate) -> None:
    first, shared = estate.artifact("m", b"shared")
    assert shared is not None
    second, own = estate.artifact("m", b"own", shares=(shared,))
    assert own is not None
    estate.delete(first)
    assert clean(estate).blobs == 0
    assert estate.has(shared)
    estate.delete(second)
    assert clean(estate).blobs == 2
    assert not estate.has(shared)
    assert not estate.has(own)


def test_artifacts_that_went_with_their_run_are_let_go_of(estate: Estate) -> None:
    made = estate.run("r")
    _, blob = estate.artifact("m", b"model", run_id=made)
    assert blob is not None
    with estate.database.write() as writing:
        run = runs.by_id(writing, made)
        assert run is not None
        deleted_runs.delete(writing, run, artifacts=True)
    assert clean(estate).blobs == 1
    assert not estate.has(blob)


def test_leftovers_of_uploads_are_removed_once_they_are_old(estate: Estate) -> None:
    incoming = estate.data_dir / "blobs" / "incoming"
    for name, seconds in (("tmpold", 7200), ("tmpnew", 60), ("upload-1-part-1", 7200)):
        (incoming / name).write_bytes(b"12345")
        age(incoming / name, seconds)
    removed = clean(estate)
    assert (removed.leftovers, removed.leftover_bytes) == (1, 5)
    assert sorted(path.name for path in incoming.iterdir()) == ["tmpnew", "upload-1-part-1"]


def ended_sweep(estate: Estate, state: str = "FINISHED") -> list[tuple[int, int]]:
    """Make a sweep of five runs; gives run and checkpoint of each, from the best to the worst."""
    sweep = estate.sweep(state)
    made = []
    for number, score in enumerate((0.5, 0.9, 0.7, None, 0.9)):
        summary = "{}" if score is None else json.dumps({"score": score})
        run = estate.run(f"r{sweep}-{number}", sweep_id=sweep, summary=summary)
        checkpoint, _ = estate.artifact(
            f"model-{sweep}-{number}", f"{sweep}-{number}".encode(), run_id=run
        )
        made.append((run, checkpoint))
    return [made[index] for index in (1, 4, 2, 0, 3)]


@pytest.mark.parametrize("keep", [1, 2, 4, 5, 9])
def test_checkpoints_beyond_the_best_runs_are_removed(estate: Estate, keep: int) -> None:
    made = ended_sweep(estate)
    removed = clean(estate, keep)
    assert sorted(found.artifact_id for found in removed.checkpoints) == sorted(
        checkpoint for _, checkpoint in made[keep:]
    )
    assert removed.blobs == len(made[keep:])
    assert clean(estate, keep).checkpoints == ()


def test_checkpoints_stay_unless_that_is_asked_for(estate: Estate) -> None:
    ended_sweep(estate)
    assert clean(estate).checkpoints == ()


@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "PAUSED"])
def test_checkpoints_of_a_sweep_that_goes_on_stay(estate: Estate, state: str) -> None:
    ended_sweep(estate, state)
    assert clean(estate, 1).checkpoints == ()


def test_checkpoints_stay_while_a_run_of_the_sweep_is_alive(estate: Estate) -> None:
    sweep = estate.sweep("FINISHED")
    estate.run("live", sweep_id=sweep, state="running")
    for number in range(3):
        run = estate.run(f"r{number}", sweep_id=sweep, summary='{"score": 1}')
        estate.artifact(f"m{number}", str(number).encode(), run_id=run)
    assert clean(estate, 1).checkpoints == ()


def test_checkpoints_of_a_sweep_without_a_metric_stay(estate: Estate) -> None:
    sweep = estate.sweep("FINISHED", "{method: random, parameters: {x: {value: 1}}}")
    for number in range(3):
        run = estate.run(f"r{number}", sweep_id=sweep, summary='{"score": 1}')
        estate.artifact(f"m{number}", str(number).encode(), run_id=run)
    assert clean(estate, 1).checkpoints == ()


def test_a_sweep_that_minimises_keeps_its_least(estate: Estate) -> None:
    config = "{method: random, metric: {name: loss, goal: minimize}, parameters: {x: {value: 1}}}"
    sweep = estate.sweep("CANCELED", config)
    made = []
    for number, loss in enumerate((0.5, 0.1, 0.9)):
        run = estate.run(f"r{number}", sweep_id=sweep, summary=json.dumps({"loss": loss}))
        made.append(estate.artifact(f"m{number}", str(number).encode(), run_id=run)[0])
    removed = clean(estate, 1)
    assert [found.artifact_id for found in removed.checkpoints] == [made[0], made[2]]


def test_checkpoints_that_somebody_wants_stay(estate: Estate) -> None:
    made = ended_sweep(estate)
    other = estate.run("other")
    with estate.database.write() as writing:
        named = artifacts.get(writing, made[2][1])
        assert named is not None
        artifact_aliases.put(writing, named.collection_id, named.id, ["production"])
        artifacts.link_run(writing, other, made[3][1], "input")
        artifacts.link_run(writing, made[4][0], made[4][1], "input")  # its own: no other run's
    removed = clean(estate, 1)
    assert {found.artifact_id for found in removed.checkpoints} == {made[1][1], made[4][1]}


def test_artifacts_of_other_types_stay(estate: Estate) -> None:
    sweep = estate.sweep("FINISHED")
    for number in range(2):
        run = estate.run(f"r{number}", sweep_id=sweep, summary=json.dumps({"score": number}))
        estate.artifact(f"d{number}", str(number).encode(), type_="dataset", run_id=run)
    assert clean(estate, 1).checkpoints == ()


def test_a_dry_run_tells_the_same_and_changes_nothing(estate: Estate) -> None:
    ended_sweep(estate)
    gone, _ = estate.artifact("gone", b"gone")
    estate.delete(gone)
    estate.blob(b"orphan")
    age_of_leftover = estate.data_dir / "blobs" / "incoming" / "tmpx"
    age_of_leftover.write_bytes(b"x")
    age(age_of_leftover)
    rows, files = estate.rows(), estate.files()
    told = clean(estate, 2, dry_run=True)
    assert estate.rows() == rows
    assert estate.files() - files <= {estate.data_dir / "gc.lock"}
    assert files <= estate.files()
    assert clean(estate, 2) == told
    assert told.blobs == 5


def test_the_files_of_another_database_are_left_alone(estate: Estate, tmp_path: Path) -> None:
    blob = estate.blob(b"needed elsewhere")
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(InputError, match="has not been used with this database"):
        collect(other, estate.data_dir, keep_checkpoints=None, dry_run=False)
    with furnished(tmp_path / "there") as there:
        with pytest.raises(InputError, match="does not belong to this database"):
            collect(there.database, estate.data_dir, keep_checkpoints=None, dry_run=False)
        place = f"sqlite:///{there.data_dir / 'sweepcnn.db'}"
        found = examine(estate.data_dir, place, quick=True)
    assert any("does not belong to this database" in str(problem) for problem in found.problems)
    assert estate.has(blob)
    other.close()


def test_two_at_once_are_refused(estate: Estate) -> None:
    lock = Lock(estate.data_dir / "gc.lock")
    with pytest.raises(WorkError, match=f"process {os.getpid()}"):
        clean(estate)
    lock.release()
    clean(estate)


def test_a_blob_that_is_uploaded_anew_between_look_and_deletion_stays(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = estate.blob(b"content")
    moved = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if target.parent.name == "trash":
            estate.blob(b"content", young=True)  # the upload wins the race
        return moved(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    assert clean(estate).blobs == 0
    assert estate.blobs.read(orphan.sha256) == b"content"


def test_what_a_killed_process_had_moved_aside_is_put_back(estate: Estate) -> None:
    run = estate.run("r")
    file = estate.file(run, "a", b"content")
    trash = estate.data_dir / "blobs" / "trash"
    trash.mkdir()
    estate.blobs.path(file.sha256).rename(trash / file.sha256)
    clean(estate)
    assert estate.blobs.read(file.sha256) == b"content"


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_while_a_server_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes are uploaded, replaced and cleaned up again and again."""
    monkeypatch.setattr("sweepcnn.storage.blob_files.YOUNG_S", 2.0)
    contents = [bytes([number]) * 100 for number in range(60)]  # a round takes longer than that
    with server_process(tmp_path / "data") as running:
        wire = running.wire()
        ended = threading.Event()
        rounds: list[Removed] = []

        def sweep_up() -> None:
            database = Database(f"sqlite:///{running.data_dir / 'sweepcnn.db'}")
            while not ended.wait(0.2):
                found = collect(database, running.data_dir, keep_checkpoints=None, dry_run=False)
                rounds.append(found)
            database.close()

        cleaner = threading.Thread(target=sweep_up)
        with wire.http:
            run = wire.start_run()
            url = wire.upload_url(run, "a.bin")
            query = "files(first: 1) { edges { node { directUrl } } }"
            cleaner.start()
            try:
                for number in range(150):
                    content = contents[number % len(contents)]
                    assert httpx.put(url, content=content).status_code == 200
                    (edge,) = wire.run(run, query)["files"]["edges"]
                    got = httpx.get(edge["node"]["directUrl"])
                    assert (got.status_code, got.content) == (200, content)
            finally:
                ended.set()
                cleaner.join()
    assert sum(found.blobs for found in rounds) > 0
    assert BlobFolder(running.data_dir / "blobs").restore() == 0
