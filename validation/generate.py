"""Generated cases by number: case i of a seed is the same in every process, alone or among others.

Hypothesis draws a test's examples from one stream, tries the plainest one first and mixes in numbers that it finds
in the modules loaded: neither is wanted here. So cases are drawn by a Hypothesis backend of our own
(`PrimitiveProvider`), which takes every choice from a random generator that the seed and the number alone determine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from random import Random
from threading import Lock
from typing import ClassVar, NoReturn

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, PrimitiveProvider

from validation.strategies import Case, cases

_BACKEND = "metronome-numbered"

#: Hypothesis backends are chosen by name for the whole process: one batch at a time.
_ONE_AT_A_TIME = Lock()


class _Numbered(PrimitiveProvider):
    """Draws from the generator of the number whose turn it is, evenly between the bounds."""

    lifetime = "test_case"
    source: ClassVar[Random | None] = None

    def draw_boolean(self, p: float = 0.5) -> bool:
        return self._random().random() < p

    def draw_integer(
        self,
        min_value: int | None = None,
        max_value: int | None = None,
        *,
        weights: dict[int, float] | None = None,
        shrink_towards: int = 0,
    ) -> int:
        if min_value is None or max_value is None:
            self._refuse()
        return self._random().randint(min_value, max_value)

    def draw_float(self, *_bounds: object, **_more: object) -> NoReturn:
        self._refuse()

    def draw_string(self, *_bounds: object, **_more: object) -> NoReturn:
        self._refuse()

    def draw_bytes(self, *_bounds: object, **_more: object) -> NoReturn:
        self._refuse()

    @classmethod
    def _random(cls) -> Random:
        assert cls.source is not None, "drawn from outside `generate`"
        return cls.source

    def _refuse(self) -> NoReturn:
        raise TypeError("numbered cases are made of bounded whole numbers and booleans only")


AVAILABLE_PROVIDERS[_BACKEND] = _Numbered


def generate(seed: int, numbers: Iterable[int], max_macs: int = 2000) -> Iterator[tuple[int, Case | Exception]]:
    """Yield each number with its case, of at most ``max_macs`` MACs, or with what the strategy raised.

    A case depends on ``seed``, its number and ``max_macs`` only, for one version of the strategies and Hypothesis.
    """
    wanted = list(numbers)
    with _ONE_AT_A_TIME:
        found = _drawn(seed, wanted, max_macs) if wanted else []
    return zip(wanted, found, strict=True)


def _drawn(seed: int, wanted: list[int], max_macs: int) -> list[Case | Exception]:
    pending = deque(Random(f"{seed}:{number}") for number in wanted)
    found: list[Case | Exception] = []

    # One more than wanted, as Hypothesis tries the plainest example first, with a backend of its own. An example that
    # the strategy gives up is drawn again from where its generator stands.
    @settings(
        max_examples=len(wanted) + 1,
        backend=_BACKEND,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(_caught(max_macs))
    def collect(case: Case | Exception) -> None:
        if _Numbered.source is not None:
            found.append(case)
            pending.popleft()
        _Numbered.source = pending[0] if pending else None

    _Numbered.source = None
    try:
        collect()
    finally:
        _Numbered.source = None
    return found


@st.composite
def _caught(draw: st.DrawFn, max_macs: int) -> Case | Exception:
    try:
        return draw(cases(max_macs=max_macs))
    except HypothesisException:
        raise
    except Exception as error:
        return error
