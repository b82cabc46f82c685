"""The stages of training: several runs from the base, then, from their mean, a last stage from
weights that read well to weights that tell companies apart."""

from dataclasses import replace

from models.contrasts import contrasts
from models.corpus import Corpus, corpus_of
from models.encoder import Base
from models.members import Member
from models.recipe import Recipe

# Seeds of the first stage's members lie apart from those of the last stage's.
_APART = 1000


def first_stage(recipe: Recipe, corpus: Corpus) -> list[Member]:
    """The members of the first stage: the recipe's own run, and the same in other orders. A run
    alone works in the run's folder."""
    if recipe.members == 1:
        return [Member("", recipe, corpus)]
    return [
        Member(f"member-{number + 1}", replace(recipe, seed=recipe.seed + number * _APART), corpus)
        for number in range(recipe.members)
    ]


def last_stage(recipe: Recipe, corpus: Corpus, base: Base) -> list[Member]:
    """The members of the last stage: each sees other made texts beside those of `corpus`."""
    found = []
    for number in range(1, recipe.polish_members + 1):
        one = replace(
            recipe,
            seed=recipe.seed + number,
            epochs=recipe.polish_epochs,
            cycles=(recipe.polish_epochs,),
            cycle_rates=(1.0,),
            average_cycles=True,
            # teachers answered the texts of the first stage
            teachers=(),
        )
        made = contrasts(corpus.examples, one.contrasts, one.seed)
        texts = corpus_of([*corpus.examples, *made], base.tokenizer, one.window)
        found.append(Member(f"polish-{number}", one, texts))
    return found
