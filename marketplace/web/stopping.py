"""Tells answers that last for minutes that their process is asked to end.

A server lets open answers finish before it stops, and kills what takes too long. The server's own
signal handlers are left alone: Python writes the number of every signal that it handles into a
descriptor, and that is all that is read here.
"""

import os
import signal
import threading

ENDING = {signal.SIGTERM, signal.SIGINT}


class Stopping:
    """Set once the process has been asked to end; begins to look when first asked."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._signals = _signal_numbers()
        self._looks = False

    def __bool__(self) -> bool:
        with self._lock:
            if not self._looks and self._signals is not None:
                looking = threading.Thread(
                    target=self._look, args=(self._signals,), name="stopping", daemon=True
                )
                looking.start()
            self._looks = True
        return self._asked.is_set()

    def _look(self, signals: int) -> None:
        while not self._asked.is_set():
            if any(number in ENDING for number in os.read(signals, 64)):
                self._asked.set()


def _signal_numbers() -> int | None:
    """Where to read the signals of this process; None outside its main thread, or if taken."""
    if threading.current_thread() is not threading.main_thread():
        return None
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    if before == -1:
        return reading
    # An event loop of this thread has it: give it back.
    signal.set_wakeup_fd(before)
    os.close(reading)
    os.close(writing)
    return None
