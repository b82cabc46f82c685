"""What the C library knows of processes: children that end when we end, stopping them in
order, and memory given back."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
# Loaded once, here: between fork and exec a child of a process with threads must not take
# the locks that loading a library takes.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def dies_with_parent(with_signal: int = signal.SIGTERM) -> Callable[[], None] | None:
    """A `preexec_fn`: the child gets `with_signal` when the thread that starts it ends, also
    when our process is killed outright. None where the system cannot do that (macOS)."""
    if _LIBC is None:
        return None
    parent = os.getpid()
    prctl = _LIBC.prctl

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent ended before we asked
            os._exit(1)

    return before_exec


def give_memory_back() -> None:
    """Return free pages of the C heap to the system; nothing where its library cannot."""
    trim = getattr(_LIBC, "malloc_trim", None)
    if trim is not None:
        trim(0)


def stop_process(process: "subprocess.Popen[bytes]", seconds: float) -> int:
    """The exit status after SIGTERM, and SIGKILL when it is still running after `seconds`."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def log_tail(path: Path, lines: int = 3) -> str:
    """The last lines of a log file on one line, at most 600 characters; empty without one."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    kept = [line.strip() for line in text.splitlines() if line.strip()][-lines:]
    return " | ".join(kept)[-600:]
