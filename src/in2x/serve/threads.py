"""Whether torch serves a model of this process faster with one thread or with all, found out while warming up.

Threads that share a product of some microseconds wait longer for each other than they multiply: on two cores a model
of 3M parameters answered 340 requests a second with one thread and 240 with two. A large one is twice as fast with two.
No size tells which: it hangs on the processor, its other work and the batches.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

ROUNDS = 3
"""Of each, in turn; the fastest counts."""


def settle(run: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> int | None:
    """Let torch have one thread or all, as `run` is faster; for this thread and those that have not used torch yet.

    Args:
        run: what the model will do.
        clock: seconds.

    Returns:
        The number of threads; None where nothing was to choose: torch is not loaded, or has one thread.
    """
    torch = sys.modules.get("torch")
    if torch is None or (every := torch.get_num_threads()) == 1:
        return None
    spent: dict[int, list[float]] = {every: [], 1: []}
    for _ in range(ROUNDS):
        for count, times in spent.items():
            torch.set_num_threads(count)
            began = clock()
            run()
            times.append(clock() - began)
    best = min(spent, key=lambda count: min(spent[count]))  # all of them where both are as fast
    torch.set_num_threads(best)
    return best
