"""What only the broker knows: how far each stage is behind, how many dead letters there are.

Asked on a thread of its own every few seconds, so that no page waits for the broker. What
cannot be asked is unknown, never an old number that looks like a new one.
"""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from pipeline.errors import ConfigurationError, Unavailable
from pipeline.wire import DEAD_LETTERS
from workers.completion import Flow
from workers.web.overview import StreamFigures

logger = logging.getLogger(__name__)

ASK_EVERY = timedelta(seconds=5)


class BrokerFigures:
    """The broker's figures as they were last asked for; `flow` blocks and may raise."""

    def __init__(self, flow: Callable[[], Flow], every: timedelta = ASK_EVERY) -> None:
        self._flow = flow
        self._every = every.total_seconds()
        self._latest = StreamFigures()
        self._told: str | None = None

    def figures(self) -> StreamFigures:
        """At once, and never raises."""
        return self._latest

    def start(self, stop: threading.Event) -> threading.Thread:
        """Ask from now on until `stop` is set, on a daemon thread."""
        thread = threading.Thread(target=self._run, args=(stop,), name="web-broker", daemon=True)
        thread.start()
        return thread

    def ask(self) -> None:
        """Ask once; a broker that does not answer leaves every figure unknown."""
        try:
            moment = self._flow()
        except (Unavailable, ConfigurationError) as error:
            self._latest = StreamFigures()
            self._tell(f"the stages' lag is not known: {error}")
        except Exception:
            # a figure on a page is not worth the page
            self._latest = StreamFigures()
            logger.exception("the stages' lag could not be read")
        else:
            letters = sum(
                end for (topic, _), end in moment.ends.items() if topic.endswith(DEAD_LETTERS.name)
            )
            self._latest = StreamFigures(lag=dict(moment.waiting), dead_letters=letters)
            self._told = None

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.ask()
            stop.wait(self._every)

    def _tell(self, line: str) -> None:
        # once an outage, not every five seconds of it
        if line != self._told:
            logger.warning("%s", line)
            self._told = line
