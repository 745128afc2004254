import numpy as np
import pytest

from sweepcnn.data.split import Purpose, hold_out, split_digest

LABELS = np.repeat([0, 1, 2, 3], [100, 51, 7, 2])


def test_each_class_gives_its_share_rounded() -> None:
    chosen = hold_out(LABELS, 0.2, 0, Purpose.VALIDATION)
    assert np.bincount(LABELS[chosen]).tolist() == [20, 10, 1, 1]


@pytest.mark.parametrize(("fraction", "count"), [(0.001, 1), (0.999, 6)])
def test_no_class_is_left_out_or_used_up(fraction: float, count: int) -> None:
    assert np.bincount(LABELS[hold_out(LABELS, fraction, 0, Purpose.TEST)])[2] == count


def test_the_seed_decides_and_each_purpose_draws_for_itself() -> None:
    first = hold_out(LABELS, 0.2, 0, Purpose.TEST)
    assert (first == hold_out(LABELS, 0.2, 0, Purpose.TEST)).all()
    assert (first != hold_out(LABELS, 0.2, 1, Purpose.TEST)).any()
    assert (first != hold_out(LABELS, 0.2, 0, Purpose.VALIDATION)).any()


def test_the_draw_is_the_same_on_every_machine() -> None:
    labels = np.repeat([0, 1], 10)
    drawn = np.flatnonzero(hold_out(labels, 0.3, 7, Purpose.VALIDATION))
    assert drawn.tolist() == [0, 8, 9, 10, 13, 15]


def test_the_digest_tells_train_from_val() -> None:
    digests = {
        split_digest(["a", "b"], ["c"]),
        split_digest(["a"], ["b", "c"]),
        split_digest(["a", "bc"], []),
        split_digest(["c"], ["a", "b"]),
    }
    assert len(digests) == 4
    assert split_digest(["a"], ["b"]) == split_digest(iter(["a"]), iter(["b"]))
