"""ipc: a fence only ever closes; no cancel brings a turn back."""

from hypothesis import given
from hypothesis import strategies as st

from ipc.fence import Fence
from ipc.protocol import Cancel

cancels = st.lists(st.builds(Cancel, turn=st.integers(0, 300), up_to=st.booleans()), max_size=200)


@given(cancels, st.integers(1, 300))
def test_a_dead_turn_stays_dead(orders, turn):
    fence = Fence()
    dead = False
    for order in orders:
        fence.apply(order)
        dead = dead or order.turn == turn or (order.up_to and order.turn >= turn)
        if dead:
            assert not fence.allows(turn)


@given(cancels)
def test_turn_zero_and_the_future_are_never_fenced(orders):
    fence = Fence()
    for order in orders:
        fence.apply(order)
    assert fence.allows(0)
    assert fence.allows(301)


def test_single_turns_leave_their_neighbours_alone():
    fence = Fence(floor=10)
    fence.apply(Cancel(turn=13))
    assert [t for t in range(9, 16) if fence.allows(t)] == [11, 12, 14, 15]


def test_many_single_cancels_are_forgotten_into_the_floor():
    fence = Fence()
    for turn in range(1, 1001):
        fence.apply(Cancel(turn=turn))
    assert fence.floor >= 1000 - 64
    assert not any(fence.allows(turn) for turn in range(1, 1001))


@given(st.integers(0, 100), st.integers(0, 100))
def test_the_floor_never_falls(first, second):
    fence = Fence(first)
    fence.raise_to(second)
    assert fence.floor == max(first, second)
