"""The walls: a process without network, environment, files but its own, children, or more than its share of anything.

    python -I -S -c BOOT namespaces|inside|bare SECONDS MEGABYTES program|tests FD   (the text is on descriptor FD)

"namespaces" builds them by itself: user, mount, process, network, IPC and host namespaces; a root of 16 MB in memory
with Python's own files, read only; no capabilities. "inside" is told that bubblewrap has done so. Both then forbid by
seccomp what makes processes, sockets and mounts. "bare" only sets limits, for users who say so.

Linux on x86-64 and ARM64 only (the numbers of system calls are written here). No library: it has no site-packages.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Callable

from in2x.rl.rewards.jail import program, tests
from in2x.rl.rewards.jail.wire import Line

MEGABYTE = 1 << 20
NO_WALLS = 43
"""Exit code where the namespaces cannot be made."""
DISK = 16
"""Megabytes of files a process may have in all."""
_CLONE = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
"""NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET."""
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_FORBIDDEN = {
    # fork vfork execve execveat socket socketpair connect bind ptrace kill tkill mount umount2 pivot_root chroot
    # unshare setns keyctl bpf perf_event_open process_vm_readv process_vm_writev io_uring_setup userfaultfd
    # name_to_handle_at open_by_handle_at
    "x86_64": (57, 58, 59, 322, 41, 53, 42, 49, 101, 62, 200, 165, 166, 155, 161, 272, 308, 250, 321, 298, 310, 311,
               425, 323, 303, 304),
    "aarch64": (221, 281, 198, 199, 203, 200, 117, 129, 130, 40, 39, 41, 51, 97, 268, 219, 280, 241, 270, 271, 425,
                282, 264, 265),
}  # fmt: skip
_CLONE_NUMBER = {"x86_64": 56, "aarch64": 220}
_CLONE3, _CLONE_THREAD = 435, 0x00010000
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CAPSET = {"x86_64": 126, "aarch64": 91}

_libc = ctypes.CDLL(None, use_errno=True)


def _must(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2)."""
    _must(_libc.mount(source.encode(), target.encode(), kind.encode(), flags, data.encode()), f"mount {target}")


def needed() -> list[str]:
    """Folders that Python needs to run: its own, and those of the system's libraries."""
    system = [path for path in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib") if os.path.isdir(path)]
    own = [sys.base_prefix] if sys.base_prefix not in ("/", "/usr", "/usr/local") else []
    libraries = [os.path.join(path, "lib") for path in (sys.base_prefix,) if not own]
    return list(dict.fromkeys(map(os.path.realpath, [*system, *own, *filter(os.path.isdir, libraries)])))


def limits(seconds: int, megabytes: int) -> None:
    """Processor time, memory, size of a file, open files, no core dump."""
    for what, value in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, megabytes * MEGABYTE),
        (resource.RLIMIT_FSIZE, MEGABYTE),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (value, value))


def enter_namespaces(then: Callable[[], None]) -> int:
    """Exit code of `then` in a process of new namespaces with its own root. Raises OSError where not allowed."""
    user, group = os.geteuid(), os.getegid()
    _must(_libc.unshare(_CLONE), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w") as stream:
            stream.write(text)
    child = os.fork()
    if child == 0:
        try:
            _libc.prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0)
            own_root()
            then()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def own_root() -> None:
    """Make a small root in memory with `needed()` read only, and leave everything else behind."""
    root = "/tmp" if os.path.isdir("/tmp") else "/mnt"
    folders = needed()
    links = {p: os.readlink(p) for p in ("/lib", "/lib64") if os.path.islink(p)}
    mount("none", "/", "", _MS_REC | _MS_PRIVATE)
    held = [(path, os.open(path, os.O_PATH | os.O_DIRECTORY)) for path in folders]  # some may lie below the new root
    mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, f"size={DISK}m,nr_inodes=2000,mode=755")
    for path, descriptor in held:
        os.makedirs(root + path, exist_ok=True)
        mount(f"/proc/self/fd/{descriptor}", root + path, "", _MS_BIND | _MS_REC)
        mount("none", root + path, "", _MS_BIND | _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _MS_NODEV)
        os.close(descriptor)
    for path, target in links.items():
        os.symlink(target, root + path)
    os.makedirs(root + "/box")
    os.makedirs(root + "/old")
    os.chdir(root)
    _must(_libc.syscall(_PIVOT_ROOT[platform.machine()], b".", b"old"), "pivot_root")
    os.chdir("/box")
    _must(_libc.umount2(b"/old", _MNT_DETACH), "umount")
    os.rmdir("/old")


def forbid() -> None:
    """No capabilities; no system call that makes a process, opens a socket, mounts, or looks into another process."""
    machine = platform.machine()
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    header, nothing = struct.pack("Ii", 0x20080522, 0), struct.pack("6I", *[0] * 6)
    _must(_libc.syscall(_CAPSET[machine], header, nothing), "capset")
    _must(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    load, equal, has, end = 0x20, 0x15, 0x45, 0x06
    allow, denied, absent, kill = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
    steps = [(load, 0, 0, 4), (equal, 1, 0, ARCHITECTURES[machine]), (end, 0, 0, kill), (load, 0, 0, 0)]
    if machine == "x86_64":  # the numbers of x32 are another way to the same calls
        steps += [(has, 0, 1, 0x40000000), (end, 0, 0, kill)]
    for number in _FORBIDDEN[machine]:
        steps += [(equal, 0, 1, number), (end, 0, 0, denied)]
    steps += [(equal, 0, 1, _CLONE3), (end, 0, 0, absent)]  # its flags cannot be seen here; libc falls back to clone
    steps += [(equal, 0, 3, _CLONE_NUMBER[machine]), (load, 0, 0, 16), (has, 1, 0, _CLONE_THREAD), (end, 0, 0, denied)]
    steps += [(end, 0, 0, allow)]
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(buffer))
    _must(_libc.prctl(_PR_SET_SECCOMP, 2, program, 0, 0), "seccomp")


def work(role: str, text: str, seconds: int, megabytes: int, walls: bool) -> None:
    """Be the program's side or the tests' side, with limits. Does not return."""
    line = Line(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 0)
    os.dup2(2, 1)
    sys.path[:] = [path for path in sys.path if path.startswith(sys.base_prefix)]
    limits(seconds, megabytes)
    if walls:
        forbid()
    if role == "program":
        program.Server(line).run(text)
        os._exit(0)
    tests.end(tests.run(text, line))


def main() -> None:
    """See the head of the file."""
    mode, seconds, megabytes, role = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    with os.fdopen(int(sys.argv[5]), "r", encoding="utf-8", errors="replace") as stream:
        text = stream.read()
    os.dup2(os.open(os.devnull, os.O_RDWR), 2)

    def begin() -> None:
        work(role, text, seconds, megabytes, walls=mode != "bare")

    if mode == "namespaces":
        try:
            code = enter_namespaces(begin)
        except OSError:
            code = NO_WALLS
        os._exit(code if code >= 0 else 128 - code)
    begin()
