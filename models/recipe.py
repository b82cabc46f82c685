"""How a classifier is trained: one TOML file, every technique with its switch.

`recipe.toml` beside this file trained the artifact that ships; `docs/model.md` has what each
technique gained. A switch at 0, or an empty list, leaves its technique out.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from pipeline.errors import ConfigurationError

_LANGUAGE = re.compile("[a-z]{2,3}")
PRECISIONS = ("auto", "fp32", "bf16")
SHIPPED = Path(__file__).with_name("recipe.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything a training run depends on, besides the files it names."""

    train: tuple[str, ...] = ()
    """Labelled JSONL files, relative to the data folder."""
    languages: tuple[str, ...] = ("en",)
    """What the texts are written in: the artifact serves these languages alone."""
    base: str = ""
    """Folder of the encoder; empty: all-MiniLM-L6-v2, wherever it is found."""
    start: str = ""
    """The artifact whose weights training begins with: `shipped`, or a folder, relative to the data
    folder; empty: the encoder as it is and heads that know nothing."""
    seed: int = 1
    epochs: int = 4
    cycles: tuple[int, ...] = ()
    """Epochs of each cycle of the rate (warm restarts); empty: one cycle of all epochs."""
    cycle_rates: tuple[float, ...] = ()
    """The highest rate of each cycle, as a multiple of the learning rates; empty: 1 each."""
    batch_texts: int = 32
    window: int = 128
    """Tokens of a text that are read."""
    fraction: float = 1.0
    """Share of the training texts used, the same ones under every seed: for comparisons."""
    development: float = 0.05
    """Share of the training texts held back for early stopping and calibration."""
    patience: int = 2
    """Epochs without a better development score before training ends."""
    learning_rate: float = 1e-4
    head_learning_rate: float = 5e-4
    layer_decay: float = 0.9
    """Each layer further down learns so much slower."""
    average_cycles: bool = False
    """Keep the mean of the weights at the ends of the cycles, not those of the best epoch."""
    warmup: float = 0.1
    """Share of the steps in which the rate rises; after them it falls to zero as a cosine."""
    weight_decay: float = 0.01
    dropout: float = 0.1
    clip: float = 1.0
    """Largest norm of a gradient."""
    label_smoothing: float = 0.0
    class_weight_power: float = 0.0
    """A class of share s weighs s**-power, scaled to a mean of one: 0 treats all alike."""
    topic_weight: float = 1.0
    sentiment_weight: float = 1.0
    entity_weight: float = 1.0
    headline_sentiment: bool = False
    """A text whose companies all have one sentiment has it as a whole."""
    cashtag_entities: bool = False
    """A labelled text with one cashtag says the same about that company."""
    members: int = 1
    """How often the epochs are run, in another order each time; the mean is what is kept."""
    polish_epochs: int = 0
    """Epochs of a last stage, on made texts too, that begins from what the epochs above gave."""
    polish_members: int = 1
    """How often that stage is run, in another order each time; the mean is what is kept."""
    adapt: tuple[str, ...] = ()
    """Files of unlabelled texts (JSONL, gzipped or not), relative to the data folder: the encoder
    first learns to guess hidden words of them (`models.adapting`)."""
    adapt_epochs: int = 1
    adapt_rate: float = 1e-4
    contrasts: float = 0.0
    """Made texts in which companies fare differently, as a share of the texts that name one
    (`models.contrasts`): in the last stage, or throughout where there is none."""
    average: float = 0.0
    """Decay of a moving average of the weights, which is then what is kept."""
    rdrop: float = 0.0
    """Weight of the divergence between two passes with different dropout (R-Drop)."""
    fgm: float = 0.0
    """Length of an adversarial step on the word vectors (FGM)."""
    noise: float = 0.0
    """Scale of uniform noise on the word vectors (NEFTune)."""
    teachers: tuple[str, ...] = ()
    """Artifacts whose averaged answers are learned too, relative to the run's folder."""
    teacher: Mapping[str, Any] = field(default_factory=dict)
    """What is different in the recipe of a teacher that is trained first, on the same texts; empty:
    none is."""
    teacher_weight: float = 0.0
    """What the teachers' answers weigh, the labels the rest."""
    teacher_temperature: float = 1.0
    precision: str = "fp32"
    """`fp32`, `bf16` (autocast), or `auto`: bfloat16 where the hardware multiplies it."""
    gradient_checkpointing: bool = False
    bits: int = 4
    """Bits of each weight change of the encoder in the artifact, 2 to 8."""


