"""Reports and workspaces, saved and loaded by the unmodified `wandb-workspaces` library."""

import json
from typing import Any

import pytest

from tests.server.client import Client
from tests.server.conftest import ENTITY, Wire

REPORTS = """
    import json, wandb
    import wandb_workspaces.reports.v2 as wr

    report = wr.Report(project="reported", title="First look", description="about it",
                       blocks=[wr.H1("Chapter"), wr.P("one"),
                               wr.PanelGrid(runsets=[wr.Runset(project="reported")],
                                            panels=[wr.LinePlot(x="Step", y=["loss"])])])
    report.save()
    first_id, url = report.id, report.url
    loaded = wr.Report.from_url(url)
    loaded.blocks.append(wr.P("two"))
    loaded.title = "Second look"
    loaded.save()
    again = wr.Report.from_url(loaded.url)
    report.save(clone=True)
    wr.Report(project="reported", title="Unfinished").save(draft=True)
    entity = wandb.Api().default_entity
    listed = [(r.display_name, r.description, r.user["username"], r.url)
              for r in wandb.Api().reports(f"{entity}/reported")]
    share = {"before": report.get_share_url(), "disabled": report.disable_share_link()}
    try:
        report.enable_share_link()
    except Exception as error:
        share["error"] = str(error)
    deleted = again.delete()
    left = [r.display_name for r in wandb.Api().reports(f"{entity}/reported")]
    try:
        wr.Report.from_url(url)
        gone = "found"
    except Exception as error:
        gone = str(error)
    print(json.dumps({
        "same_id": first_id == loaded.id == again.id, "title": again.title,
        "kinds": [type(block).__name__ for block in again.blocks],
        "texts": [block.text for block in again.blocks if hasattr(block, "text")],
        "plotted": [metric.name for metric in again.blocks[2].panels[0].y],
        "listed": listed, "url": url, "share": share, "deleted": deleted, "left": left,
        "gone": gone, "projects": [p.name for p in wandb.Api().projects(entity)]}))
"""


