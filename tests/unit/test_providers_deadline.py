"""One deadline, on a clock that the test winds."""

import pytest

from turnout.execute.deadline import Deadline


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_time_runs_out_and_not_below(clock: Clock) -> None:
    deadline = Deadline(2.0, clock, clock.sleep)
    assert (deadline.remaining(), deadline.is_over, deadline.elapsed_ms()) == (2.0, False, 0)
    await deadline.wait(1.5)
    assert (deadline.remaining(), deadline.elapsed_ms()) == (0.5, 1500)
    await deadline.wait(9.0)
    assert (deadline.remaining(), deadline.is_over) == (0.0, True)
    clock.now += 7
    assert deadline.remaining() == 0.0
    await deadline.wait(1.0)
    await deadline.wait(-1.0)
    assert clock.slept == [1.5, 0.5, 0.0]


async def test_another_end_from_the_same_beginning(clock: Clock) -> None:
    deadline = Deadline(float("inf"), clock, clock.sleep)
    clock.now += 1.0
    other = deadline.until(3.0)
    assert (other.remaining(), other.elapsed_ms()) == (2.0, 1000)
    assert Deadline(-5.0, clock).is_over
