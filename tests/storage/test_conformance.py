"""The contract of `sweepcnn.storage`, on SQLite and on PostgreSQL."""

from tests.storage.conformance.artifacts import Artifacts
from tests.storage.conformance.deletion import Deletion
from tests.storage.conformance.people import People
from tests.storage.conformance.runs import Runs
from tests.storage.conformance.sweeps import Sweeps
from tests.storage.conformance.transactions import Transactions
from tests.storage.conformance.values import Values


class TestConformance(Transactions, Values, Deletion, People, Runs, Sweeps, Artifacts):
    """Every test of every chapter."""
