"""What W&B's server has and this one leaves out, told by its name instead of by GraphQL's."""

import re
from collections.abc import Iterable

from graphql import GraphQLError

# An area, and what names the client's operations of it use: Type.field, or a type's alone.
_AREAS = {
    "launch queues": re.compile(r"\.\w*([rR]unQueue|[lL]aunchAgent|[dD]efaultResourceConfig)"),
    "automations": re.compile(r"[tT]rigger|\.\w*[iI]ntegration|User\.projects"),
    "registries and organizations": re.compile(
        r"Query\.organization|Organization\.orgEntity|Entity\.project$|[rR]egistry"
        r"|Project\.(teamMembers|members)|Mutation\.(\w*Project(Team)?Member|deleteModel|renameP)"
    ),
    "sweeps that the client schedules": re.compile(r"enqueueSweepRun|Sweep\.controllerRunName"),
    "alerts": re.compile(r"Mutation\.\w*Alert"),
    "custom charts": re.compile(r"Mutation\.\w*CustomChart"),
}
_UNKNOWN = re.compile(r"(?:Cannot query field '(\w+)' on|Unknown) type '(\w+)'")


def area(errors: Iterable[GraphQLError]) -> str | None:
    """Give the area to which an operation belongs that did not validate; null for none of them."""
    found = [_UNKNOWN.match(error.message) for error in errors]
    names = [f"{match[2]}.{match[1] or ''}" for match in found if match]
    areas = (area for area, known in _AREAS.items() if any(map(known.search, names)))
    return next(areas, None)
