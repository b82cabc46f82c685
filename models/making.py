"""From a recipe and labelled files to a sealed artifact: what `bellwether model train` does."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from models.adapting import adapt
from models.artifact import About, load, read_about
from models.contrasts import contrasts
from models.corpus import corpus_of, divided, widened
from models.data import Example, digest_of, read_examples
from models.encoder import Base, read_base, torch_encoder
from models.finding import BaseReference, find_base, reference_to
from models.finishing import writable, written
from models.load import SHIPPED
from models.members import Place, mean_of_members
from models.network import Network, tensors_of, torch_network
from models.network_shape import Shape, pool_heads
from models.recipe import Recipe, recipe_of_teacher
from models.reporting import Report
from models.stages import first_stage, last_stage
from models.story_vectors import fit_story
from models.teaching import is_made, taught_by
from models.texts import read_texts
from models.training import Targets
from pipeline.errors import ConfigurationError

TEACHER = "teacher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Where a run takes place: the data, the artifact to write, the folder of the checkpoint."""

    data: Path
    out: Path
    work: Path
    device: str = "cpu"
    base: str = ""
    """Folder of the base encoder, where the recipe names none."""
    report: Report | None = None
    progress: Callable[[int, int], None] | None = None


def train(recipe: Recipe, run: Run) -> str:
    """Train by `recipe` and write the artifact; its version.

    Raises `ConfigurationError` for files that cannot be read, labels that do not exist, a base
    that is missing, and a checkpoint of another recipe.
    """
    files = [run.data / name for name in recipe.train]
    examples = [widened(one, recipe) for one in read_examples(files)]
    # of the files as they are read, not as they are hours later
    data = digests(recipe, run.data)
    unlabelled = [text for name in recipe.adapt for text in read_texts(run.data / name)]
    training, development = divided(examples, recipe)
    if not any(one.sentiment or one.topic or one.entities for one in training):
        raise ConfigurationError(
            f"{', '.join(map(str, files))}: no text with a label is left to train on"
        )
    if not recipe.polish_epochs:
        training += contrasts(training, recipe.contrasts, recipe.seed)
    writable(run.out)
    reference, base = base_of(recipe, run.base)
    _fitting(recipe, base, network_of(recipe, base))
    teachers = [run.work / name for name in recipe.teachers]
    if recipe.teacher:
        teachers.append(_teacher(recipe, run))
    network, pad = network_of(recipe, base), base.pad
    start = begun_from(network, recipe, reference, run) if recipe.start else None
    corpus = corpus_of(training, base.tokenizer, recipe.window)
    # without a development part the last epoch stands, calibrated on what it was trained on
    held = corpus_of(development or training, base.tokenizer, recipe.window)
    if unlabelled:
        adapt(network, recipe, unlabelled, base, run.work, run.report, run.device, run.progress)

    def teach(texts: Sequence[Example]) -> Targets:
        return taught_by(teachers, texts, run.device, recipe.base or run.base)

    targets = teach(training)
    run.work.mkdir(parents=True, exist_ok=True)
    place = Place(base=base.folder, pad=pad, held=held, work=run.work, device=run.device)
    stages = mean_of_members(
        network,
        first_stage(recipe, corpus, targets),
        place,
        run.report,
        run.progress,
    )
    if recipe.polish_epochs:
        members = last_stage(recipe, corpus, base, targets, teach)
        stages += mean_of_members(network, members, place, run.report, run.progress)
    closeness = fit_story(network, torch_encoder(base.folder), corpus, pad, run.device)
    about: dict[str, Any] = {
        "base": reference,
        "shape": network.shape,
        "window": recipe.window,
        "languages": recipe.languages,
        "recipe": asdict(recipe),
        "data": data,
    }
    if start is not None:
        about |= {"temperatures": dict(start.temperatures), "powers": dict(start.powers)}
    return written(
        run.out,
        network,
        base,
        about,
        recipe,
        corpus,
        held,
        {
            "history": [dict(one) for stage in stages for one in stage.history],
            "story_cosine": round(closeness, 4),
            "texts": {"training": len(training), "development": len(development)},
        },
    )


def _teacher(recipe: Recipe, run: Run) -> Path:
    """The artifact of the teacher that the recipe has trained first, in the run's folder."""
    own, folder = recipe_of_teacher(recipe), run.work / TEACHER
    if not is_made(folder, own, digests(own, run.data), own.base or run.base):
        tell = run.report
        report: Report | None = None
        if tell is not None:
            report = lambda name, value, step: tell(f"{TEACHER}/{name}", value, step)  # noqa: E731
        train(own, replace(run, out=folder, work=run.work / f"{TEACHER}.run", report=report))
    return folder


def digests(recipe: Recipe, data: Path) -> dict[str, str]:
    """The SHA-256 of every file a recipe names, by the name it has there: in two folders two files
    may have one. Raises `ConfigurationError` for one that cannot be read."""
    return {name: digest_of(data / name) for name in (*recipe.train, *recipe.adapt)}


def device_named(name: str) -> str:
    """`auto` is a GPU where there is one, else the CPU. Raises `ConfigurationError` for a GPU that
    is not there."""
    if name == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
        raise ConfigurationError(f"--device {name}: auto, cpu, cuda or cuda:1 are known")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise ConfigurationError(f"--device {name}: torch finds no such GPU here")
    return name


def base_of(recipe: Recipe, given: str = "") -> tuple[BaseReference, Base]:
    """The encoder a recipe names, and how an artifact will refer to it."""
    if not recipe.base:
        return BaseReference(), read_base(find_base(given))
    folder = Path(recipe.base).expanduser()
    if not folder.is_dir():
        raise ConfigurationError(
            f"base: {recipe.base}: no such folder; one of a hub is given as the folder it is "
            "downloaded to"
        )
    return reference_to(folder), read_base(folder)


def _fitting(recipe: Recipe, base: Base, network: Network) -> None:
    """Hours later it is too late to say that an artifact cannot be made of this encoder."""
    if recipe.window > (base.positions or recipe.window):
        raise ConfigurationError(
            f"window: {recipe.window} is more than the {base.positions} tokens {base.folder} reads"
        )
    wanted = {
        name.removeprefix("encoder.") for name in tensors_of(network) if name.startswith("encoder.")
    }
    if odd := wanted ^ set(base.tensors):
        some = ", ".join(sorted(odd)[:3])
        raise ConfigurationError(
            f"{base.folder}: its weights are not named as the encoder's, {some}: save the bare "
            "encoder (AutoModel) and name that folder"
        )


def network_of(recipe: Recipe, base: Base) -> Network:
    """The network a run begins with: the encoder of `base`, heads by the recipe's seed."""
    torch.manual_seed(recipe.seed)
    shape = Shape(width=base.width, pool_heads=pool_heads(base.width), dropout=recipe.dropout)
    return Network(torch_encoder(base.folder), shape)


def begun_from(network: Network, recipe: Recipe, reference: BaseReference, run: Run) -> About:
    """Give `network` the weights of the artifact that the recipe starts from; what that says of
    itself. Raises `ConfigurationError` where it stands on another base."""
    folder = SHIPPED if recipe.start == "shipped" else run.data / recipe.start
    about = read_about(folder)
    if about.base.sha256 != reference.sha256:
        raise ConfigurationError(
            f"start: {recipe.start} stands on {about.base.name}, not on "
            f"{reference.name}: let the recipe's base be the encoder it stands on"
        )
    artifact = load(folder, recipe.base or run.base)
    network.load_state_dict(torch_network(artifact).state_dict())
    return about
