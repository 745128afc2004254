"""Requests by chance: GraphQL operations of a schema, streams, and plain HTTP.

Real names and ids are mixed in under the arguments that they fit, so that resolvers are reached.
"""

import dataclasses
import gzip
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)
from hypothesis import strategies as st

from tests.server.access_cases import MUTATIONS, QUERIES
from tests.server.targets import Target

# What an argument is most likely to be, by its name, or by that of its field as well.
_FIT = {
    "run.name": ["run"],
    "bucket.name": ["run"],
    "sweep.sweepName": ["sweep"],
    "artifact.name": ["version"],
    "artifactType.name": ["type"],
    "artifactCollection.name": ["collection"],
    "artifactCollectionMembership.name": ["version"],
    "entityName": ["entity"],
    "entity": ["entity"],
    "projectName": ["project"],
    "modelName": ["project"],
    "project": ["project"],
    "runName": ["run"],
    "sweep": ["sweep"],
    "sweepName": ["sweep", "sweep_id"],
    "name": ["run", "project", "collection", "entity", "sweep"],
    "artifactID": ["artifact_id", "pending_id"],
    "artifactManifestID": ["manifest_id"],
    "artifactCollectionName": ["collection"],
    "clientID": ["client_id"],
    "files": ["file_id", "run"],
    "username": ["guest"],
    "projectId": ["project_id"],
    "id": [name for name in Target.__annotations__ if name.endswith("_id")],
}
_ODD = [
    "", " ", ".", "..", "../..", "../../etc/passwd", "..\\..", "/etc/passwd", "a/b", "%2e%2e%2f",
    "\0", "a\0b", "\ud800", "\U0001f600", "\u202e", "n" * 2000, "\u00fc" * 700, "latest", "v0",
    "v99999999999", "v" + "9" * 400, "-1", "0", str(2**63), "1e999", "NaN", "null", "true", "{}",
    "[]", "[[[[", "'; DROP TABLE runs; --", "%", "_%", "(?:a+)+$", "[", "\\", "2026-11-21T10:00:00",
    "+created_at", "-summary_metrics.loss,+config.a", "config.a.value", "UnVuOi0x", "UnVuOjE=",
    "UHJvamVjdDox", "method: grid\nparameters: {a: {values: [1, 2]}}", "method: random\nx: [",
    "*a", "&a [*a]", "!!python/object:os.system x", "finished", "PAUSED", "-version_index",
]  # fmt: skip
_NUMBERS = [
    0,
    1,
    -1,
    2,
    100,
    10_001,
    2**31 - 1,
    -(2**31),
    2**31,
    2**53 + 1,
    2**63,
    -(2**63),
    10**30,
]
_FLOATS = [0.5, -0.0, 1e308, 1e-320, float("nan"), float("inf"), -float("inf")]
_OPERATORS = ["$and", "$or", "$nor", "$not", "$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in"]
_OPERATORS += ["$nin", "$regex", "$exists", "$contains", "$all", "$where", "$"]
_KEYS = ["state", "sweep", "name", "display_name", "group", "job_type", "tags", "created_at", "a"]
_KEYS += ["heartbeat_at", "username", "config.a", "config.a.value", "summary_metrics.loss", "_step"]
_KEYS += ["duration", "keys", "samples", "minStep", "maxStep", "value", "_wandb", "", ".", "a.b.c"]

odd_texts = st.sampled_from(_ODD) | st.text(max_size=20)
numbers = st.sampled_from(_NUMBERS) | st.integers(-100, 100)
_leaves = st.none() | st.booleans() | numbers | st.sampled_from(_FLOATS) | odd_texts
documents = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_KEYS + _OPERATORS) | odd_texts, inner, max_size=3)
    ),
    max_leaves=8,
)
deep = st.sampled_from(
    ["[" * 5000 + "]" * 5000, '{"a":' * 3000 + "1" + "}" * 3000, '{"$not":' * 90]
)
json_texts = documents.map(json.dumps) | deep | odd_texts


