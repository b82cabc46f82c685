"""The detector's own functions, compiled by numba where it is installed.

Nothing is written twice: the source of `alerts.rhythm`, `alerts.multiples` and `alerts.rarity` runs
as it is, only through a compiler. Without numba it runs as plain Python, about sixty times slower.
"""

import importlib
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts import multiples, rarity, rhythm

Array = NDArray[np.float64]


def compiler() -> Callable[..., Any] | None:
    """`numba.njit`, or None where numba is not installed."""
    try:
        return importlib.import_module("numba").njit  # type: ignore[no-any-return]
    except ImportError:
        return None


def compiled(**changed: Any) -> Callable[[Array, int, float], Array]:
    """A function (counts, first bin of the week, bins a day) -> rarity and opening of each bin,
    one row for each.

    `changed` replaces constants of those modules: how settings are compared.
    """
    names: dict[str, Any] = {"__name__": "benchmarks.compiled", "np": np}
    for module in (rhythm, multiples, rarity):
        names.update({k: v for k, v in vars(module).items() if not k.startswith("__")})
    unknown = set(changed) - set(names)
    if unknown:
        raise ValueError(f"no such constants: {', '.join(sorted(unknown))}")
    names.update(changed)
    source = inspect.getsource(_rarities).replace("_rarities", "rarities", 1)
    exec(source, names)
    njit = compiler()
    for name, value in list(names.items()):
        if isinstance(value, FunctionType) and name != "compiler":
            own = FunctionType(value.__code__, names, name)
            names[name] = own if njit is None else njit(own)
    run: Callable[[Array, int, float], Array] = names["rarities"]
    return run


def _rarities(counts, first_bin, bins_a_day):  # type: ignore[no-untyped-def]
    state = np.zeros(STATE)  # type: ignore[name-defined] # noqa: F821
    out = np.zeros(READING)  # type: ignore[name-defined] # noqa: F821
    found = np.zeros((2, len(counts)))
    week = int(7 * bins_a_day)
    for at in range(len(counts)):
        number = (first_bin + at) % week
        found[0, at] = read(state, counts[at], number, bins_a_day, out)  # type: ignore[name-defined] # noqa: F821
        found[1, at] = out[OPENING]  # type: ignore[name-defined] # noqa: F821
        absorb(state, counts[at], number, bins_a_day, out)  # type: ignore[name-defined] # noqa: F821
    return found
