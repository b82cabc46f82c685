"""The last stage of training: its members begin alike, differ, and are averaged."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.encoder import read_base
from models.network import Network
from models.polishing import polished
from tests.unit.models.test_training import RECIPE, corpus, folder, network_on

__all__ = ["corpus", "folder"]  # fixtures

# transformers' own imports warn about their future, not ours
pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")


def weights(network: Network) -> torch.Tensor:
    return torch.cat([value.flatten().float() for value in network.parameters()])


def test_what_is_kept_is_the_mean_of_members_that_differ(
    folder: Path, corpus, tmp_path: Path
) -> None:
    base = read_base(folder)
    ends = []
    for members in (1, 2):
        network = network_on(folder)
        recipe = replace(RECIPE, polish_epochs=1, polish_members=members)
        work = tmp_path / str(members)
        assert len(polished(network, recipe, corpus, corpus, base, work)) == members
        ends.append(weights(network))
    one, both = ends
    begun = weights(network_on(folder))
    assert not torch.equal(one, begun)
    # the second member alone, begun where the first began
    second = network_on(folder)
    recipe = replace(RECIPE, polish_epochs=1, polish_members=1, seed=RECIPE.seed + 1)
    polished(second, recipe, corpus, corpus, base, tmp_path / "second")
    assert torch.allclose(both, (one + weights(second)) / 2, atol=1e-6)
    assert not torch.allclose(one, weights(second), atol=1e-4)


def test_each_member_reports_under_its_own_name(folder: Path, corpus, tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    recipe = replace(RECIPE, polish_epochs=1, polish_members=2)
    polished(
        network_on(folder),
        recipe,
        corpus,
        corpus,
        read_base(folder),
        tmp_path,
        lambda name, value, step: told.append((name, step)),
    )
    assert {name.partition("/")[0] for name, _ in told} == {"polish-1", "polish-2"}
    assert len(set(told)) == len(told)
