"""The stages of training: several runs from the base, then, from their mean, a last stage from
weights that read well to weights that tell companies apart."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from models.contrasts import contrasts
from models.corpus import Corpus, corpus_of
from models.data import Example
from models.encoder import Base
from models.members import Member
from models.recipe import Recipe
from models.training import Targets

Teach = Callable[[Sequence[Example]], Targets]
"""What the teachers say of texts."""

# Seeds of the first stage's members lie apart from those of the last stage's.
_APART = 1000


def untaught(examples: Sequence[Example]) -> Targets:
    """Nothing is said where there is no teacher."""
    return Targets()


def first_stage(recipe: Recipe, corpus: Corpus, targets: Targets | None = None) -> list[Member]:
    """The members of the first stage: the recipe's own run, and the same in other orders. A run
    alone works in the run's folder. `targets` is what teachers say of `corpus`."""
    said = targets or Targets()
    if recipe.members == 1:
        return [Member("", recipe, corpus, said)]
    seeds = [recipe.seed + number * _APART for number in range(recipe.members)]
    return [
        Member(f"member-{number}", replace(recipe, seed=seed), corpus, said)
        for number, seed in enumerate(seeds, 1)
    ]


def last_stage(
    recipe: Recipe,
    corpus: Corpus,
    base: Base,
    targets: Targets | None = None,
    teach: Teach = untaught,
) -> list[Member]:
    """The members of the last stage: each sees other made texts beside those of `corpus`, of which
    `targets` is what teachers say; `teach` asks them about the made ones."""
    found = []
    for number in range(1, recipe.polish_members + 1):
        one = replace(
            recipe,
            seed=recipe.seed + number,
            epochs=recipe.polish_epochs,
            cycles=(recipe.polish_epochs,),
            cycle_rates=(1.0,),
            average_cycles=True,
        )
        made = contrasts(corpus.examples, one.contrasts, one.seed)
        texts = corpus_of([*corpus.examples, *made], base.tokenizer, one.window)
        said = joined(targets, teach(made)) if targets and targets.teachers else Targets()
        found.append(Member(f"polish-{number}", one, texts, said))
    return found


def joined(first: Targets, second: Targets) -> Targets:
    """What is said of the texts of both, one after the other."""
    if not second.teachers:
        return first
    return Targets(
        {task: torch.cat([said, second.teachers[task]]) for task, said in first.teachers.items()}
    )
