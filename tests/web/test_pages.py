import html
import re
from urllib.parse import quote

import pytest

from sweepcnn.storage import prior_runs, runs
from tests.web.conftest import SCRIPT, Site


def table(text: str) -> list[list[str]]:
    """Read the rows of a page's last table as text, the head first."""
    last = text.rpartition("<table>")[2].partition("</table>")[0]
    return [
        [
            html.unescape(re.sub(r"<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr.*?</tr>", last, re.DOTALL)
    ]


def facts(text: str) -> dict[str, str]:
    """Read the names and values of a page's lists."""
    found = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", text, re.DOTALL)
    return {html.unescape(name): html.unescape(value) for name, value in found}


def test_an_empty_backend_says_how_to_begin(site: Site) -> None:
    site.log_in()
    assert "wandb sweep" in site.page("/")


def test_the_home_page_lists_ones_own_projects(site: Site) -> None:
    site.add_run("a")
    site.add_run("b")
    site.add_run("c", project="theirs", entity="other")
    site.log_in()
    text = site.page("/")
    assert [row[:2] for row in table(text)] == [["Project", "Runs"], ["local/digits", "2"]]
    assert '<a href="/local/digits">local/digits</a>' in text
    assert "theirs" not in text


def test_a_project_lists_its_sweeps_and_its_runs_newest_first(site: Site) -> None:
    sweep = site.add_sweep("sweep123")
    site.add_run("older", summary={"best_val_accuracy": 0.51234, "status": "ok"}, sweep=sweep)
    site.add_run("newer", state="running")
    site.log_in()
    text = site.page("/local/digits")
    assert '<a href="/local/digits/sweeps/sweep123">sweep123</a>' in text
    rows = table(text)
    assert rows[0] == ["Run", "State", "Status", "best_val_accuracy", "Created"]
    assert [row[:4] for row in rows[1:]] == [
        ["newer", "running", "", ""],
        ["older", "finished", "ok", "0.5123"],
    ]


def test_a_project_without_runs_says_so(site: Site) -> None:
    site.add_sweep("sweep123")
    site.log_in()
    assert "No runs yet." in site.page("/local/digits")


def sweep_page(site: Site, goal: str) -> str:
    """Show a sweep of runs that could be taken for the best one."""
    sweep = site.add_sweep("sweep123", goal=goal)
    for name, score, state, status in (
        ("low", 0.2, "finished", "ok"),
        ("high", 0.8, "finished", "ok"),
        ("tie", 0.8, "finished", "ok"),
        ("diverged", 0.0, "finished", "diverged"),
        ("infeasible", 0.9, "finished", "infeasible"),
        ("crashed", 0.95, "crashed", None),
        ("running", 0.99, "running", None),
        ("nothing", None, "finished", "ok"),
    ):
        site.add_run(
            name,
            sweep=sweep,
            point={"filters": len(name), "kernel_size": 3},
            state=state,
            summary={"score": score, "status": status},
        )
    site.log_in()
    return site.page("/local/digits/sweeps/sweep123")


@pytest.mark.parametrize(
    ("goal", "name", "value"), [("maximize", "high", "0.8"), ("minimize", "low", "0.2")]
)
def test_a_sweep_marks_its_best_run(goal: str, name: str, value: str, site: Site) -> None:
    text = sweep_page(site, goal)
    (best,) = re.findall(r'<tr class="best">.*?</tr>', text, re.DOTALL)
    assert f">{name}</a> (best)</td>" in best
    link = f'<a href="/local/digits/runs/{name}">{name}</a>'
    assert facts(text)["Best score"] == f"{value} by {link}"


def test_a_sweep_shows_what_it_varied_and_who_suggested_it(site: Site) -> None:
    rows = table(sweep_page(site, "maximize"))
    assert rows[0] == ["Run", "State", "Status", "score", "filters", "Suggested by", "Created"]
    assert rows[1][:6] == ["low", "finished", "ok", "0.2", "3", "bayes"]
    assert len(rows) == 9


def test_a_sweep_tells_its_state_and_how_to_add_an_agent(site: Site) -> None:
    told = facts(sweep_page(site, "maximize"))
    assert (told["State"], told["Method"]) == ("RUNNING", "bayes")
    assert told["Runs"] == "8"
    assert told["Add an agent"] == "<code>wandb agent local/digits/sweep123</code>"


def test_a_sweep_without_runs_says_so(site: Site) -> None:
    site.add_sweep("sweep123")
    site.log_in()
    text = site.page("/local/digits/sweeps/sweep123")
    assert "No runs yet: start an agent." in text
    assert "none yet" in text


def test_a_run_shows_its_summary_and_its_configuration(site: Site) -> None:
    site.add_run(
        "abc",
        summary={
            "status": "ok",
            "best_val_accuracy": 0.123456,
            "parameters": 61706,
            "_runtime": 3,
            "grid": {"_type": "image-file"},
            "": 1,
        },
        config={
            "filters": {"value": [6, 16]},
            "batch_norm": {"value": True},
            "patience": {"value": None},
            "learning_rate": {"value": 1e-5},
            "_wandb": {"value": {"t": 1}},
        },
    )
    site.log_in()
    told = facts(site.page("/local/digits/runs/abc"))
    assert told.items() >= {
        ("Id", "abc"),
        ("State", "finished"),
        ("status", "ok"),
        ("best_val_accuracy", "0.1235"),
        ("parameters", "61706"),
        ("filters", "[6, 16]"),
        ("batch_norm", "true"),
        ("patience", "null"),
        ("learning_rate", "1e-05"),
    }
    assert not {"_runtime", "grid", "_wandb"} & set(told)


def test_a_run_shows_its_pictures_to_who_is_logged_in(site: Site) -> None:
    run_id = site.add_run("abc")
    data = site.add_picture(run_id, "media/images/prediction_grid_3_0123456789abcdef.png")
    site.log_in()
    text = site.page("/local/digits/runs/abc")
    (address,) = re.findall(r'<img src="([^"]+)" alt="prediction_grid"', text)
    assert "<figcaption>prediction_grid</figcaption>" in text
    answer = site.client.get(html.unescape(address))
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["content-type"] == "image/png"


def test_a_run_leads_to_its_sweep_and_its_project(site: Site) -> None:
    sweep = site.add_sweep("sweep123")
    site.add_run("abc", sweep=sweep)
    site.log_in()
    trail = site.page("/local/digits/runs/abc").partition("<nav>")[2].partition("</nav>")[0]
    assert re.findall(r'href="([^"]+)"', trail) == [
        "/",
        "/local/digits",
        "/local/digits/sweeps/sweep123",
    ]


@pytest.mark.parametrize("page", ["home", "", "/sweeps/sweep123", "/runs/abc"])
def test_whatever_users_write_is_escaped_on_each_page(page: str, site: Site) -> None:
    sly = SCRIPT.replace("/", "") + "'\"&?#%41"  # an address cannot hold a slash in a name
    sweep = site.add_sweep("sweep123", project=sly)
    with site.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE sweeps SET display_name = ?, method = ?", (SCRIPT, SCRIPT)
        )
    run_id = site.add_run(
        "abc",
        project=sly,
        sweep=sweep,
        point={SCRIPT: SCRIPT},
        display_name=SCRIPT,
        summary={"status": SCRIPT, SCRIPT: SCRIPT, "score": 1},
        config={SCRIPT: {"value": SCRIPT}, "nested": {"value": {SCRIPT: [SCRIPT]}}},
    )
    site.add_run("def", project=sly, sweep=sweep, point={SCRIPT: "other"})
    prior_id = site.add_run("ghi", project=sly, display_name=SCRIPT)
    with site.database.write() as connection:
        prior_runs.add(connection, sweep, [prior_id])
        runs.update(connection, run_id, state="killed", stop_reason=SCRIPT)
        connection.exec_driver_sql("UPDATE agents SET name = ?, host = ?", (SCRIPT, SCRIPT))
        connection.exec_driver_sql("UPDATE points SET origin = ?", (SCRIPT,))
    site.add_picture(run_id, f'media/"><img src=x>{sly}.png')
    site.log_in()
    text = site.page("/" if page == "home" else f"/local/{quote(sly, safe='')}{page}")
    assert "alert(1)" in text
    assert "<script" not in text
    assert "<img src=x" not in text
    for link in re.findall(r'href="([^"]+)"', text):
        assert site.client.get(html.unescape(link)).status_code == 200


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/local/nothing", "There is no project local/nothing."),
        ("/local/nothing/runs/abc", "There is no project local/nothing."),
        ("/local/digits/runs/nothing", "There is no run nothing in digits."),
        ("/local/digits/sweeps/nothing", "There is no sweep nothing in digits."),
        ("/other/digits", "There is no project other/digits."),
        ("/other/digits/runs/theirs", "There is no project other/digits."),
        ("/nobody/digits", "There is no project nobody/digits."),
    ],
)
def test_what_is_unknown_or_anothers_is_not_found(path: str, told: str, site: Site) -> None:
    site.add_run("abc")
    site.add_run("theirs", entity="other")
    site.log_in()
    text = site.page(path, 404)
    assert told in text
    assert '<a href="/">Projects</a>' in text


