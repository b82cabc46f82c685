"""`bellwether model train` and `export`: make an artifact, and hand it to other programs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.errors import ConfigurationError
from workers.commands.explaining import carded
from workers.commands.terminal import AsJson, command_settings, note, say, say_json

Config = Annotated[
    Path | None, typer.Option("--config", help="Recipe (TOML); else the one that ships.")
]


def train(
    config: Config = None,
    data: Annotated[Path, typer.Option(help="Folder the recipe's files are relative to.")] = Path(),
    out: Annotated[Path, typer.Option(help="Folder to write the artifact to.")] = Path("artifact"),
    work: Annotated[
        Path | None, typer.Option(help="Folder of the checkpoint and logs; else OUT.run.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="In place of the recipe's.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda; auto: a GPU if there is one.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a classifier from labelled JSONL and write its artifact.

    Interrupted, the same command goes on after the last whole epoch. Figures for TensorBoard
    go to the work folder where tensorboard is installed. The artifact's card tells what it
    answers to X.valid.jsonl, where the data has it beside X.train.jsonl.
    """
    from dataclasses import replace

    from models.making import Run, device_named
    from models.making import train as make
    from models.recipe import SHIPPED, read_recipe
    from models.reporting import tensorboard

    recipe = read_recipe(config or SHIPPED)
    if seed is not None:
        recipe = replace(recipe, seed=seed)
    if not data.is_dir():
        raise ConfigurationError(f"--data {data}: no such folder")
    folder = work or out.with_name(f"{out.name}.run")
    reporter = tensorboard(folder)
    if reporter is None:
        note("tensorboard is not installed: no logs (pip install 'bellwether[training]')")
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
    version = carded(out, [path for path in valid if path.is_file()])
    if as_json:
        say_json({"version": version, "artifact": str(out)})
    else:
        say(f"{version} in {out}: BELLWETHER_MODEL={out} serves it")


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
        self._bar.update(self._task, completed=step)
