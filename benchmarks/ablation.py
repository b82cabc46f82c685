"""What each training technique gains, over three seeds on a fixed third of the training texts.

    BELLWETHER_DATA=DIR python -m benchmarks.ablation [--rows NAME …] [--seeds 1 2 3]
        [--results FILE.jsonl] [--fraction 0.333] [--epochs 2]

A row is the recipe that ships with one technique taken out, or one that it lacks put in; its last
stage is left out, because a row has to cost minutes. Each run is measured on texts of the other two
thirds, so neither the validation files nor the development split decide anything. What was
measured is in FILE and is not measured again; the table is printed from it at the end.
"""

import argparse
import hashlib
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.adapting import adapt, in_order
from models.answers import score_of
from models.contrasts import contrasts
from models.corpus import Corpus, corpus_of, divided, place_of, widened
from models.data import Example, read_examples
from models.encoder import Base
from models.making import base_of, network_of
from models.network import Network
from models.precision import resolved
from models.recipe import PRECISIONS, SHIPPED, Recipe, read_recipe
from models.texts import read_texts
from models.training import Training

BASE = "as it ships, one stage"
STREAM = "../streams/tweets_2014-01_2015-06.jsonl.gz"
# What each row changes in the recipe.
ROWS: dict[str, dict[str, Any]] = {
    BASE: {},
    "without averaging the cycles' ends": {
        "average_cycles": False,
        "cycles": (),
        "cycle_rates": (),
    },
    "without a moving average": {"average": 0.0},
    "without label smoothing": {"label_smoothing": 0.0},
    "without class weights": {"class_weight_power": 0.0},
    "all layers at one rate": {"layer_decay": 1.0},
    "without sentiment from headlines": {"headline_sentiment": False},
    "without companies from cashtags": {"cashtag_entities": False},
    "with made contrasts": {"contrasts": 0.35},
    "with noise on word vectors (NEFTune, 5)": {"noise": 5.0},
    "with an adversarial step (FGM, 0.5)": {"fgm": 0.5},
    "with R-Drop (0.5)": {"rdrop": 0.5},
    "after hidden words of the stream": {"adapt": (STREAM,)},
    "in single precision": {"precision": "fp32"},
}
HELD = 3_000
"""Texts that are measured on, of those that no run trains on."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS), metavar="NAME")
    parser.add_argument("--seeds", nargs="*", type=int, default=[1, 2, 3])
    parser.add_argument("--results", type=Path, default=Path("ablation.jsonl"))
    parser.add_argument("--fraction", type=float, default=1 / 3)
    parser.add_argument("--precision", default="auto", choices=PRECISIONS)
    parser.add_argument("--epochs", type=int, default=2)
    given = parser.parse_args(arguments)
    shipped = replace(
        read_recipe(SHIPPED),
        fraction=given.fraction,
        precision=resolved(given.precision, "cpu"),
        epochs=given.epochs,
        cycles=(1,) * given.epochs,
        cycle_rates=(1.0,) * given.epochs,
        polish_epochs=0,
        contrasts=0.0,
        teacher={},
        teacher_weight=0.0,
    )
    folder = Path(os.environ.get("BELLWETHER_DATA", "../shared/data"), "labelled")
    examples = read_examples([folder / name for name in shipped.train])
    # the base first for every seed, so that a run that is cut short compares something
    for seed in given.seeds:
        for row in given.rows:
            recipe = replace(shipped, seed=seed, **ROWS[row])
            if not measured(given.results, row, recipe):
                figures = run(recipe, examples, folder)
                with given.results.open("a", encoding="utf-8") as file:
                    line = {"row": row, "recipe": key_of(recipe), "seed": seed, **figures}
                    file.write(json.dumps(line) + "\n")
                print(f"{row}, seed {seed}: {figures}", flush=True)
    show(given.results)
    return 0


def key_of(recipe: Recipe) -> str:
    """What a run is known by: everything it depends on."""
    return hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]


def lines_of(results: Path) -> list[dict[str, Any]]:
    if not results.exists():
        return []
    return [json.loads(line) for line in results.read_text("utf-8").splitlines()]


def measured(results: Path, row: str, recipe: Recipe) -> bool:
    key = key_of(recipe)
    return any(one["row"] == row and one["recipe"] == key for one in lines_of(results))


def run(recipe: Recipe, examples: Sequence[Example], folder: Path) -> dict[str, float]:
    """Train by `recipe` and measure on texts that no recipe of these trains on."""
    wide = [widened(one, recipe) for one in examples]
    training, development = divided(wide, recipe)
    # always of the same texts, with the labels they have themselves
    seen = {one.text for one in training} | {one.text for one in development}
    rest = [one for one in examples if one.text not in seen]
    rest.sort(key=lambda one: place_of(one.text))
    training += contrasts(training, recipe.contrasts, recipe.seed)
    _, base = base_of(recipe)
    begun = time.perf_counter()
    unlabelled = [text for name in recipe.adapt for text in read_texts(folder / name)]
    network = trained(recipe, base, training, development, unlabelled)
    taken = time.perf_counter() - begun
    held = encoded(rest[:HELD], base, recipe)
    return {**score_of(network, held, base.pad), "seconds": round(taken)}


def trained(
    recipe: Recipe,
    base: Base,
    training: Sequence[Example],
    development: Sequence[Example],
    unlabelled: Sequence[str],
) -> Network:
    network = network_of(recipe, base)
    if unlabelled:
        # as many as there are labelled texts: a row has to cost minutes
        adapt(network, recipe, in_order(unlabelled)[: len(training)], base)
    held = encoded(development[:200], base, recipe)
    Training(network, recipe, base.pad).run(encoded(training, base, recipe), held)
    return network


def encoded(examples: Sequence[Example], base: Base, recipe: Recipe) -> Corpus:
    return corpus_of(examples, base.tokenizer, recipe.window)


def show(results: Path) -> None:
    """Means over the seeds, and what each row gains against the base on the same seeds."""
    by_row: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for one in lines_of(results):
        by_row[one["row"]][one["seed"]] = one
    base = by_row.get(BASE, {})
    names = [f"{task}/accuracy" for task in ("sentiment", "topic", "entity_sentiment")] + ["score"]
    print(f"{'':42}{'seeds':>6}" + "".join(f"{name[:18]:>20}" for name in names) + f"{'s':>7}")
    for row, runs in by_row.items():
        cells = []
        for name in names:
            mean = statistics.mean(one[name] for one in runs.values())
            gains = [runs[seed][name] - base[seed][name] for seed in runs if seed in base]
            if row == BASE or not gains:
                cells.append(f"{mean:20.4f}")
                continue
            error = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
            cells.append(f"{statistics.mean(gains):+13.4f} ±{error:.4f}")
        taken = statistics.mean(one["seconds"] for one in runs.values())
        print(f"{row:42}{len(runs):6}" + "".join(cells) + f"{taken:7.0f}")


if __name__ == "__main__":
    sys.exit(main())
