"""Several runs from the same weights, and the mean of where they end.

Each member sees the texts in another order and other dropout; weights that lie in one valley read
better in the mean than any of them alone (Wortsman et al., "Model soups", ICML 2022). On a CPU
members run side by side, a process each: two runs on one core each learn half as much again in an
hour as one run on two cores.
"""

import os
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from multiprocessing.managers import SyncManager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.corpus import Corpus
from models.encoder import torch_encoder
from models.network import Network
from models.network_shape import Shape
from models.optimizing import running_mean
from models.recipe import Recipe
from models.reporting import Report
from models.training import Targets, Trained, Training
from pipeline.errors import ConfigurationError

Progress = Callable[[int, int], None]
_STATE = "begun.safetensors"
_TOLD_EVERY = 10
"""Steps after which a member in a process of its own says how far it is."""


@dataclass(frozen=True, slots=True)
class Member:
    """One run: its name (its folder and the prefix of its figures; empty: the run's own), its
    recipe, its texts, and what teachers say of them."""

    name: str
    recipe: Recipe
    corpus: Corpus
    targets: Targets = field(default_factory=Targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What all members share: the base encoder's folder, the padding token, the texts held
    back, the work folder and the device."""

    base: Path
    pad: int
    held: Corpus
    work: Path
    device: str = "cpu"


def mean_of_members(
    network: Network,
    members: Sequence[Member],
    place: Place,
    report: Report | None = None,
    progress: Progress | None = None,
    at_once: int | None = None,
) -> list[Trained]:
    """Run each member from the weights of `network`, which holds their mean at the end; each
    member's figures. `at_once` members run side by side; by default as many as there are
    processors, and one after the other on a GPU.

    Each keeps a checkpoint in its folder, so all can be taken up again. Raises
    `ConfigurationError` where the process of a member ends before its run does.
    """
    if at_once is None:
        at_once = _processors() if torch.device(place.device).type == "cpu" else 1
    at_once = min(at_once, len(members))
    if at_once > 1:
        return _side_by_side(network, members, place, report, progress, at_once)
    begun = _state(network)
    mean: Mapping[str, Tensor] = {}
    found = []
    for number, member in enumerate(members, 1):
        network.load_state_dict(begun)
        found.append(_run(network, member, place, _named(report, member.name), progress))
        mean = running_mean(mean, network.state_dict(), number)
    network.load_state_dict(mean)
    return found


def _run(
    network: Network,
    member: Member,
    place: Place,
    report: Report | None,
    progress: Progress | None,
) -> Trained:
    folder = place.work / member.name
    run = Training(network, member.recipe, place.pad, folder, report, place.device)
    return run.run(member.corpus, place.held, member.targets, progress)


def _side_by_side(
    network: Network,
    members: Sequence[Member],
    place: Place,
    report: Report | None,
    progress: Progress | None,
    at_once: int,
) -> list[Trained]:
    place.work.mkdir(parents=True, exist_ok=True)
    begun = place.work / _STATE
    save_file({name: value.contiguous() for name, value in _state(network).items()}, begun)
    # a fresh interpreter: threads of torch do not survive a fork
    context = get_context("spawn")
    manager = SyncManager(ctx=context)
    manager.start(_watch_the_run)
    told: Any = manager.Queue()
    threads = max(1, _processors() // at_once)
    ends: list[Future[Trained]] = []
    try:
        with ProcessPoolExecutor(at_once, context, _ready, (threads, told)) as pool:
            for number, member in enumerate(members):
                ends.append(pool.submit(_in_process, number, network.shape, member, place))
            _listen(told, ends, members, report, progress)
            found = [end.result() for end in ends]
    except BrokenProcessPool as error:
        raise ConfigurationError(
            f"{place.work}: a member's process was ended from outside (out of memory?): the same "
            "command goes on after its last whole epoch"
        ) from error
    mean: Mapping[str, Tensor] = {}
    for number, member in enumerate(members, 1):
        end = place.work / member.name / _END
        mean = running_mean(mean, load_file(end), number)
        end.unlink()
    begun.unlink()
    network.load_state_dict(mean)
    return found


def _listen(
    told: Any,
    ends: Sequence[Future[Trained]],
    members: Sequence[Member],
    report: Report | None,
    progress: Progress | None,
) -> None:
    """Pass on what members tell until all have ended and nothing is left to hear."""
    done: dict[int, int] = {}
    while True:
        over = all(end.done() for end in ends)
        try:
            number, name, value, step = told.get(timeout=0.2)
        except queue.Empty:
            if over:
                return
            continue
        if name:
            if report is not None:
                _named(report, members[number].name)(name, value, step)
        elif progress is not None:
            done[number] = step
            # those that have not begun have as many steps as one that has
            progress(sum(done.values()), int(value) * len(members))


# Set in each member's process by `_ready`.
_telling: Any = None
_END = "end.safetensors"


def _ready(threads: int, told: Any) -> None:
    global _telling
    torch.set_num_threads(threads)
    _telling = told
    _watch_the_run()


def _watch_the_run() -> None:
    """A run that is killed must not go on in its members for hours."""
    threading.Thread(target=_end_with_the_run, daemon=True).start()


def _end_with_the_run() -> None:
    run = parent_process()
    if run is not None:
        run.join()
        os._exit(1)


def _in_process(number: int, shape: Shape, member: Member, place: Place) -> Trained:
    """A member's run in a process of its own: its weights at the end lie in its folder."""
    network = Network(torch_encoder(place.base), shape)
    network.load_state_dict(load_file(place.work / _STATE))

    def report(name: str, value: float, step: int) -> None:
        _telling.put((number, name, value, step))

    def progress(step: int, steps: int) -> None:
        if step % _TOLD_EVERY == 0 or step == steps:
            _telling.put((number, "", steps, step))

    trained = _run(network, member, place, report, progress)
    state = {name: value.contiguous() for name, value in _state(network).items()}
    save_file(state, place.work / member.name / _END)
    return trained


def _state(network: Network) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}


def _named(report: Report | None, name: str) -> Report:
    """The same under names of the member's own: each counts its steps from nought."""
    if report is None:
        return lambda *_: None
    if not name:
        return report
    return lambda figure, value, step: report(f"{name}/{figure}", value, step)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