_RANGES: dict[str, tuple[float, float]] = {
    "epochs": (1, 100), "batch_texts": (1, 4096), "window": (8, 512), "fraction": (0.001, 1.0),
    "development": (0.0, 0.5), "patience": (1, 100), "learning_rate": (0.0, 1.0),
    "head_learning_rate": (0.0, 1.0), "layer_decay": (0.1, 1.0), "warmup": (0.0, 1.0),
    "weight_decay": (0.0, 1.0), "dropout": (0.0, 0.9), "clip": (1e-6, 1e6),
    "label_smoothing": (0.0, 0.5), "class_weight_power": (0.0, 2.0), "topic_weight": (0.0, 100.0),
    "sentiment_weight": (0.0, 100.0), "entity_weight": (0.0, 100.0),
    "average": (0.0, 0.99999), "rdrop": (0.0, 100.0), "fgm": (0.0, 100.0), "noise": (0.0, 100.0),
    "contrasts": (0.0, 10.0), "members": (1, 20), "polish_epochs": (0, 100),
    "polish_members": (1, 20),
    "teacher_weight": (0.0, 1.0), "teacher_temperature": (0.1, 20.0),
    "adapt_epochs": (1, 100), "adapt_rate": (0.0, 1.0),
    "bits": (2, 8), "seed": (0, 2**31),
}  # fmt: skip


def read_recipe(path: Path) -> Recipe:
    """The recipe in the TOML file. Raises `ConfigurationError` naming the file and the key."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from error
    return made(given, str(path))


def made(given: dict[str, Any], where: str) -> Recipe:
    """A recipe from plain values, checked; `where` is what errors name."""
    known = {one.name for one in fields(Recipe)}
    for name in given:
        if name not in known:
            raise ConfigurationError(f"{where}: unknown key {name!r}; known: {', '.join(known)}")
    types = get_type_hints(Recipe)
    values: dict[str, Any] = {}
    for name, value in given.items():
        try:
            values[name] = msgspec.convert(value, types[name])
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"{where}: {name}: {error}") from error
        if name in _RANGES:
            least, most = _RANGES[name]
            if not least <= values[name] <= most:
                raise ConfigurationError(f"{where}: {name}: {value} is outside {least} to {most}")
    recipe = Recipe(**values)
    if recipe.precision not in PRECISIONS:
        choices = ", ".join(PRECISIONS)
        raise ConfigurationError(
            f"{where}: precision: {recipe.precision!r} is not one of {choices}"
        )
    if not recipe.languages or not all(map(_LANGUAGE.fullmatch, recipe.languages)):
        raise ConfigurationError(f"{where}: languages: codes such as 'en' or 'zh' are needed")
    if not recipe.train:
        raise ConfigurationError(f"{where}: train: name at least one labelled JSONL file")
    if recipe.cycles and sum(recipe.cycles) != recipe.epochs:
        raise ConfigurationError(f"{where}: cycles: {recipe.cycles} are not {recipe.epochs} epochs")
    if recipe.cycle_rates and len(recipe.cycle_rates) != len(recipe.cycles):
        raise ConfigurationError(f"{where}: cycle_rates: one for each of the cycles is needed")
    if (recipe.teachers or recipe.teacher) and not recipe.teacher_weight:
        raise ConfigurationError(f"{where}: teachers without a teacher_weight teach nothing")
    if recipe.teacher:
        recipe_of_teacher(recipe, where)
    return recipe


def recipe_of_teacher(recipe: Recipe, where: str = "") -> Recipe:
    """The recipe of the teacher that is trained first: `recipe` but for what its `teacher` says.
    Raises `ConfigurationError` where that is no recipe."""
    own = {**asdict(recipe), "teachers": (), "teacher_weight": 0.0, **recipe.teacher}
    return made({**own, "teacher": {}}, f"{where}: teacher")


def same_told(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both, as values by key or read back from JSON, are of one recipe: what was no key
    when one of them was written is as it always was."""
    usual = asdict(Recipe())
    first, second = (json.dumps({**usual, **told}, sort_keys=True) for told in (one, other))
    return first == second


def toml_of(recipe: Recipe) -> str:
    """The recipe as TOML, what is not its default: `read_recipe` reads it back."""
    values, usual = asdict(recipe), asdict(Recipe())
    table = values.pop("teacher")
    # every value is text, a number, a truth or a list of these: JSON is TOML there
    lines = [f"{name} = {json.dumps(one)}" for name, one in values.items() if one != usual[name]]
    lines += ["[teacher]", *(f"{name} = {json.dumps(one)}" for name, one in table.items())]
    return "\n".join(lines if table else lines[:-1]) + "\n"
