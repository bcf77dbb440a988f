"""A training process that is killed before update N: python trl_killed.py N -m in2x.rl.trl_job JOB

Of several processes the last one is killed.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from in2x.process import work_on
from in2x.rl.trl_job import _ToLog, train

UPDATE = int(sys.argv[1])


def kill(self: Any, args: Any, state: Any, control: Any, **_: Any) -> None:
    if state.global_step == UPDATE and int(os.environ.get("RANK", "0")) == int(os.environ.get("WORLD_SIZE", "1")) - 1:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _ToLog.on_step_begin = kill
    sys.exit(work_on(sys.argv[-1], train))
