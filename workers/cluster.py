"""A whole cluster on this machine: embedded services, schema, topics, one process a stage.

::

    start: servers ─▶ schema ─▶ topics ─▶ stages        stop: stages ─▶ servers
"""

import logging
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from pipeline.errors import ConfigurationError
from workers.embedded import EmbeddedServices, lock_folder
from workers.servers import HOST, free_port, is_free
from workers.settings import Settings, read_settings
from workers.supervisor import Supervisor, child_environment, stage_children
from workers.topics import ensure_topics
from workers.trimming import trim_until

log = logging.getLogger(__name__)

DATA_MARK = "bellwether-data"


class LocalCluster:
    """Everything `demo`, `up` and `replay --embedded` run on; a context manager.

    `settings` points at the embedded services once started. Start it on the main thread:
    the servers end with the thread that started them.
    """

    def __init__(
        self, folder: Path, stages: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder.resolve()
        self.services = EmbeddedServices(self.folder)
        self.settings: Settings = read_settings(environment)
        self._stages = tuple(stages)
        self._own = dict(environment or {})
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failure: BaseException | None = None
        self.supervisor: Supervisor | None = None

    @property
    def web_address(self) -> str:
        """Where the dashboard is."""
        return f"http://{HOST}:{self.settings.web_port}/"

    def start(self) -> None:
        """Start everything; returns when topics and schema exist and the stages started."""
        self.services.start()
        try:
            (self.folder / DATA_MARK).touch()
            environment = child_environment({**self._own, **self.services.environment})
            wanted = read_settings(environment).web_port
            port = wanted if wanted and is_free(wanted) else free_port()
            environment["BELLWETHER_WEB_PORT"] = str(port)
            self.settings = read_settings(environment)
            _upgrade(self.settings)
            for finding in ensure_topics(self.settings.kafka):
                log.info("%s", finding)
            self.supervisor = Supervisor(
                stage_children(self._stages, environment), self.folder / "logs"
            )
            self._run("supervisor", self._supervise)
            self._run("trimmer", lambda: trim_until(self._stopping, self.settings.kafka))
        except BaseException:
            self.stop()
            raise

    def check(self) -> None:
        """Raise what made the stages end, if anything did, and start again a server that ended by
        itself; call it now and then."""
        if self._failure is not None:
            raise self._failure
        self.services.revive()

    def stop(self) -> None:
        """Stop the stages in order, then the services. Harmless when already stopped."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self.services.stop()

    def _supervise(self) -> None:
        assert self.supervisor is not None
        self.supervisor.run(self._stopping)

    def _run(self, name: str, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except Exception as error:  # raised again by `check`, on the caller's thread
                self._failure = error

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def __enter__(self) -> "LocalCluster":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _upgrade(settings: Settings) -> None:
    # imported here: SQLAlchemy and Alembic take longer than the servers take to start
    from pipeline.stores.database import connect
    from pipeline.stores.migrate import upgrade

    engine = connect(settings.database)
    try:
        upgrade(engine)
    finally:
        engine.dispose()


def clear_folder(folder: Path) -> None:
    """Delete what an earlier cluster left in `folder`, unless one is using it.

    Only a folder this program made is deleted: it carries a mark. Anything else raises
    `ConfigurationError`.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / DATA_MARK).exists():
        raise ConfigurationError(
            f"{folder} holds something else: choose another folder with BELLWETHER_DATA"
        )
    lock_folder(folder).close()
    shutil.rmtree(folder)