@dataclasses.dataclass(frozen=True)
class Operation:
    """The body of a POST to /graphql."""

    query: str
    variables: dict[str, Any]

    @property
    def body(self) -> bytes:
        return json.dumps({"query": self.query, "variables": self.variables}).encode()


@st.composite
def operations(
    draw: st.DrawFn, schema: GraphQLSchema, targets: Sequence[Target], kind: str, name: str
) -> Operation:
    """Draw an operation that asks for one field of a root type.

    Args:
        draw: of hypothesis.
        schema: as the server has it.
        targets: what there is: the asker's own, and that of another.
        kind: query or mutation.
        name: of the field.
    """
    root = schema.query_type if kind == "query" else schema.mutation_type
    assert root is not None
    own, other = targets
    meant = draw(st.sampled_from([own, own, other]))
    table = (QUERIES | MUTATIONS).items()
    cases = [case.given(meant) for key, case in table if key.split()[0] == name]
    good = draw(st.sampled_from(cases)) if cases else {}
    draft = _Draft(draw, meant, own if meant is other else other)
    selected = draft.field(
        name, root.fields[name], good={"input": good} if kind == "mutation" else good
    )
    declared = draft.declared.items()
    given = ", ".join(f"${variable}: {type_}" for variable, (type_, _) in declared)
    query = f"{kind} Q{f'({given})' if given else ''} {{ {selected} }}"
    return Operation(query, {variable: value for variable, (_, value) in declared})


class _Draft:
    """An operation on its way.

    Args:
        draw: of hypothesis.
        meant: what most arguments name.
        besides: what some do.
    """

    def __init__(self, draw: st.DrawFn, meant: Target, besides: Target) -> None:
        self.declared: dict[str, tuple[str, Any]] = {}
        self._draw = draw
        self._meant, self._besides = (
            dataclasses.asdict(one) | {"version": f"{one.collection}:v0", "type": "model"}
            for one in (meant, besides)
        )
        self._names = [*self._meant.values(), *self._besides.values()]

    def field(
        self,
        name: str,
        field: GraphQLField,
        depth: int = 0,
        good: Mapping[str, Any] = MappingProxyType({}),
    ) -> str:
        """Ask for a field."""
        given = []
        for key, argument in field.args.items():
            if key in good or self._needed(argument) or self._draw(st.integers(0, 2)) == 0:
                variable = f"v{len(self.declared)}"
                value = self._draw(self._value(argument.type, f"{name}.{key}", good.get(key)))
                self.declared[variable] = (str(argument.type), value)
                given.append(f"{key}: ${variable}")
        words = f"({', '.join(given)})" if given else ""
        return f"{name}{words}{self._selection(get_named_type(field.type), depth)}"

    @staticmethod
    def _needed(argument: GraphQLArgument) -> bool:
        return isinstance(argument.type, GraphQLNonNull)

    def _selection(self, type_: Any, depth: int) -> str:
        if isinstance(type_, GraphQLUnionType):
            parts = [f"... on {part.name}{self._selection(part, depth)}" for part in type_.types]
            return f" {{ __typename {' '.join(parts)} }}"
        if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            return ""
        plain = [name for name, field in type_.fields.items() if self._is_leaf(field)]
        nested = [name for name in type_.fields if name not in plain]
        chosen = [name for name in plain if self._draw(st.integers(0, 3)) > 0]
        if nested and depth < 6:
            # Lists are long; the nodes in them are what is of interest.
            always = [name for name in ("edges", "node") if name in nested]
            some = st.lists(st.sampled_from(nested), max_size=2 if depth < 3 else 1, unique=True)
            chosen += sorted({*always, *self._draw(some)})
        parts = [self.field(n, type_.fields[n], depth + 1) for n in chosen]
        return f" {{ {' '.join(['__typename', *parts])} }}"

    @staticmethod
    def _is_leaf(field: GraphQLField) -> bool:
        kinds = (GraphQLObjectType, GraphQLInterfaceType, GraphQLUnionType)
        return not isinstance(get_named_type(field.type), kinds)

    def _value(self, type_: Any, name: str, good: Any = None) -> st.SearchStrategy[Any]:
        """Make values; mostly the good one where there is one."""
        if isinstance(type_, GraphQLNonNull):
            return self._value(type_.of_type, name, good)
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_, good or {})
        if isinstance(type_, GraphQLList):
            several = st.lists(self._value(type_.of_type, name), max_size=3)
            found = several | st.none()
        elif isinstance(type_, GraphQLEnumType):
            found = st.sampled_from(sorted(type_.values))
        else:
            found = self._scalar(type_.name, name)
        return (
            found
            if good is None
            else st.integers(0, 5).flatmap(lambda chance: st.just(good) if chance else found)
        )

    def _object(
        self, type_: GraphQLInputObjectType, good: Mapping[str, Any]
    ) -> st.SearchStrategy[Any]:
        needed: dict[Any, st.SearchStrategy[Any]] = {}
        free: dict[Any, st.SearchStrategy[Any]] = {}
        for name, field in type_.fields.items():
            is_needed = name in good or isinstance(field.type, GraphQLNonNull)
            (needed if is_needed else free)[name] = self._value(field.type, name, good.get(name))
        more = st.fixed_dictionaries(needed, optional=free)
        return st.fixed_dictionaries(needed) | more

    def _scalar(self, type_name: str, name: str) -> st.SearchStrategy[Any]:
        match type_name:
            case "Int" | "Int64" | "Duration":
                return numbers
            case "Float":
                return numbers | st.sampled_from([0.5, -0.0, 1e308])
            case "Boolean":
                return st.booleans()
            case "JSONString" | "JSON":
                return json_texts | documents
        kinds = _FIT.get(name) or _FIT.get(name.rpartition(".")[2])
        if not kinds:
            return odd_texts | json_texts | st.sampled_from(self._names)
        good = st.sampled_from([self._meant[kind] for kind in kinds])
        foreign = st.sampled_from([self._besides[kind] for kind in kinds])
        return st.one_of(good, good, good, good, foreign, st.sampled_from(self._names), odd_texts)


