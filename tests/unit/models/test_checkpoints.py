"""A run's state on disk goes back to where the run computes, not to where it was read."""

from pathlib import Path

import pytest
import torch

from models.checkpoints import load_checkpoint, save_checkpoint
from models.network import Network
from models.optimizing import MovingAverage, trainable
from tests.unit.models.tiny import tiny_network

TOLD = {"epochs": 1}


def optimizer_of(network: Network) -> torch.optim.Optimizer:
    """The kind that training uses is refused on a device that does not compute."""
    return torch.optim.AdamW(trainable(network), fused=False)


def kept(folder: Path) -> MovingAverage:
    """Write the state after one step; the average it has."""
    network = tiny_network()
    optimizer, average = optimizer_of(network), MovingAverage(network, 0.9)
    for value in trainable(network):
        value.grad = torch.ones_like(value)
    optimizer.step()
    average.update(network)
    save_checkpoint(folder, network, optimizer, average, TOLD, [{"score": 0.5}], {})
    return average


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    before = kept(tmp_path)
    network = tiny_network(seed=1)
    average = MovingAverage(network, 0.9)
    done, history, _ = load_checkpoint(tmp_path, network, optimizer_of(network), average, TOLD)
    assert (done, history, average.updates) == (1, [{"score": 0.5}], 1)
    assert average.kept.keys() == before.kept.keys()
    assert all(torch.equal(average.kept[name], value) for name, value in before.kept.items())


@pytest.mark.filterwarnings("ignore:.*to a meta parameter:UserWarning")
def test_a_run_on_another_device_goes_on_there(tmp_path: Path) -> None:
    """The device `meta` stands in for a GPU: as there, tensors of two devices do not mix."""
    kept(tmp_path)
    network = tiny_network().to("meta")
    optimizer, average = optimizer_of(network), MovingAverage(network, 0.9)
    load_checkpoint(tmp_path, network, optimizer, average, TOLD)
    assert {value.device.type for value in average.kept.values()} == {"meta"}
    moments = [state["exp_avg"] for state in optimizer.state_dict()["state"].values()]
    assert moments
    assert {value.device.type for value in moments} == {"meta"}
    average.update(network)
