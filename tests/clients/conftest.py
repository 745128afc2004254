"""One backend, and a story for each version of the client."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.backend import RunningBackend, running_backend
from tests.clients import installations
from tests.clients.story import Story, tell
from tests.requirements import missing
from tests.server.conftest import Wire


@pytest.fixture(scope="package")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBackend]:
    with running_backend(tmp_path_factory.mktemp("backend") / "data") as running:
        yield running


@pytest.fixture(scope="package")
def stories(
    request: pytest.FixtureRequest,
    backend: RunningBackend,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, "Future[Story]"]]:
    """Start the stories of all versions that are asked for; most of a story is waiting."""
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    asked = {call.params["version"] for call in calls if call and "version" in call.params}
    with ThreadPoolExecutor(len(installations.VERSIONS)) as pool:
        found = {version: installations.python(version) for version in sorted(asked)}
        yield {
            version: pool.submit(
                tell, python, f"v{version}", backend, tmp_path_factory.mktemp(f"v{version}")
            )
            for version, python in found.items()
            if python
        }


@pytest.fixture(scope="package", params=installations.VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="package")
def story(stories: dict[str, "Future[Story]"], version: str) -> Story:
    """Give what came of a version's story."""
    if version not in stories:
        missing("clients")
    return stories[version].result()


@pytest.fixture
def wire(backend: RunningBackend, story: Story) -> Iterator[Callable[[str], Wire]]:
    """Give the interface to the story's projects by the end of their names."""
    with ExitStack() as opened:

        def to(end: str) -> Wire:
            found = Wire(backend.url, backend.api_key, story.project + end)
            opened.enter_context(found.http)
            return found

        yield to