_rows = st.dictionaries(st.sampled_from(_KEYS), documents, max_size=4).map(json.dumps)
_lines = st.lists(_rows | _rows | json_texts | st.text(max_size=30), max_size=4)
_offsets = st.integers(0, 5) | st.integers(0, 5) | st.integers(0, 5) | numbers
_part = st.fixed_dictionaries({"offset": _offsets, "content": _lines})
_parts = _part | _part | _part | _part | documents
STREAMS = ("wandb-history.jsonl", "wandb-events.jsonl", "wandb-summary.json", "output.log")
streams = st.fixed_dictionaries(
    {
        "files": st.dictionaries(
            st.sampled_from([*STREAMS, *STREAMS, "x", ".."]), _parts, max_size=3
        )
    },
    optional={
        "complete": st.booleans() | documents,
        "exitcode": numbers | documents,
        "preempting": st.booleans(),
        "uploaded": documents,
    },
)
_entries = st.dictionaries(
    st.sampled_from(["digest", "size", "birthArtifactID", "ref", "extra", "local_path"]), documents
)
manifests = st.one_of(
    documents,
    st.fixed_dictionaries(
        {"version": st.just(1) | documents, "contents": st.dictionaries(odd_texts, _entries)},
        optional={"storagePolicy": documents, "storagePolicyConfig": documents},
    ),
)
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get"]
_SEGMENTS = [
    "..", ".", "%2e%2e", "..%2f..%2f..%2fetc%2fpasswd", "..%5c..%5c", "%2fetc%2fpasswd", "%00",
    "%ff", "%ed%a0%80", "%0d%0aX-A:%20b", "", "a" * 3000, "%C3%BC" * 200, "%", "%zz", "~", ";a=b",
    "runs", "sweeps", "artifacts", "reports", "file_stream", "static", "site", "login", "secret",
]  # fmt: skip
_ROUTES = [
    "/graphql", "/files/{}/{}/{}/file_stream", "/uploads/{}/{}", "/blobs/{}/{}", "/healthz", "/{}",
    "/artifactsV2/{}/{}/{}/{}/{}/{}/{}", "/artifacts/{}/{}", "/sdk/otel/v1/{}", "/metrics", "/",
    "/login", "/logout", "/site/{}", "/static/{}", "/{}/{}", "/{}/{}/runs/{}", "/{}/{}/sweeps/{}",
    "/{}/{}/reports/{}", "/{}/{}/artifacts/{}/{}/{}", "/authorize", "//{}", "/{}/../{}", "/*",
]  # fmt: skip
_HEADERS = {
    "Content-Type": ["application/json", "text/plain", "multipart/form-data", "a" * 300, ""],
    "Content-Encoding": ["gzip", "br", "deflate", "gzip, gzip", "x"],
    "Accept-Encoding": ["gzip", "*;q=0", "x"],
    "Range": [
        "bytes=0-1",
        "bytes=-5",
        "bytes=5-1",
        "bytes=99-",
        "bytes=0-0,2-3",
        "lines=1",
        "bytes=",
    ],
    "Host": ["example.com", "[::1", "a b", "", "127.0.0.1:99999", "user@host"],
    "X-Forwarded-For": ["1.2.3.4", "x, y", ""],
    "X-Forwarded-Proto": ["https", "javascript", ""],
    "X-Forwarded-Host": ["example.com/x", ""],
    "If-None-Match": ['"x"', "*", "x"],
    "If-Range": ['"x"', "Sat, 21 Nov 2026 10:00:00 GMT"],
    "Cookie": ["session=x", "a=b; a=c", "=", "session=" + "A" * 500],
    "Origin": ["null", "https://example.com"],
    "Expect": ["x"],
    "Upgrade": ["websocket"],
}


