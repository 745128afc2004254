"""Artifacts through the unmodified wandb client: manifests, links, aliases, deletion, lineage."""

import json
from typing import Any

import pytest

from tests.server.client import Client

pytestmark = pytest.mark.each_database

PRELUDE = """
    import json, os, wandb
    from datetime import timedelta
    from pathlib import Path

    def filled(name, type="dataset", incremental=False, **files):
        made = wandb.Artifact(name, type, incremental=incremental)
        for path, text in files.items():
            with made.new_file(path.replace("_", "/") + ".txt") as file:
                file.write(text)
        return made

    def contents(artifact, **options):
        folder = Path(artifact.download(f"got-{os.urandom(4).hex()}", **options))
        return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}

    def refused(call, *words, **options):
        try:
            call(*words, **options)
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def tell(**facts):
        print()
        print(json.dumps(facts))
"""


@pytest.fixture(scope="module")
def client(client_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(client_env, tmp_path_factory.mktemp("artifacts"))


def run(client: Client, name: str, text: str, *words: str) -> Any:
    return client.facts(f"of_{name}.py", PRELUDE + text, *words)


# Manifests


INCREMENTAL = """
    with wandb.init(project="incremental") as run:
        run.log_artifact(filled("data", a="one", b="two")).wait()
        grown = run.log_artifact(filled("data", incremental=True, b="changed", c="three")).wait()
        alone = run.log_artifact(filled("other", incremental=True, x="x")).wait()
        table = wandb.Table(columns=["n"], log_mode="INCREMENTAL")
        for number in range(3):
            table.add_data(number)
            run.log({"table": table})
    api = wandb.Api()
    grown = api.artifact("incremental/data:latest")
    name = f"incremental/run-{run.id}-incr-table:latest"
    rows = api.artifact(name).get(sorted(api.artifact(name).manifest.entries)[-1].removesuffix(
        ".table.json"))
    tell(version=grown.version, contents=contents(grown), size=grown.size, count=grown.file_count,
         digest=grown.digest == grown.manifest.digest(), verified=grown.verify(grown.download()),
         old=contents(api.artifact("incremental/data:v0")),
         alone=contents(api.artifact("incremental/other:v0")),
         increments=len(api.artifact(name).manifest.entries), rows=rows.data)
"""


def test_an_increment_is_laid_upon_the_version_before(client: Client) -> None:
    found = run(client, "incremental", INCREMENTAL)
    assert found["version"] == "v1"
    assert found["contents"] == {"a.txt": "one", "b.txt": "changed", "c.txt": "three"}
    assert (found["size"], found["count"], found["digest"]) == (15, 3, True)
    assert found["old"] == {"a.txt": "one", "b.txt": "two"}
    assert found["alone"] == {"x.txt": "x"}
    assert (found["increments"], found["rows"]) == (3, [[0], [1], [2]])


WRITER = """
    import sys
    number = sys.argv[1]
    with wandb.init(project="distributed", group="writers") as run:
        run.upsert_artifact(
            filled("parts", **{f"part_{number}": number}), distributed_id=sys.argv[2]).wait()
    tell(run=run.id)
"""
FINISHER = """
    import sys
    with wandb.init(project="distributed") as run:
        done = run.finish_artifact(
            filled("parts", last="end"), aliases=["whole"], distributed_id=sys.argv[1]).wait()
    api = wandb.Api()
    hidden = refused(api.artifact, "distributed/parts:latest")
    found = api.artifact("distributed/parts:whole")
    runs = [r.id for r in api.runs("distributed")
            if found.source_name in [a.name for a in r.logged_artifacts()]]
    tell(version=found.version, contents=contents(found), aliases=sorted(found.aliases),
         digest=found.digest == found.manifest.digest(), runs=sorted(runs), run=run.id)
"""
UNFINISHED = """
    api = wandb.Api()
    tell(found=refused(api.artifact, "distributed/parts:latest"),
         listed=[c.name for c in api.artifact_type("dataset", "distributed").collections()],
         versions=len(api.artifacts("dataset", "distributed/parts")))
"""


def test_several_writers_make_one_version(client: Client) -> None:
    writers = [
        client.start(client.script(f"writer{n}.py", PRELUDE + WRITER), str(n), "first")
        for n in range(3)
    ]
    runs = [json_of(writer.ended())["run"] for writer in writers]
    before = run(client, "unfinished", UNFINISHED)
    assert "not found" in before["found"]
    assert (before["listed"], before["versions"]) == (["parts"], 0)
    found = run(client, "finisher", FINISHER, "first")
    assert found["version"] == "v0"
    assert found["contents"] == {
        "last.txt": "end",
        **{f"part/{n}.txt": str(n) for n in range(3)},
    }
    assert found["aliases"] == ["latest", "whole"]
    assert found["digest"]
    assert found["runs"] == sorted([*runs, found["run"]])
    again = run(client, "finisher", FINISHER, "first")  # the id is free for a new version
    assert (again["version"], again["contents"]) == ("v1", {"last.txt": "end"})


def json_of(output: str) -> Any:
    return json.loads(output.strip().splitlines()[-1])


# Dedupe


DEDUPE = """
    with wandb.init(project="dedupe") as run:
        run.log_artifact(filled("data", a="A"), aliases=["x"]).wait()
        run.log_artifact(filled("data", a="B"), aliases=["y"]).wait()
        back = run.log_artifact(filled("data", a="A"), aliases=["y", "z"], tags=["t"]).wait()
        other = run.log_artifact(filled("elsewhere", b="A")).wait()
        clash = refused(run.log_artifact, filled("data", type="model", a="A"))
    api = wandb.Api()
    v0, v1 = api.artifact("dedupe/data:v0"), api.artifact("dedupe/data:v1")
    tell(back=back.version, v0=sorted(v0.aliases), v1=sorted(v1.aliases), tags=v0.tags,
         latest=contents(api.artifact("dedupe/data:latest")), clash=clash,
         elsewhere=contents(other),
         logged=[a.name for a in api.run(f"dedupe/{run.id}").logged_artifacts()])
"""


def test_the_same_content_is_the_same_version(client: Client) -> None:
    found = run(client, "dedupe", DEDUPE)
    assert found["back"] == "v0"
    assert (found["v0"], found["v1"]) == (["latest", "x", "y", "z"], [])
    assert found["tags"] == ["t"]
    assert found["latest"] == {"a.txt": "A"}
    assert "already exists with type 'dataset'" in found["clash"]
    assert found["elsewhere"] == {"b.txt": "A"}
    assert found["logged"] == ["data:v0", "data:v1", "elsewhere:v0"]


# Names


NAMES = """
    with wandb.init(project="names") as run:
        for number in range(3):
            run.log_artifact(filled("data", a=str(number)), aliases=[f"is{number}"]).wait()
        version_name = refused(run.log_artifact(filled("data", a="9"), aliases=["v7"]).wait)
    api = wandb.Api()
    path = f"{api.default_entity}/names/data"
    named = {name: api.artifact(name).version for name in (
        path, f"{path}:is1", f"{path}:v0", "names/data:latest")}
    named["digest"] = api.artifact(f"names/data:{api.artifact('names/data:v1').digest}").version
    v0 = api.artifact("names/data:v0")
    v0.aliases = ["is2", "new"]
    v0.tags = ["red", "deep blue"]
    v0.description, v0.ttl = "zero", timedelta(days=3)
    v0.save()
    once = wandb.Api().artifact("names/data:new")
    state = [once.version, sorted(once.aliases), sorted(once.tags), once.description,
             once.ttl.total_seconds()]
    once.tags, once.ttl, once.description = ["red"], None, ""
    once.save()
    twice = wandb.Api().artifact("names/data:new")
    twice.ttl = wandb.ArtifactTTL.INHERIT
    v2 = wandb.Api().artifact("names/data:v2")
    v2.aliases = ["v1"]
    tell(named=named, state=state, twice=[twice.tags, once.ttl, once._ttl_is_inherited,
         twice.description], v1=sorted(wandb.Api().artifact("names/data:v1").aliases),
         bad=refused(v2.save), version_name=version_name,
         left=sorted(wandb.Api().artifact("names/data:v2").aliases))
"""


def test_versions_are_found_by_every_name(client: Client) -> None:
    found = run(client, "names", NAMES)
    entity = "local"
    assert found["named"] == {
        f"{entity}/names/data": "v2",
        f"{entity}/names/data:is1": "v1",
        f"{entity}/names/data:v0": "v0",
        "names/data:latest": "v2",
        "digest": "v1",
    }
    expected = ["v0", ["is2", "new"], ["deep blue", "red"], "zero", 3 * 24 * 3600]
    assert found["state"] == expected
    assert found["twice"] == [["red"], None, False, ""]
    assert found["v1"] == ["is1"]
    assert found["left"] == ["latest"]
    assert "v1" in found["bad"]
    assert "alias 'v7'" in found["version_name"]


# Collections


COLLECTIONS = """
    with wandb.init(project="collections") as run:
        for name in ("one", "two", "three"):
            run.log_artifact(filled(name, a=name)).wait()
        run.log_artifact(filled("weights", type="model", a="w")).wait()
    api = wandb.Api()
    one = api.artifact_collection("dataset", "collections/one")
    one.name, one.description, one.tags, one.type = "first", "described", ["a", "b"], "corpus"
    one.save()
    one = wandb.Api().artifact_collection("corpus", "collections/first")
    state = [one.name, one.type, one.description, sorted(one.tags), one.aliases,
             one.is_sequence(), one.updated_at >= one.created_at]
    one.tags, one.description = ["b", "c"], ""
    one.save()
    one = wandb.Api().artifact_collection("corpus", "collections/first")
    two = api.artifact_collection("dataset", "collections/two")
    two.name = "three"
    taken = refused(two.save)
    api.artifact_collection("dataset", "collections/two").delete()
    gone = refused(wandb.Api().artifact, "collections/two:v0")
    with wandb.init(project="collections") as run:
        anew = run.log_artifact(filled("two", a="anew")).wait()
    api = wandb.Api()
    tell(state=state, then=[sorted(one.tags), one.description], taken=taken, gone=gone,
         anew=anew.version, types=sorted(t.name for t in api.artifact_types("collections")),
         listed=[c.name for c in api.artifact_type("dataset", "collections").collections()],
         paged=[c.name for c in api.artifact_collections("collections", "dataset", per_page=1)],
         ordered=[c.name for c in api.artifact_type("dataset", "collections").collections(
             filters={"name": {"$regex": "^t"}, "description": None}, order="+name")],
         unknown=refused(list, api.artifact_type("dataset", "collections").collections(
             filters={"colour": "red"})),
         versions=[a.version for a in api.artifacts("corpus", "collections/first")])
"""


def test_collections_are_changed_and_deleted(client: Client) -> None:
    found = run(client, "collections", COLLECTIONS)
    expected = ["first", "corpus", "described", ["a", "b"], ["latest"], True, True]
    assert found["state"] == expected
    assert found["then"] == [["b", "c"], ""]
    assert "'three' exists already" in found["taken"]
    assert "not found" in found["gone"]
    assert found["anew"] == "v0"
    assert found["types"] == ["corpus", "dataset", "model"]
    assert found["listed"] == found["paged"] == ["two", "three"]
    assert found["ordered"] == ["three", "two"]
    assert "'colour' is unknown" in found["unknown"]
    assert found["versions"] == ["v0"]


# Deletion


DELETION = """
    with wandb.init(project="deletion") as run:
        for number in range(4):
            run.log_artifact(filled("data", kept="kept", own=str(number))).wait()
    api = wandb.Api()
    newest = api.artifact("deletion/data:v3")
    named = refused(newest.delete)
    newest.delete(delete_aliases=True)
    api.artifact("deletion/data:v0").delete()
    fresh = wandb.Api()
    latest = fresh.artifact("deletion/data:latest")
    draft = latest.new_draft()
    with draft.new_file("more.txt") as file:
        file.write("more")
    with wandb.init(project="deletion") as run:
        after = run.log_artifact(draft).wait()
        again = run.log_artifact(filled("data", kept="kept", own="3")).wait()
    fresh = wandb.Api()
    tell(named=named, latest=latest.version, contents=contents(latest), after=after.version,
         drafted=contents(fresh.artifact("deletion/data:v4")), again=again.version,
         gone=[refused(fresh.artifact, f"deletion/data:v{n}") for n in (0, 3)],
         left=[a.version for a in fresh.artifacts("dataset", "deletion/data")])
"""


def test_a_deleted_version_is_gone_and_its_number_is_not_used_again(client: Client) -> None:
    found = run(client, "deletion", DELETION)
    assert "'data:v3' has existing aliases: latest; delete it with delete_aliases" in found["named"]
    assert (found["latest"], found["contents"]) == ("v2", {"kept.txt": "kept", "own.txt": "2"})
    assert found["after"] == "v4"
    assert found["drafted"] == {"kept.txt": "kept", "own.txt": "2", "more.txt": "more"}
    assert found["again"] == "v5"
    assert all("not found" in gone for gone in found["gone"])
    assert found["left"] == ["v5", "v4", "v2", "v1"]


# Links


LINKS = """
    entity = wandb.Api().default_entity
    with wandb.init(project="shelf") as run:
        run.log_artifact(filled("seed", a="s")).wait()
    with wandb.init(project="links") as run:
        first = run.log_artifact(filled("data", a="1"), aliases=["mine"]).wait()
        second = run.log_artifact(filled("data", a="2")).wait()
        linked = run.link_artifact(first, "shelf/best", aliases=["prod"])
        again = run.link_artifact(first, "shelf/best", aliases=["again"])
        newer = second.link(f"{entity}/shelf/best", aliases=["prod"])
        model = run.log_artifact(filled("net", type="model", w="w")).wait()
        path = Path("weights.bin")
        path.write_text("bytes")
        modelled = run.link_model(str(path), "cats", name="cat-net", aliases=["live"])
        wrong = {
            "sequence": refused(first.link, "shelf/seed"),
            "type": refused(model.link, "shelf/best"),
            "project": refused(first.link, "nowhere/best"),
            "entity": refused(first.link, "stranger/shelf/best"),
            "registry": refused(first.link, f"{entity}/wandb-registry-x/best"),
            "version": refused(first.link, "shelf/best", aliases=["v9"]),
        }
        used = run.use_artifact("shelf/best:again")
    api = wandb.Api()
    found = api.artifact("shelf/best:v0")
    facts = {
        "versions": [linked.version, again.version, newer.version], "is_link": found.is_link,
        "name": [found.qualified_name, found.source_qualified_name, found.version],
        "aliases": [sorted(api.artifact(f"shelf/best:v{n}").aliases) for n in (0, 1)],
        "own": sorted(api.artifact("links/data:v0").aliases), "contents": contents(found),
        "files": [f.name for f in found.files()], "linked_at": bool(found.linked_at),
        "listed": [a.version for a in api.artifacts("dataset", "shelf/best")],
        "links": [l.qualified_name for l in api.artifact("links/data:v0").linked_artifacts],
        "source": found.source_artifact.qualified_name,
        "sequence": api.artifact_collection("dataset", "shelf/best").is_sequence(),
        "model": [modelled.qualified_name, sorted(modelled.aliases)],
        "used_by": [r.id for r in found.used_by()], "run": run.id,
    }
    newer = api.artifact("shelf/best:v1")
    newer.aliases.append("extra")
    newer.save()
    facts["extra"] = sorted(wandb.Api().artifact("shelf/best:extra").aliases)
    newer.unlink()
    facts["latest"] = wandb.Api().artifact("shelf/best:latest").version
    facts["relinked"] = wandb.Api().artifact("links/data:v1").link("shelf/best").version
    facts["not linked"] = refused(wandb.Api().artifact("links/data:v0").unlink)
    wandb.Api().artifact("shelf/best:v0").delete()
    facts["source stays"] = wandb.Api().artifact("links/data:v0").version
    wandb.Api().artifact("links/data:v1").delete(delete_aliases=True)
    facts["empty"] = len(wandb.Api().artifacts("dataset", "shelf/best"))
    shelf = wandb.Api().artifact_collection("dataset", "shelf/best")
    shelf.name, shelf.description, shelf.tags = "finest", "hand-picked", ["t"]
    shelf.save()
    shelf = wandb.Api().artifact_collection("dataset", "shelf/finest")
    facts["shelf"] = [shelf.name, shelf.description, shelf.tags]
    shelf.delete()
    facts["left"] = [c.name for c in wandb.Api().artifact_type("dataset", "shelf").collections()]
    tell(wrong=wrong, **facts)
"""


@pytest.fixture(scope="module")
def linked(client: Client) -> Any:
    return run(client, "links", LINKS)


def test_versions_are_linked_to_portfolios(linked: Any) -> None:
    found = linked
    assert found["versions"] == ["v0", "v0", "v1"]
    assert found["is_link"]
    assert found["name"] == ["local/shelf/best:v0", "local/links/data:v0", "v0"]
    assert found["aliases"] == [["again"], ["latest", "prod"]]
    assert found["own"] == ["mine"]
    assert (found["contents"], found["files"]) == ({"a.txt": "1"}, ["a.txt"])
    assert found["linked_at"]
    assert found["listed"] == ["v1", "v0"]
    assert found["links"] == ["local/shelf/best:v0"]
    assert found["source"] == "local/links/data:v0"
    assert found["sequence"] is False
    assert found["model"] == ["local/model-registry/cats:v0", ["latest", "live"]]
    assert found["used_by"] == [found["run"]]
    assert found["extra"] == ["extra", "latest", "prod"]
    assert found["latest"] == "v0"
    assert found["relinked"] == "v2"
    assert "not a linked artifact" in found["not linked"]
    assert found["source stays"] == "v0"
    assert found["empty"] == 0
    assert found["shelf"] == ["finest", "hand-picked", ["t"]]
    assert found["left"] == ["seed"]


def test_links_that_cannot_be_are_refused(linked: Any) -> None:
    wrong = linked["wrong"]
    assert "versions logged there" in wrong["sequence"]
    assert "is of type 'dataset'" in wrong["type"]
    assert "'nowhere' not found" in wrong["project"]
    assert "not found" in wrong["entity"]
    assert wrong["registry"]
    assert "alias 'v9'" in wrong["version"]


# References and parts


REFERENCES = """
    Path("outside.txt").write_text("outside")
    with wandb.init(project="references") as run:
        base = run.log_artifact(filled("base", a="one", dir_b="two")).wait()
        made = wandb.Artifact("refers", "dataset")
        made.add_reference(f"file://{Path('outside.txt').absolute()}", name="out.txt")
        made.add_reference(base.get_entry("dir/b.txt"), name="taken.txt")
        made.add(wandb.Table(columns=["a"], data=[[1], [2]]), "table")
        run.log_artifact(made).wait()
        far = wandb.Artifact("far", "dataset")
        far.add_reference("https://example.invalid/x", name="x", checksum=False)
        run.log_artifact(far).wait()
        first, second = wandb.Artifact("f", "dataset"), wandb.Artifact("s", "dataset")
        table = wandb.Table(columns=["a"], data=[[7]])
        first.add(table, "table")
        second.add(table, "again")
        run.log_artifact(first)
        run.log_artifact(second).wait()
    api = wandb.Api()
    refers = api.artifact("references/refers:v0")
    folder = Path(refers.download("refers", path_prefix="t"))
    Path(folder, "stray.txt").write_text("stray")
    whole = api.artifact("references/base:v0")
    Path("out").mkdir()
    Path("out/stray.txt").write_text("stray")
    checked_out = sorted(str(p.relative_to("out")) for p in Path(whole.checkout("out")).rglob("*"))
    tell(far=[[f.name, f.path_uri] for f in api.artifact("references/far:v0").files()],
         names=sorted(f.name for f in refers.files()), count=refers.file_count,
         got=sorted(p.name for p in folder.iterdir()), taken=(folder / "taken.txt").read_text(),
         outside=Path(refers.get_entry("out.txt").download("out2")).read_text(),
         table=refers.get("table").data, stray=refused(refers.verify, "refers"),
         again=api.artifact("references/s:v0").get("again").data, checked_out=checked_out)
"""


def test_references_lead_to_where_they_say(client: Client) -> None:
    found = run(client, "references", REFERENCES)
    names = ["out.txt", "table.table.json", "taken.txt"]
    assert (found["names"], found["count"]) == (names, 3)
    assert found["far"] == [["x", "https://example.invalid/x"]]
    assert found["got"] == ["stray.txt", "table.table.json", "taken.txt"]
    assert (found["taken"], found["outside"]) == ("two", "outside")
    assert (found["table"], found["again"]) == ([[1], [2]], [[7]])
    assert "stray.txt" in found["stray"]
    assert found["checked_out"] == ["a.txt", "dir", "dir/b.txt"]


MANY = """
    with wandb.init(project="many") as run:
        made = wandb.Artifact("many", "dataset")
        for number in range(230):
            with made.new_file(f"{number:03}.txt") as file:
                file.write(str(number))
        run.log_artifact(made).wait()
        for number in range(7):
            run.log_artifact(filled("versions", a=str(number))).wait()
    api = wandb.Api()
    found = api.artifact("many/many:v0")
    os.environ["WANDB_ARTIFACT_FETCH_FILE_URL_BATCH_SIZE"] = "50"
    tell(count=len(contents(found)), names=[f.name for f in found.files(per_page=100)],
         parallel=len(contents(found, multipart=True, skip_cache=True)),
         some=[f.name for f in found.files(["003.txt", "200.txt", "none"])],
         versions=[a.version for a in api.artifacts("dataset", "many/versions", per_page=2)],
         logged=[a.name for a in api.run(f"many/{run.id}").logged_artifacts(per_page=3)],
         total=len(api.artifacts("dataset", "many/versions")))
"""


def test_long_lists_are_read_page_by_page(client: Client) -> None:
    found = run(client, "many", MANY)
    assert (found["count"], found["parallel"]) == (230, 230)
    assert found["names"] == [f"{number:03}.txt" for number in range(230)]
    assert found["some"] == ["003.txt", "200.txt"]
    assert found["versions"] == [f"v{number}" for number in reversed(range(7))]
    assert found["total"] == 7
    assert found["logged"] == ["many:v0", *(f"versions:v{number}" for number in range(7))]
