"""How many threads serve a model: the choice follows the clock, and holds for threads that come later."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from in2x.serve.threads import settle


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("alone", "together", "taken"), [(1.0, 2.0, 1), (2.0, 1.0, 2), (1.0, 1.0, 2)])
def test_the_faster_number_is_taken(alone: float, together: float, taken: int) -> None:
    now = [0.0]

    def run() -> None:
        now[0] += alone if torch.get_num_threads() == 1 else together

    assert settle(run, lambda: now[0]) == taken
    assert torch.get_num_threads() == taken
    later: list[int] = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [taken]


def test_one_slow_round_decides_nothing() -> None:
    now, calls = [0.0], [0]

    def run() -> None:
        calls[0] += 1
        now[0] += 9.0 if calls[0] == 2 else 1.0 if torch.get_num_threads() == 1 else 2.0  # the first round alone

    assert settle(run, lambda: now[0]) == 1


def test_with_one_thread_there_is_no_choice() -> None:
    torch.set_num_threads(1)
    assert settle(lambda: pytest.fail("nothing is tried")) is None
