"""A polite stop: SIGTERM, SIGINT and SIGUSR1 ask for a save at the next step instead of ending the process."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

ASKED = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


class Stopped(SystemExit):
    """The run was asked to stop and has saved where it stands; the exit status is 128 + the signal's number."""


class StopRequest:
    """Which signal has asked for a stop, if any."""

    signum: int | None = None

    def exit(self) -> Stopped:
        return Stopped(128 + (self.signum or 0))


@contextlib.contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Collect stop signals while the block runs; a second SIGINT interrupts at once. Only the main thread can."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def ask(signum: int, frame: object) -> None:
        if request.signum == signal.SIGINT and signum == signal.SIGINT:
            raise KeyboardInterrupt
        request.signum = signum

    before = {number: signal.signal(number, ask) for number in ASKED}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
