"""The last stage of training: from weights that read well to weights that tell companies apart.

Each member begins from the same weights and sees the texts, and other made ones beside them, in
another order; the mean of weights that lie in one valley reads better than any of them
(Wortsman et al., "Model soups", ICML 2022).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from models.contrasts import contrasts
from models.corpus import Corpus, corpus_of
from models.encoder import Base
from models.network import Network
from models.optimizing import running_mean
from models.recipe import Recipe
from models.reporting import Report
from models.training import Trained, Training


def polished(
    network: Network,
    recipe: Recipe,
    corpus: Corpus,
    held: Corpus,
    base: Base,
    work: Path,
    report: Report | None = None,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> list[Trained]:
    """Run the stage on `network`, which holds the mean at the end; each member's figures.

    Each member keeps a checkpoint of its own in `work`, so that the stage can be taken up again.
    """
    pad = base.pad
    begun = {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
    mean: Mapping[str, Tensor] = {}
    found = []
    for member in range(1, recipe.polish_members + 1):
        one = replace(
            recipe,
            seed=recipe.seed + member,
            epochs=recipe.polish_epochs,
            cycles=(recipe.polish_epochs,),
            cycle_rates=(1.0,),
            average_cycles=True,
            # teachers answered the texts of the first stage
            teachers=(),
        )
        made = contrasts(corpus.examples, one.contrasts, one.seed)
        texts = corpus_of([*corpus.examples, *made], base.tokenizer, one.window)
        network.load_state_dict(begun)
        folder = work / f"polish-{member}"
        found.append(
            Training(network, one, pad, folder, _of_member(report, member), device).run(
                texts, held, None, progress
            )
        )
        mean = running_mean(mean, network.state_dict(), member)
    network.load_state_dict(mean)
    return found


def _of_member(report: Report | None, member: int) -> Report | None:
    """The same under names of the member's own: its steps begin at nought."""
    if report is None:
        return None
    return lambda name, value, step: report(f"polish-{member}/{name}", value, step)
