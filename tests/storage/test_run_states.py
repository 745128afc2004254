"""A run's states: what its process says, what its silence says, what a user says."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sweepcnn.storage import run_states
from sweepcnn.storage.run_states import ENDED, LIVE, StateError

codes = st.integers(-(2**31), 2**31 - 1)


class Life(RuleBasedStateMachine):
    """Any order of events; `stated` is an end that the process itself has stated."""

    def __init__(self) -> None:
        super().__init__()
        self.state = run_states.PENDING
        self.stopped = False
        self.is_warned = False
        self.stated: str | None = None

    @rule()
    def heard(self) -> None:
        before, self.state = self.state, run_states.heard(self.state)
        if before in ("crashed", "preempted"):
            assert self.state == "running"

    @rule()
    def warned(self) -> None:
        self.state = run_states.warned(self.state)
        if self.state == "preempting":
            self.is_warned = True

    @rule(code=codes)
    def completed(self, code: int) -> None:
        before = self.state
        self.state = run_states.completed(self.state, code, stopped=self.stopped)
        assert self.state in ENDED
        assert self.state != "crashed"
        if before in LIVE:
            self.stated = self.state
            assert (self.state == "killed") == self.stopped
            if not self.stopped:
                assert (self.state == "finished") == (code == 0)
                assert (self.state == "preempted") == (before == "preempting" and code != 0)

    @rule()
    def lost(self) -> None:
        before = self.state
        self.state = run_states.lost(self.state, stopped=self.stopped)
        assert self.state in ENDED
        assert self.state not in ("finished", "failed") or before == self.state

    @rule()
    def stop(self) -> None:
        if self.state in LIVE:
            self.stopped = True

    @rule(wanted=st.sampled_from(["pending", "failed", "running", "finished", "x", ""]))
    def set_by_hand(self, wanted: str) -> None:
        try:
            self.state = run_states.by_hand(self.state, wanted)
        except StateError:
            return
        assert wanted in ("pending", "failed")
        assert self.state == wanted
        self.stopped, self.stated = False, None

    @rule()
    def resumed(self) -> None:
        if self.state in ENDED:
            self.state, self.stopped, self.stated = run_states.RUNNING, False, None

    @invariant()
    def is_known(self) -> None:
        assert (self.state in LIVE) != (self.state in ENDED)

    @invariant()
    def an_end_that_was_stated_stays_until_the_run_is_resumed(self) -> None:
        if self.stated in ("finished", "failed", "killed"):
            assert self.state == self.stated

    @invariant()
    def nothing_is_preempted_without_a_warning(self) -> None:
        if self.state in ("preempting", "preempted"):
            assert self.is_warned


TestLife = Life.TestCase


@pytest.mark.parametrize(
    ("state", "wanted", "possible"),
    [
        ("running", "pending", True),
        ("crashed", "pending", True),
        ("preempted", "pending", True),
        ("failed", "pending", True),
        ("finished", "pending", False),
        ("killed", "pending", False),
        ("pending", "failed", True),
        ("running", "failed", True),
        ("finished", "failed", False),
        ("running", "finished", False),
    ],
)
def test_a_user_may_queue_a_run_again_or_give_it_up(
    state: str, wanted: str, possible: bool
) -> None:
    if possible:
        assert run_states.by_hand(state, wanted) == wanted
    else:
        with pytest.raises(StateError, match="possible is to pending from running"):
            run_states.by_hand(state, wanted)
