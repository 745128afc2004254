"""A random order that is computed and not listed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepcnn.search.permutation import Permutation


@given(st.integers(1, 400), st.integers(0, 2**64))
def test_every_index_has_one_position(size: int, seed: int) -> None:
    order = Permutation(size, seed)
    found = [order.at(position) for position in range(size)]
    assert sorted(found) == list(range(size))
    assert [order.position_of(index) for index in found] == list(range(size))


@given(st.integers(1, 10**60), st.data())
def test_a_position_is_found_again_however_large_the_size(size: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, size - 1))
    order = Permutation(size, 7)
    assert 0 <= order.at(position) < size
    assert order.position_of(order.at(position)) == position


def test_another_seed_is_another_order() -> None:
    orders = {tuple(Permutation(24, seed).at(i) for i in range(24)) for seed in range(50)}
    assert len(orders) == 50


@pytest.mark.parametrize("size", [6, 100])
def test_every_index_is_as_likely_at_every_position(size: int) -> None:
    seeds = 3000
    for position in (0, 1, size - 1):
        counts = [0] * size
        for seed in range(seeds):
            counts[Permutation(size, seed).at(position)] += 1
        expected = seeds / size
        chi_squared = sum((count - expected) ** 2 / expected for count in counts)
        # its mean is size - 1 and its variance 2 (size - 1); 5 standard deviations
        assert chi_squared < size - 1 + 5 * (2 * (size - 1)) ** 0.5
