"""Names that the backend gives: ids that people type and display names of runs."""

import secrets
import string

_ADJECTIVES = (  # noqa: SIM905
    "amber bold brisk bright calm clear clever cool crisp daring deep eager earnest easy fair"
    " fancy fearless fine firm fluent fresh frosty gentle giddy glad golden grand happy hearty"
    " honest jolly keen kind lively logical lucky lunar mellow merry mild neat noble olive polar"
    " polished proud pure quick quiet rapid rosy royal sage scarlet serene sharp silver sleek"
    " smart smooth snowy solar spring stellar sturdy sunny super swift tidy tough treasured"
    " upbeat vague vibrant vital warm wise witty zany"
).split()


def new_id() -> str:
    """Make an id of 8 characters, of the form that the client itself makes."""
    alphabet = string.ascii_lowercase + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(8))


def sweep_run_name(number: int) -> str:
    """Name the n-th run of a sweep."""
    return f"{secrets.choice(_ADJECTIVES)}-sweep-{number}"
