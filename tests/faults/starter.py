"""A process that has imported everything and forks commands from that: what takes a start seconds is done once.

Reads {"arguments": [...], "log": FILE} a line, answers {"pid": N} when the command is begun, in a process group of its
own, and {"code": N} when it has ended (-9 after SIGKILL).
"""

from __future__ import annotations

import json
import os
import sys
import traceback

from in2x import cli


def prepare() -> None:
    """Import what commands import, and let training save itself every fifth of a second."""
    import daft  # noqa: F401
    import torch

    import in2x.people.server
    import in2x.rl.loop
    import in2x.serve.server
    import in2x.training.loop
    import in2x.translate.open
    from in2x.run import ROOMS

    for room in ROOMS:
        room.function()
    torch.set_num_threads(1)
    for module in (in2x.training.loop, in2x.rl.loop):
        module.SAVE_SECONDS = 0.2


def command(arguments: list[str], log: str) -> None:
    """Never returns: the command, in the place of this process."""
    code = 70
    try:
        os.setsid()
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(file, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.argv = ["in2x", *arguments]
        code = cli.main(arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Serve until the input ends."""
    prepare()
    print(json.dumps({"ready": len(os.listdir("/proc/self/task"))}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if not pid:
            command(asked["arguments"], asked["log"])
        print(json.dumps({"pid": pid}), flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
