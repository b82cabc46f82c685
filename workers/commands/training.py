"""`bellwether model train` and `export`: make an artifact, and hand it to other programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.errors import ConfigurationError
from workers.commands.explaining import carded
from workers.commands.terminal import AsJson, command_settings, note, say, say_json

if TYPE_CHECKING:
    from models.recipe import Recipe

Config = Annotated[
    Path | None, typer.Option("--config", help="Recipe (TOML); else the one that ships.")
]

Data = Annotated[Path, typer.Option(help="Folder the recipe's files are relative to.")]
Device = Annotated[str, typer.Option(help="cpu or cuda; auto: a GPU if there is one.")]


def train(
    config: Config = None,
    data: Data = Path(),
    out: Annotated[Path, typer.Option(help="Folder to write the artifact to.")] = Path("artifact"),
    work: Annotated[
        Path | None, typer.Option(help="Folder of the checkpoint and logs; else OUT.run.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="In place of the recipe's.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a classifier from labelled JSONL and write its artifact.

    Interrupted, the same command goes on after the last whole epoch. Figures for TensorBoard
    go to the work folder where tensorboard is installed. The artifact's card tells what it
    answers to X.valid.jsonl, where the data has it beside X.train.jsonl.
    """
    from dataclasses import asdict

    from models.making import Run, device_named
    from models.making import train as make
    from models.recipe import made
    from models.reporting import tensorboard

    recipe = _recipe(config, data)
    if seed is not None:
        recipe = made({**asdict(recipe), "seed": seed}, "--seed")
    folder = work or out.with_name(f"{out.name}.run")
    reporter = tensorboard(folder)
    if reporter is None:
        note("tensorboard is not installed: no logs (the extra `training` brings it)")
    bar = _Bar()
    with bar:
        make(
            recipe,
            Run(
                data=data,
                out=out,
                work=folder,
                device=device_named(device),
                base=command_settings().model_base,
                report=reporter,
                progress=bar.to,
            ),
        )
    valid = [data / one.replace(".train.", ".valid.") for one in recipe.train if ".train." in one]
    version = carded(out, [path for path in valid if path.is_file()], recipe.base)
    if as_json:
        say_json({"version": version, "artifact": str(out)})
    else:
        base = f" BELLWETHER_MODEL_BASE={recipe.base}" if recipe.base else ""
        name = str(out) if "en" in recipe.languages else f"{recipe.languages[0]}={out}"
        say(f"{version} in {out}:{base} BELLWETHER_MODEL={name} serves it")


def search(
    config: Config = None,
    data: Data = Path(),
    out: Annotated[Path, typer.Option(help="File to write the best recipe to.")] = Path(
        "best.toml"
    ),
    work: Annotated[Path, typer.Option(help="Folder of the study.")] = Path("search"),
    trials: Annotated[int, typer.Option(min=1, help="Altogether, earlier calls included.")] = 20,
    fraction: Annotated[float, typer.Option(help="Share of the texts used.")] = 0.33,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of a trial.")] = 2,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Search the few hyper-parameters that matter (Optuna) and write the best recipe.

    Interrupted, the same command goes on with the next trial. Only learning rates, their fall
    from layer to layer, smoothing, class weights and dropout are searched; everything else, the
    last stage too, is the recipe's.
    """
    from dataclasses import asdict, replace

    from models.evaluation_page import write_text
    from models.making import device_named
    from models.recipe import made, toml_of
    from models.searching import SPACE, Search, Tried
    from models.searching import search as find

    whole = _recipe(config, data)
    short = {"fraction": fraction, "epochs": epochs, "cycles": (), "cycle_rates": ()}
    one_stage = {"polish_epochs": 0, "average_cycles": False}
    recipe = made({**asdict(whole), **short, **one_stage}, "the options")

    def told(tried: Tried) -> None:
        values = ", ".join(f"{name} {value:.3g}" for name, value in tried.values.items())
        score = "given up" if tried.score is None else f"{tried.score:.4f}"
        note(f"trial {tried.number}: {score} ({values})")

    where = Search(
        data=data,
        work=work,
        trials=trials,
        device=device_named(device),
        base=command_settings().model_base,
    )
    # trials take hours: a file that cannot be written is said before them
    write_text(out, toml_of(whole))
    best, score = find(recipe, where, told)
    found = {name: getattr(best, name) for name in SPACE}
    write_text(out, toml_of(replace(whole, **found)))
    if as_json:
        say_json({"score": score, "recipe": str(out), **found})
    else:
        say(f"{out}: {score:.4f} on the development split; model train --config {out} trains it")


def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write to.")],
    model: Annotated[str, typer.Option("--model", help="An artifact; else the shipped.")] = "",
    fp32: Annotated[bool, typer.Option("--fp32", help="Full precision, not eight bits.")] = False,
) -> None:
    """Write the encoder as ONNX, the heads as safetensors, and the tokenizer, for programs of
    your own: token numbers and mask in, token states out, then the heads of `models.pooling`."""
    from models.artifact import load
    from models.exporting import export as write
    from models.load import SHIPPED

    folder = SHIPPED if model in ("", "shipped") else Path(model)
    for path in write(load(folder, command_settings().model_base), out, quantised=not fp32):
        note(f"written: {path}")


def _recipe(config: Path | None, data: Path) -> "Recipe":
    """The recipe that is asked for, to be followed on files in `data`."""
    from models.recipe import SHIPPED, read_recipe

    recipe = read_recipe(config or SHIPPED)
    if not data.is_dir():
        raise ConfigurationError(f"--data {data}: no such folder")
    return recipe


class _Bar:
    """A progress bar on standard error, from the first step on."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def to(self, step: int, steps: int) -> None:
        """Show that `step` of `steps` are done."""
        if self._bar is None:
            from rich.console import Console
            from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

            self._bar = Progress(
                *Progress.get_default_columns()[:2],
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._bar.start()
            self._task = self._bar.add_task("training", total=steps)
        # each stage has its own number of steps
        self._bar.update(self._task, completed=step, total=steps)
