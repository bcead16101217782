"""Asking again until something is so, as programs of users do it. Each question waits for its answer, so nothing sleeps."""
import time


def until(ask, done, seconds=60):
    """The first answer that done takes; AssertionError with the last one when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = ask()
        if done(value):
            return value
    raise AssertionError("took too long: %s" % value)
