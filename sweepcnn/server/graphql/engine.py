"""Executes operations against `schema.graphql`, with the leniency that W&B's client counts on."""

import json
import logging
import re
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    get_named_type,
    parse,
    type_from_ast,
    validate,
)

from sweepcnn.server import disk_full
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql import left_out
from sweepcnn.server.graphql.bounds import MOST_FIELDS, BoundedExecutor, TooManyFieldsError
from sweepcnn.server.graphql.resolvers import RESOLVERS, TYPE_OF
from sweepcnn.storage.columns import UnfitError

_log = logging.getLogger(__name__)
_MAX_QUERY_CHARACTERS = 100_000
_MAX_KEPT_CHARACTERS = 10_000  # the client's longest document has a fourth of it


def execute(body: Any, request: Request) -> tuple[int, dict[str, Any]]:
    """Execute the body of a POST to /graphql; gives the HTTP status and the answer."""
    try:
        query, variables, name = _read(body)
        prepare = _prepare if len(query) <= _MAX_KEPT_CHARACTERS else _prepare.__wrapped__
        document, problems = prepare(query)
        if problems:
            return 200, {"data": None, "errors": problems}
        result = execute_sync(
            schema(),
            document,
            context_value=request,
            variable_values=_without_unknown_nulls(document, variables),
            operation_name=name,
            field_resolver=_snake_case_field,
            executor_class=BoundedExecutor,
        )
    except TooManyFieldsError:
        message = f"the answer would have more than {MOST_FIELDS} fields; ask for less at once"
        return 400, {"data": None, "errors": [{"message": message}]}
    except ApiError as error:
        return error.status, {"data": None, "errors": [{"message": str(error)}]}
    except GraphQLError as error:
        return 200, {"data": None, "errors": [error.formatted]}
    return _answer(result)


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    """Give the schema with its resolvers."""
    text = resources.files(__package__).joinpath("schema.graphql").read_text("utf-8")
    built = build_schema(text)
    for type_name, fields in RESOLVERS.items():
        type_ = built.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        for field, resolver in fields.items():
            type_.fields[field].resolve = resolver
    for type_name, type_of in TYPE_OF.items():
        built.type_map[type_name].resolve_type = type_of  # type: ignore[attr-defined]
    _scalar(built, "DateTime").coerce_output_value = _utc
    _scalar(built, "JSONString").coerce_input_value = _text
    _scalar(built, "Int64").coerce_input_value = _whole
    return built


def _scalar(built: GraphQLSchema, name: str) -> GraphQLScalarType:
    type_ = built.type_map[name]
    assert isinstance(type_, GraphQLScalarType)
    return type_


def _text(value: Any) -> str:
    """Take a document as text; one that came as JSON itself is turned into it."""
    return value if isinstance(value, str) else json.dumps(value)


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
        return value
    raise GraphQLError(f"Int64 cannot represent {str(value)[:80]!r}")


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(body: Any) -> tuple[str, dict[str, Any], str | None]:
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        raise ApiError('the body must be JSON with a text "query"', 400)
    variables = body.get("variables") or {}
    if not isinstance(variables, dict):
        raise ApiError('"variables" must be an object', 400)
    if len(body["query"]) > _MAX_QUERY_CHARACTERS:
        raise ApiError(f"the query has more than {_MAX_QUERY_CHARACTERS} characters", 400)
    name = body.get("operationName")
    # The client sends an empty name for none.
    return body["query"], variables, name if isinstance(name, str) and name else None


@lru_cache(maxsize=256)
def _prepare(query: str) -> tuple[DocumentNode, list[Any]]:
    """Parse and validate; the client sends the same few dozen documents again and again."""
    document = parse(query, no_location=True, max_tokens=10_000)
    errors = validate(schema(), document, max_errors=10)
    area = left_out.area(errors)
    if area:
        return document, [{"message": f"this server has no {area}"}]
    return document, [error.formatted for error in errors]


def _without_unknown_nulls(document: DocumentNode, variables: dict[str, Any]) -> dict[str, Any]:
    """Drop input fields that we do not know where they are null.

    The client sends every field of an input type that it was generated with. One that it fills is
    meant, and refused; dropping it would be to do something else than was asked.
    """
    cleaned = dict(variables)
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode):
            continue
        for variable in definition.variable_definitions or ():
            name = variable.variable.name.value
            type_ = type_from_ast(schema(), variable.type)
            if name in cleaned and type_ is not None:
                cleaned[name] = _clean(cleaned[name], type_)
    return cleaned


def _clean(value: Any, type_: Any) -> Any:
    if isinstance(type_, GraphQLNonNull):
        return _clean(value, type_.of_type)
    if isinstance(type_, GraphQLList) and isinstance(value, list):
        return [_clean(item, type_.of_type) for item in value]
    if isinstance(get_named_type(type_), GraphQLInputObjectType) and isinstance(value, dict):
        fields = get_named_type(type_).fields
        return {
            key: _clean(item, fields[key].type) if key in fields else item
            for key, item in value.items()
            if key in fields or item is not None
        }
    return value


def _snake_case_field(source: Any, info: Info, **_arguments: Any) -> Any:
    """Read a field that has no resolver: a key of a dict, or the attribute in snake case."""
    if isinstance(source, dict):
        return source.get(info.field_name)
    return getattr(source, _snake_case(info.field_name), None)


@lru_cache(maxsize=1024)
def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _answer(result: ExecutionResult) -> tuple[int, dict[str, Any]]:
    if not result.errors:
        return 200, {"data": result.data}
    status = 200
    errors: list[Any] = []
    for error in result.errors:
        original = error.original_error
        if isinstance(original, ApiError):
            status = max(status, original.status)
            errors.append({"message": str(original), "path": error.path})
        elif isinstance(original, UnfitError):
            status = max(status, 400)
            errors.append({"message": str(original), "path": error.path})
        elif original is None or isinstance(original, GraphQLError):
            errors.append(error.formatted)
        elif isinstance(original, RecursionError):
            status = max(status, 400)
            errors.append({"message": "the request or what it asks for is nested too deeply"})
        elif disk_full.is_disk_full(original):
            status = max(status, disk_full.STATUS)
            errors.append({"message": disk_full.MESSAGE})
        else:
            _log.error("resolver failed at %s", error.path, exc_info=original)
            status = 500
            errors.append({"message": "internal error; the server's log has it"})
    return status, {"data": result.data, "errors": errors}
