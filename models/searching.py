"""The few hyper-parameters that matter, searched: which values learn best by the development split.

Trials are short runs of the recipe's first stage on a part of its texts; the tree-structured
Parzen estimator (Bergstra et al. 2011) proposes the next, and one that is behind the median of
those before it at the same epoch is given up. The study lies in a file, so a search can be taken
up again.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from models.contrasts import contrasts
from models.corpus import corpus_of, divided, widened
from models.data import digest_of, read_examples
from models.making import base_of, network_of
from models.recipe import Recipe
from models.training import Training
from pipeline.errors import ConfigurationError

# name: (least, most, whether by its logarithm)
SPACE: Mapping[str, tuple[float, float, bool]] = {
    "learning_rate": (3e-5, 5e-4, True),
    "head_learning_rate": (1e-4, 3e-3, True),
    "layer_decay": (0.75, 1.0, False),
    "label_smoothing": (0.0, 0.15, False),
    "class_weight_power": (0.0, 0.5, False),
    "dropout": (0.0, 0.3, False),
}
STUDY = "search.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Where a search takes place and how far it goes: `trials` altogether, those of an earlier
    call with the same recipe and data among them."""

    data: Path
    work: Path
    trials: int
    device: str = "cpu"
    base: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial: its values, and the development score, None where it was given up."""

    number: int
    values: Mapping[str, float]
    score: float | None


def search(
    recipe: Recipe, where: Search, told: Callable[[Tried], None] = lambda tried: None
) -> tuple[Recipe, float]:
    """The recipe with the best values found, and their development score.

    Raises `ConfigurationError` for files that cannot be read and where Optuna is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise ConfigurationError(
            "model search needs Optuna: install it, or the extra `training`"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    files = [where.data / name for name in recipe.train]
    examples = [widened(one, recipe) for one in read_examples(files)]
    training, development = divided(examples, recipe)
    if not training or not development:
        raise ConfigurationError(
            f"{', '.join(map(str, files))}: a search needs texts to train on and to judge by"
        )
    training += contrasts(training, recipe.contrasts, recipe.seed)
    _, base = base_of(recipe, where.base)
    corpus = corpus_of(training, base.tokenizer, recipe.window)
    held = corpus_of(development, base.tokenizer, recipe.window)

    def objective(trial: Any) -> float:
        values = {
            name: trial.suggest_float(name, least, most, log=by_logarithm)
            for name, (least, most, by_logarithm) in SPACE.items()
        }
        # what its teacher would say is not asked for
        tried = replace(recipe, **values, teacher={}, teachers=(), teacher_weight=0.0)

        def report(name: str, value: float, step: int) -> None:
            if name == "development/score":
                trial.report(value, step)
                if trial.should_prune():
                    raise optuna.TrialPruned

        network = network_of(tried, base)
        done = Training(network, tried, base.pad, None, report, where.device).run(corpus, held)
        return max(one["score"] for one in done.history)

    where.work.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=_name(recipe, files),
        storage=f"sqlite:///{where.work / STUDY}",
        load_if_exists=True,
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=recipe.seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    if not study.trials:
        # what is known to work is where it begins
        known = {
            name: min(most, max(least, getattr(recipe, name)))
            for name, (least, most, _) in SPACE.items()
        }
        study.enqueue_trial(known)
    over = [one for one in study.trials if one.state.is_finished()]
    study.optimize(
        objective,
        n_trials=max(0, where.trials - len(over)),
        callbacks=[lambda _, one: told(Tried(one.number, one.params, _score(one)))],
    )
    return replace(recipe, **study.best_params), float(study.best_value)


def _score(trial: Any) -> float | None:
    """The development score of a trial that went to its end."""
    return float(trial.value) if trial.state.name == "COMPLETE" else None


def _name(recipe: Recipe, files: list[Path]) -> str:
    """The study's: another for every recipe and data."""
    told = json.dumps([asdict(recipe), [digest_of(path) for path in files]], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]
