"""Figures of a training run, for TensorBoard."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

Report = Callable[[str, float, int], None]
"""(name, value, step)"""


def tensorboard(folder: Path) -> Report | None:
    """Writes figures to `folder`/tensorboard; None where tensorboard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    make: Any = SummaryWriter

    @cache
    def writer() -> Any:
        # with the first figure: a run that fails before it leaves nothing behind
        return make(str(folder / "tensorboard"))

    def report(name: str, value: float, step: int) -> None:
        writer().add_scalar(name, value, step)

    return report
