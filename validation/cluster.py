"""Work on a Dask cluster, for which the package `distributed` is needed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import islice
from logging import CRITICAL, getLogger
from typing import Any, TypeVar, cast

from distributed import Client, Future, as_completed
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from dataflow.errors import InputError

A = TypeVar("A")
R = TypeVar("R")

#: Seconds until a cluster that does not answer, or has no workers, is given up.
PATIENCE = 10


class Cluster:
    """A scheduler (`validation.schedulers.Scheduler`) for the workers of the Dask scheduler at ``address``.

    The work of a worker that is lost is done again by others.
    """

    def __init__(self, address: str) -> None:
        self._where = f"--scheduler {address}"
        self._address = address

    def __call__(self, work: Callable[[A], R], items: Iterable[A]) -> Generator[R]:
        """Yield the results, in any order; raises `InputError` where there is no cluster, or none that can do this."""
        remaining = iter(items)
        with self._lost_explained(), self._connected() as client:
            # The package leaves these two without types.
            futures: Any = cast(Any, as_completed)(loop=client.loop)
            threads: Callable[[], dict[str, int]] = client.nthreads

            def top_up() -> None:
                """Submit an item for every thread that has none, also of workers that have come since."""
                free = max(1, sum(threads().values())) - futures.count()
                futures.update([client.submit(work, item, pure=False) for item in islice(remaining, max(0, free))])

            top_up()
            for future in futures:
                result: R = self._gathered(future)
                del future  # whoever holds a future keeps its result on the cluster
                yield result
                top_up()

    @contextmanager
    def _lost_explained(self) -> Iterator[None]:
        """Turn the loss of the scheduler into `InputError`; what the package logs of it meanwhile is left out."""
        log = getLogger("distributed.client")
        level = log.level
        log.setLevel(CRITICAL)
        try:
            yield
        except (CancelledError, CommClosedError):
            raise InputError("the connection to the Dask scheduler was lost", self._where) from None
        finally:
            log.setLevel(level)

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        """Yield a client of the cluster, once it has a worker; what is still to be done when it closes is dropped."""
        make: Any = Client  # the package leaves it without types
        try:
            client: Client = make(self._address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            message = f"no Dask scheduler answers: {' '.join(str(error).split())}"
            raise InputError(message, self._where) from None
        with client:
            try:
                client.wait_for_workers(1, timeout=PATIENCE)
            except TimeoutError:
                start = f"start one with `dask worker {self._address}`"
                message = f"the cluster has had no worker for {PATIENCE} s; {start}"
                raise InputError(message, self._where) from None
            self._probe(client)
            yield client

    def _probe(self, client: Client) -> None:
        """Raise `InputError` where a worker cannot import Metronome: it would end, not answer, when given work."""
        everywhere: Any = client.run  # the package leaves it without types
        try:
            everywhere(exec, "import validation.campaign")
        except ImportError as error:
            message = f"a worker has no usable installation of Metronome: {error}"
            raise InputError(message, self._where) from None

    def _gathered(self, future: Future[R]) -> R:
        try:
            result: R = future.result()
        except KilledWorker as error:
            message = f"several workers in turn were lost over the same work: {error}"
        else:
            return result
        raise InputError(message, self._where) from None
