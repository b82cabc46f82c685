"""An artifact for programs that are not ours: ONNX, safetensors, JSON."""

import json
from pathlib import Path

from safetensors.numpy import save_file

from models.artifact import Artifact
from models.graph import BertShape, bert_graph
from pipeline.errors import ConfigurationError


def export(artifact: Artifact, folder: Path, quantised: bool = True) -> list[Path]:
    """Write `encoder.onnx` (`ids`, `mask` to `states`), `heads.safetensors`, `tokenizer.json` and
    `about.json` (labels, temperatures, powers, window, shape, version) to `folder`; their paths.

    Raises `ConfigurationError` for an encoder that is no plain BERT or a folder that cannot be
    written.
    """
    shape = BertShape.of(artifact.base.config)
    if shape is None:
        raise ConfigurationError(f"{artifact.folder}: only plain BERT encoders can be exported")
    if quantised and not artifact.ranges:
        raise ConfigurationError(f"{artifact.folder}: has no measured ranges: export with --fp32")
    about = artifact.about
    heads = {
        name: value for name, value in artifact.tensors.items() if not name.startswith("encoder.")
    }
    told = {
        "version": artifact.version,
        "labels": dict(about.labels),
        "temperatures": dict(about.temperatures),
        "powers": dict(about.powers),
        "window": about.window,
        "pool_heads": about.shape.pool_heads,
        "pad": artifact.pad,
    }
    paths = [folder / name for name in ("encoder.onnx", "heads.safetensors", "tokenizer.json")]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths[0].write_bytes(
            bert_graph(artifact.encoder, shape, artifact.ranges if quantised else None)
        )
        save_file(heads, paths[1])
        paths[2].write_text(artifact.tokenizer.to_str(), "utf-8")
        paths.append(folder / "about.json")
        paths[3].write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{folder}: cannot be written: {error.strerror}") from error
    return paths
