"""The stages of training: members begin alike, differ, and are averaged, in one process or many."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.corpus import Corpus, corpus_of
from models.data import Example
from models.encoder import read_base
from models.members import Member, Place, mean_of_members
from models.network import Network
from models.stages import first_stage, last_stage
from models.training import Targets
from tests.unit.models.test_contrasts import GOLD
from tests.unit.models.test_training import RECIPE, corpus, folder, network_on, trained

__all__ = ["corpus", "folder"]  # fixtures

# transformers' own imports warn about their future, not ours
pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")


def weights(network: Network) -> torch.Tensor:
    return torch.cat([value.flatten().float() for value in network.parameters()])


def place(folder: Path, corpus: Corpus, work: Path) -> Place:
    return Place(base=folder, pad=0, held=corpus, work=work)


def test_what_is_kept_is_the_mean_of_members_that_differ(
    folder: Path, corpus: Corpus, tmp_path: Path
) -> None:
    base = read_base(folder)
    ends = []
    for members in (1, 2):
        network = network_on(folder)
        recipe = replace(RECIPE, polish_epochs=1, polish_members=members)
        where = place(folder, corpus, tmp_path / str(members))
        stage = last_stage(recipe, corpus, base)
        assert len(mean_of_members(network, stage, where, at_once=1)) == members
        ends.append(weights(network))
    one, both = ends
    begun = weights(network_on(folder))
    assert not torch.equal(one, begun)
    # the second member alone, begun where the first began
    second = network_on(folder)
    recipe = replace(RECIPE, polish_epochs=1, polish_members=1, seed=RECIPE.seed + 1)
    where = place(folder, corpus, tmp_path / "second")
    mean_of_members(second, last_stage(recipe, corpus, base), where)
    assert torch.allclose(both, (one + weights(second)) / 2, atol=1e-6)
    assert not torch.allclose(one, weights(second), atol=1e-4)


def test_one_member_of_the_first_stage_is_the_plain_run(
    folder: Path, corpus: Corpus, tmp_path: Path
) -> None:
    network = network_on(folder)
    mean_of_members(network, first_stage(RECIPE, corpus), place(folder, corpus, tmp_path))
    assert torch.equal(weights(network), weights(trained(folder, corpus, RECIPE)))
    # where a run without members has always kept its checkpoint
    assert (tmp_path / "checkpoint.safetensors").is_file()


def test_side_by_side_members_end_where_they_end_one_after_the_other(
    folder: Path, corpus: Corpus, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, members=2, epochs=2)
    stage = first_stage(recipe, corpus)
    alone, beside = network_on(folder), network_on(folder)
    told: list[tuple[str, int]] = []
    steps: list[tuple[int, int]] = []

    def report(name: str, value: float, step: int) -> None:
        told.append((name, step))

    one = mean_of_members(alone, stage, place(folder, corpus, tmp_path / "a"), at_once=1)
    two = mean_of_members(
        beside,
        stage,
        place(folder, corpus, tmp_path / "b"),
        report,
        lambda step, all_steps: steps.append((step, all_steps)),
        at_once=2,
    )
    assert torch.allclose(weights(alone), weights(beside), atol=1e-5)
    assert [one.history[-1].keys() for one in two] == [other.history[-1].keys() for other in one]
    assert {name.partition("/")[0] for name, _ in told} == {"member-1", "member-2"}
    assert len(set(told)) == len(told)
    total = 2 * 2 * -(-len(corpus) // recipe.batch_texts)
    assert steps[-1] == (total, total)
    assert steps == sorted(steps)
    assert not list((tmp_path / "b").rglob("begun.*")) + list((tmp_path / "b").rglob("end.*"))


def test_members_in_processes_go_on_after_their_last_epoch(
    folder: Path, corpus: Corpus, tmp_path: Path
) -> None:
    # what an interrupted run leaves: a member that ended, and one that has not begun
    recipe = replace(RECIPE, members=2)
    first, second = first_stage(recipe, corpus)
    where = place(folder, corpus, tmp_path)
    mean_of_members(network_on(folder), [first], where)
    mark = (tmp_path / "member-1" / "checkpoint.safetensors").stat().st_mtime_ns
    network, whole = network_on(folder), network_on(folder)
    mean_of_members(network, [first, second], where, at_once=2)
    mean_of_members(whole, [first, second], place(folder, corpus, tmp_path / "new"), at_once=1)
    assert torch.allclose(weights(network), weights(whole), atol=1e-5)
    assert (tmp_path / "member-1" / "checkpoint.safetensors").stat().st_mtime_ns == mark


def test_each_member_reports_under_its_own_name(
    folder: Path, corpus: Corpus, tmp_path: Path
) -> None:
    told: list[tuple[str, int]] = []
    recipe = replace(RECIPE, polish_epochs=1, polish_members=2)
    mean_of_members(
        network_on(folder),
        last_stage(recipe, corpus, read_base(folder)),
        place(folder, corpus, tmp_path),
        lambda name, value, step: told.append((name, step)),
        at_once=1,
    )
    assert {name.partition("/")[0] for name, _ in told} == {"polish-1", "polish-2"}
    assert len(set(told)) == len(told)


def test_members_are_told_apart_by_their_seeds_alone(corpus: Corpus) -> None:
    recipe = replace(RECIPE, members=3)
    stage = first_stage(recipe, corpus)
    assert len({one.recipe.seed for one in stage}) == 3
    assert all(replace(one.recipe, seed=1) == replace(recipe, seed=1) for one in stage)
    assert [one.name for one in stage] == ["member-1", "member-2", "member-3"]
    assert isinstance(stage[0], Member)


def test_the_last_stage_is_taught_about_its_made_texts_too(folder: Path, corpus: Corpus) -> None:
    recipe = replace(RECIPE, polish_epochs=1, polish_members=1, contrasts=0.5)

    def teach(texts: Sequence[Example]) -> Targets:
        return Targets(
            {
                "sentiment": torch.full((len(texts), 3), 1 / 3),
                "entity_sentiment": torch.full((sum(len(one.entities) for one in texts), 3), 1 / 3),
            }
        )

    base = read_base(folder)
    corpus = corpus_of([*corpus.examples, GOLD], base.tokenizer, recipe.window)
    (one,) = last_stage(recipe, corpus, base, teach(corpus.examples), teach)
    assert len(one.corpus) > len(corpus)
    assert len(one.targets.teachers["sentiment"]) == len(one.corpus)
    assert len(one.targets.teachers["entity_sentiment"]) == one.corpus.first[-1]


MEMBERS = """
import sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.managers import SyncManager
from models import members

def work():
    import os
    print(os.getpid(), flush=True)
    time.sleep(600)

if __name__ == "__main__":
    manager = SyncManager(ctx=get_context("spawn"))
    manager.start(members._watch_the_run)
    with ProcessPoolExecutor(1, get_context("spawn"), members._ready, (1, None)) as pool:
        pool.submit(work).result()
"""


def test_members_end_with_the_run_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(MEMBERS)
    run = subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert run.stdout is not None
    assert int(run.stdout.readline()) != run.pid
    run.kill()
    run.wait(10)
    # the pipe is at its end when the last who holds it is gone
    assert run.stdout.read() == ""
    run.stdout.close()