def test_each_user_sees_their_own(site: Site) -> None:
    site.add_run("theirs", entity="other")
    site.log_in("o" * 40)
    assert ">theirs</a>" in site.page("/other/digits")
    site.page("/local/digits", 404)


def test_an_unknown_address_in_a_message_is_escaped(site: Site) -> None:
    site.log_in()
    text = site.page(f"/local/{quote('<script>alert(1)', safe='')}", 404)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/local", "There is no page at this address."),
        ("/local/digits/workspace", "There is no page at this address."),
        ("/local/digits/artifacts/model/m/v0", "There is no page at this address."),
        ("/local/digits/runs/abc/overview", "There is no page at this address."),
        ("/local/digits/reports/A-title--abc", "open one by Report.from_url"),
    ],
)
def test_people_are_led_home_from_where_no_page_is(path: str, told: str, site: Site) -> None:
    answer = site.client.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 404
    assert told in answer.text
    assert '<a href="/">Projects</a>' in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_programs_are_told_in_plain_text_where_nothing_is(site: Site) -> None:
    answer = site.client.get("/local/digits/workspace")
    assert (answer.status_code, answer.text) == (404, "Not Found")
    people = {"Accept": "text/html"}
    assert site.client.get("/graphql", headers=people).status_code == 405
    answer = site.client.get("/artifactsV2/no/such", headers=people)
    assert (answer.status_code, set(answer.json())) == (401, {"error", "errors"})
