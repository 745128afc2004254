"""The sweep's life: states, agents, points handed out, runs that died. No HTTP here."""

from sweepcnn.scheduler.commands import Command
from sweepcnn.scheduler.scheduler import Scheduler, UnknownAgentError
from sweepcnn.scheduler.settling import settle
from sweepcnn.scheduler.states import StateError, change_state

__all__ = ["Command", "Scheduler", "StateError", "UnknownAgentError", "change_state", "settle"]