@pytest.fixture(scope="module")
def reports(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.facts("reports.py", REPORTS)
    return found


@pytest.mark.each_database
def test_a_report_is_saved_loaded_and_edited(reports: dict[str, Any]) -> None:
    assert reports["same_id"]
    assert reports["title"] == "Second look"
    assert reports["kinds"] == ["H1", "P", "PanelGrid", "P"]
    assert reports["texts"] == ["Chapter", "one", "two"]
    assert reports["plotted"] == ["loss"]
    assert "reported" in reports["projects"]


@pytest.mark.each_database
def test_reports_are_listed_newest_first_without_drafts(reports: dict[str, Any]) -> None:
    described = [(name, about, user) for name, about, user, _ in reports["listed"]]
    assert described == [("First look", "about it", ENTITY), ("Second look", "about it", ENTITY)]
    assert "=" not in reports["listed"][0][3]


@pytest.mark.each_database
def test_a_deleted_report_is_gone(reports: dict[str, Any]) -> None:
    assert reports["deleted"] is True
    assert reports["left"] == ["First look"]
    assert "view not found" in reports["gone"]


@pytest.mark.each_database
def test_share_links_are_refused_with_the_reason(reports: dict[str, Any]) -> None:
    share = reports["share"]
    assert (share["before"], share["disabled"]) == (None, False)
    assert "links that open a report to everybody are not served" in share["error"]


WORKSPACES = """
    import json, wandb
    import wandb_workspaces.workspaces as ws
    import wandb_workspaces.reports.v2 as wr

    entity = wandb.Api().default_entity
    wandb.Api().create_project("worked", entity)
    made = ws.Workspace(name="Mine", entity=entity, project="worked", sections=[
        ws.Section(name="Losses", panels=[wr.LinePlot(x="Step", y=["loss"])])])
    made.save()
    url = made.url
    loaded = ws.Workspace.from_url(url)
    loaded.name = "Renamed"
    loaded.save()
    again = ws.Workspace.from_url(url)
    copy = ws.Workspace.from_url(url)
    copy.save_as_new_view()
    try:
        ws.Workspace.from_url(url.replace("nw=", "nw=no"))
        missing = "found"
    except ValueError as error:
        missing = str(error)
    print(json.dumps({"url": url, "name": again.name, "sections": [s.name for s in again.sections],
                      "y": again.sections[0].panels[0].y[0].name, "copy": copy.url,
                      "missing": missing}))
"""


@pytest.mark.each_database
def test_a_workspace_is_saved_loaded_and_changed(client: Client) -> None:
    facts = client.facts("workspaces.py", WORKSPACES)
    assert facts["name"] == "Renamed"
    assert facts["sections"] == ["Losses"]
    assert facts["y"] == "loss"
    assert facts["copy"] != facts["url"]
    assert "not found in project" in facts["missing"]


UPSERT = """mutation upsertView($input: UpsertViewInput!) {
    upsertView(input: $input) { view { id type name description spec } inserted } }"""
VIEW = "query SpecificReport($id: ID!) { view(id: $id) { spec displayName updatedAt } }"
DELETE = "mutation deleteView($id: ID!) { deleteView(input: {id: $id}) { success } }"


def saved(wire: Wire, **given: Any) -> dict[str, Any]:
    """Make or change a view of the wire's project."""
    view: dict[str, Any] = wire.ask(UPSERT, input=given)["upsertView"]["view"]
    return view


def report(wire: Wire, **given: Any) -> dict[str, Any]:
    wire.start_run("first")
    where = {"entityName": ENTITY, "projectName": wire.project, "type": "runs", "name": "r"}
    return where | {"spec": "{}"} | given


ODD_SPEC = '{ "b":1.0,"a" :[ 1e400, "\\u00e9\\u0000 \N{SNOWMAN}" ] }\n'


def test_a_spec_comes_back_to_the_byte(wire: Wire) -> None:
    view = saved(wire, **report(wire, spec=ODD_SPEC))
    assert view["spec"] == ODD_SPEC
    assert wire.ask(VIEW, id=view["id"])["view"]["spec"] == ODD_SPEC


def test_what_is_left_out_of_a_change_stays(wire: Wire) -> None:
    view = saved(wire, **report(wire, description="d", spec='{"a": 1}'))
    changed = saved(wire, id=view["id"], name="other")
    assert changed == view | {"name": "other"}


def test_an_id_is_found_without_its_padding(wire: Wire) -> None:
    for _ in range(10):  # ids of one length more, too
        view = saved(wire, **report(wire))
        assert wire.ask(VIEW, id=view["id"].rstrip("="))["view"] is not None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"spec": "no JSON"}, "the view's spec is no JSON"),
        ({"spec": "[]"}, "the view's spec must be a JSON object"),
        ({"spec": json.dumps({"a": "x" * 2**24})}, "has more than 16777216 bytes"),
        ({"name": "n" * 10_001}, "name has more than 10000 characters"),
        ({"type": None}, "a new view needs a type"),
        ({"spec": None}, "a new view needs a spec"),
    ],
)
def test_a_view_that_cannot_be_kept_is_refused(
    wire: Wire, given: dict[str, Any], message: str
) -> None:
    status, told = wire.refused(UPSERT, input=report(wire, **given))
    assert status == 400
    assert message in told


def test_a_view_is_deleted_once(wire: Wire) -> None:
    view = saved(wire, **report(wire))
    assert wire.ask(DELETE, id=view["id"])["deleteView"]["success"]
    assert wire.refused(DELETE, id=view["id"]) == (404, "view not found")


def test_views_are_chosen_by_type_name_and_user(wire: Wire) -> None:
    for type_, name in [("runs", "a"), ("runs", "b"), ("project-view", "a")]:
        saved(wire, **report(wire, type=type_, name=name))
    document = """query V($p: String, $type: String, $name: String, $user: String, $n: Int) {
        project(name: $p) {
            allViews(viewType: $type, viewName: $name, userName: $user, first: $n) {
                edges { node { type name } cursor } pageInfo { hasNextPage } totalCount } } }"""

    def found(**chosen: Any) -> list[tuple[str, str]]:
        data = wire.ask(document, p=wire.project, **chosen)["project"]["allViews"]
        return [(edge["node"]["type"], edge["node"]["name"]) for edge in data["edges"]]

    assert found() == [("project-view", "a"), ("runs", "b"), ("runs", "a")]
    assert found(n=1) == [("project-view", "a")]
    assert found(type="runs") == [("runs", "b"), ("runs", "a")]
    assert found(type="runs", name="a") == [("runs", "a")]
    assert found(name="a", user=ENTITY) == [("project-view", "a"), ("runs", "a")]
    assert found(user="nobody") == []
