"""The states of a run, and what moves it from one to another.

    pending --> running <--> preempting        these are live
    finished  failed  killed  crashed  preempted     it has ended

* A process that starts the run, anew or by resuming it, sets it running from any state.
* Any request of its stream shows that the process lives: it sets a pending run running, and one
  running again that was given up as crashed or preempted. A preempting run stays so.
* An end that the process states is final until the run is resumed: killed if the server asked it to
  stop, else finished for exit code 0; another code is failed, or preempted after a warning. What
  early stopping asked of a run that came to its end all the same is forgotten.
* A process that is not heard of any more leaves its run crashed; preempted after a warning, killed
  if it was asked to stop.
* A user may queue a run again (pending), or give one up that has not ended (failed).
* An edit (a name, tags, a configuration) changes no state.
"""

PENDING, RUNNING, PREEMPTING = "pending", "running", "preempting"
FINISHED, FAILED, KILLED = "finished", "failed", "killed"
CRASHED, PREEMPTED = "crashed", "preempted"

LIVE = (PENDING, RUNNING, PREEMPTING)
ENDED = (FINISHED, FAILED, KILLED, CRASHED, PREEMPTED)
_GIVEN_UP = (CRASHED, PREEMPTED)  # by silence, not by the word of the process

# What a user may ask for, from which states.
_BY_HAND = {
    PENDING: (RUNNING, FAILED, CRASHED, PREEMPTED),
    FAILED: (PENDING, RUNNING),
}


class StateError(Exception):
    """The run cannot get to that state."""


def heard(state: str) -> str:
    """Give the state after a request of the stream that says nothing of an end."""
    return RUNNING if state in (PENDING, *_GIVEN_UP) else state


def warned(state: str) -> str:
    """Give the state after the process said that it may be preempted."""
    return PREEMPTING if heard(state) in LIVE else state


def completed(state: str, exit_code: int, *, stopped: bool) -> str:
    """Give the state after the process said that it has ended.

    Args:
        state: the state before.
        exit_code: of the process.
        stopped: whether the server had asked it to stop.
    """
    if state in ENDED and state not in _GIVEN_UP:
        return state
    if stopped:
        return KILLED
    if exit_code == 0:
        return FINISHED
    return PREEMPTED if state in (PREEMPTING, PREEMPTED) else FAILED


def came_to_its_end(exit_code: int, status: object) -> bool:
    """Tell whether a run that early stopping asked to stop ended by itself before it heard of it.

    Args:
        exit_code: of the process.
        status: that of the run's summary; a program that ends well when it is stopped says so.
    """
    return exit_code == 0 and status != "stopped"


def lost(state: str, *, stopped: bool) -> str:
    """Give the state after the process fell silent, or was found to be gone."""
    if state not in LIVE:
        return state
    if stopped:
        return KILLED
    return PREEMPTED if state == PREEMPTING else CRASHED


def by_hand(state: str, wanted: str) -> str:
    """Give the state that a user asks for.

    Raises:
        StateError: there is no way from the one to the other.
    """
    if state not in _BY_HAND.get(wanted, ()):
        ways = "; ".join(f"to {to} from {', '.join(froms)}" for to, froms in _BY_HAND.items())
        raise StateError(f"a run that is {state} cannot be set to {wanted!r}; possible is {ways}")
    return wanted