@dataclasses.dataclass(frozen=True)
class Call:
    """An HTTP request; its path is sent as it is."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@st.composite
def calls(
    draw: st.DrawFn, keys: Sequence[str], names: Sequence[str], tokens: Sequence[str]
) -> Call:
    """Draw a request.

    Args:
        draw: of hypothesis.
        keys: headers to be known by.
        names: what paths may name.
        tokens: of signed addresses.
    """
    segments = st.sampled_from([*_SEGMENTS, *names]) | st.builds(
        _mutated, st.sampled_from(tokens), st.integers(-1, 300), st.sampled_from("Aa0_.-!")
    )
    route = draw(st.sampled_from(_ROUTES))
    path = route.format(*(draw(segments) for _ in range(route.count("{}"))))
    path += draw(
        st.sampled_from(["", "", "", "/", "?", "?a=b&a", "?%ff=%00", "?limit=-1&page=1e9"])
    )
    chosen = draw(st.lists(st.sampled_from(sorted(_HEADERS)), max_size=3, unique=True))
    headers = {name: draw(st.sampled_from(_HEADERS[name])) for name in chosen}
    headers["Authorization"] = draw(
        st.sampled_from([*keys, *keys, "Basic !", "Bearer x", "Basic "])
    )
    body = draw(
        st.binary(max_size=40)
        | json_texts.map(lambda text: text.encode("utf-8", "surrogatepass"))
        | streams.map(lambda document: json.dumps(document).encode())
        | streams.map(lambda document: gzip.compress(json.dumps(document).encode()))
    )
    return Call(draw(st.sampled_from(METHODS)), path, headers, body)


def _mutated(token: str, place: int, character: str) -> str:
    """Change a character; the token itself for a place that it has not."""
    if not 0 <= place < len(token):
        return token
    return token[:place] + character + token[place + 1 :]
