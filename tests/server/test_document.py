"""The server's README lists what there is: operations, features, tables and columns."""

import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import sweepcnn.server
from sweepcnn.server.graphql.engine import schema
from sweepcnn.server.graphql.resolvers import RESOLVERS
from sweepcnn.storage.columns import BigInteger, Integer, Name, Text
from sweepcnn.storage.tables import metadata

FILE = Path(sweepcnn.server.__file__).with_name("README.md")
README = FILE.read_text("utf-8")
_TYPES = {Name: "name", Text: "text", BigInteger: "64 bits", Integer: "32 bits"}
_TYPES |= {sa.Boolean: "boolean", sa.Double: "double"}


def type_of(column: sa.Column[Any]) -> str:
    """Say what a column holds."""
    found = _TYPES[type(column.type)]
    found += "".join(f", of `{key.column.table.name}`" for key in column.foreign_keys)
    return f"{found}{', key' * column.primary_key}{', or null' * bool(column.nullable)}"


def test_every_table_and_column_is_described() -> None:
    _, *parts = re.split(r"^### `(\w+)`$", README, flags=re.MULTILINE)
    described = dict(zip(parts[::2], parts[1::2], strict=True))
    assert sorted(described) == sorted(metadata.tables)
    for name, text in described.items():
        told = re.findall(r"^\| `(\w+)` \| ([^|]+) \| [^| ][^|]* \|$", text, re.MULTILINE)
        actual = [(column.name, type_of(column)) for column in metadata.tables[name].columns]
        assert told == actual, name


def test_every_mutation_belongs_to_an_action() -> None:
    actions = re.findall(r"^\| [^|]+ \| (?:yes|partly|refused) \| ([^|]*) \|", README, re.MULTILINE)
    told = [name for names in actions for name in re.findall(r"`(\w+)`", names)]
    mutations = schema().mutation_type
    assert mutations is not None
    assert sorted(told) == sorted(mutations.fields)


def test_the_advertised_features_are_listed() -> None:
    (listed,) = re.findall(r"^Advertised features[^:]*: ([^.]+)\.", README, re.MULTILINE)
    features = RESOLVERS["Query"]["serverInfo"](None, None)["features"]
    assert re.findall(r"`(\w+)`", listed) == [feature["name"] for feature in features]


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (FILE.parent / link).exists()] == []
