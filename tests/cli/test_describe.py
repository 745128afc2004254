import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sweepcnn.config import PRESETS, RunConfig
from sweepcnn.plan import expand
from tests.cli.conftest import Result

Cli = Callable[..., Result]


@pytest.mark.parametrize("preset", PRESETS)
def test_json_has_the_plan_of_a_preset(preset: str, sweepcnn: Cli) -> None:
    done = sweepcnn("describe", "--preset", preset, "--json")
    assert (done.code, done.err) == (0, "")
    (line,) = done.out.splitlines()
    told = json.loads(line)
    plan = expand(RunConfig(preset=preset), image_size=PRESETS[preset]["image_size"], classes=10)
    assert set(told) == {"parameters", "multiply_adds", "layers"}
    assert told["parameters"] == plan.parameters
    assert told["multiply_adds"] == plan.multiply_adds
    assert sum(layer["parameters"] for layer in told["layers"]) == plan.parameters
    assert sum(layer["multiply_adds"] for layer in told["layers"]) == plan.multiply_adds
    assert [layer["name"] for layer in told["layers"]] == [layer.name for layer in plan.layers]
    assert told["layers"][0]["output"] == [
        plan.layers[0].output.channels,
        plan.layers[0].output.height,
        plan.layers[0].output.width,
    ]
    assert told["layers"][-1] == {
        "name": "output",
        "kind": "dense",
        "output": [10, 1, 1],
        "parameters": plan.layers[-1].parameters,
        "multiply_adds": plan.layers[-1].multiply_adds,
    }


def test_no_torch_is_needed() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['sweepcnn', 'describe', '--preset', 'a-best']\n"
        "from sweepcnn.cli import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print([m for m in ('torch', 'wandb', 'numpy') if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("preset", PRESETS)
def test_the_table_fits_a_terminal_and_has_the_totals(
    preset: str, sweepcnn: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = sweepcnn("describe", "--preset", preset)
    plan = expand(RunConfig(preset=preset), image_size=PRESETS[preset]["image_size"], classes=10)
    assert done.code == 0
    lines = done.out.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert "\N{HORIZONTAL ELLIPSIS}" not in done.out  # nothing is cut
    (total,) = [line for line in lines if "total" in line]
    assert f"{plan.parameters:,}" in total
    assert f"{plan.multiply_adds:,}" in total
    for layer in plan.layers:
        assert any(layer.name in line and layer.kind in line for line in lines)


def test_settings_override_a_file_and_a_preset_is_the_base_of_both(
    sweepcnn: Cli, tmp_path: Path
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("filters: 8\nkernel_size: 3\n")
    words = ["--preset", "a-best", "--set", "kernel_size=4", "--set", "image_size=32", "--json"]
    told = json.loads(sweepcnn("describe", str(file), *words).out)
    first = told["layers"][0]
    assert first["output"] == [8, 32, 32]
    assert first["parameters"] == 8 * (3 * 4 * 4 + 1)


def test_settings_are_yaml(sweepcnn: Cli) -> None:
    words = ["--set", "blocks=2", "--set", "filters=[4, 8]", "--set", "batch_norm=true"]
    told = json.loads(sweepcnn("describe", *words, "--json").out)
    assert [x["output"][0] for x in told["layers"] if x["kind"] == "batch_norm"] == [4, 8]


def test_an_empty_file_gives_the_defaults(sweepcnn: Cli, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("# nothing\n")
    assert sweepcnn("describe", str(file), "--json") == sweepcnn("describe", "--json")


def test_the_number_of_classes_is_chosen(sweepcnn: Cli) -> None:
    told = json.loads(sweepcnn("describe", "--classes", "100", "--json").out)
    assert told["layers"][-1]["output"] == [100, 1, 1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--set", "epochs"], "--set epochs: is not KEY=VALUE; such as epochs=20"),
        (["--set", "=3"], "--set =3: is not KEY=VALUE; such as epochs=20"),
        (["--set", "filters=[4"], "--set filters=[4: has no YAML value; quote the value"),
        (["--set", "epocs=3"], "epocs = 3: unknown key; did you mean epochs?"),
        (["--preset", "a-bst"], "preset = 'a-bst': unknown preset; did you mean a-best?"),
        (["nowhere.yaml"], "nowhere.yaml: [Errno 2] No such file or directory: 'nowhere.yaml';"),
        (["list.yaml"], "list.yaml: is not a mapping of keys to values; write one `key: value`"),
        (["broken.yaml"], "broken.yaml: while parsing a flow sequence"),
        (["binary.yaml"], "binary.yaml: 'utf-8' codec can't decode"),
        (["--set", "image_size=16"], "block 5: a 2 x 2 pooling on 1 x 1 pixels: leaves nothing"),
    ],
)
def test_wrong_input_is_told_with_exit_code_2(
    words: list[str],
    told: str,
    sweepcnn: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list.yaml").write_text("- 1\n")
    Path("broken.yaml").write_text("filters: [4\n")
    Path("binary.yaml").write_bytes(b"\xff\xfe\x00")
    done = sweepcnn("describe", *words, "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {told}")
    assert len(done.err.splitlines()) == 1


def test_all_faults_are_told_in_a_line_each(sweepcnn: Cli) -> None:
    done = sweepcnn("describe", "--set", "epocs=3", "--set", "filters=0", "--set", "blocks=x")
    assert (done.code, done.out) == (2, "")
    assert sorted(line.split(" = ")[0] for line in done.err.splitlines()) == [
        "error: blocks",
        "error: epocs",
        "error: filters",
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["describe", "--classes", "1"], "error: Invalid value for '--classes'"),
        (["describe", "--classes", "many"], "error: Invalid value for '--classes'"),
        (["describe", "--preest", "a-best"], "error: No such option: --preest"),
        (["desribe"], "error: No such command 'desribe'"),
        (["data"], "error: Missing command"),
        (["data", "fetch"], "error: Missing argument 'NAME'"),
        (["best"], "error: Missing option '--project'"),
        (["server", "--port", "65536"], "error: Invalid value for '--port'"),
    ],
)
def test_words_that_no_verb_takes_are_told_with_exit_code_2(
    words: list[str], told: str, sweepcnn: Cli
) -> None:
    done = sweepcnn(*words)
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert line.startswith(told)
    assert "; see `sweepcnn" in line
    assert line.endswith("--help`")
