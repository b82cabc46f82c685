"""How fast the classifier serves, beside the usual way of running the same encoder.

    BELLWETHER_DATA=DIR python -m benchmarks.classifier [--model MODEL] [--texts FILE.jsonl]
        [--documents 2000] [--rounds 3] [--json]

In one process, on the same texts, the same encoder weights and the same device:

- (a) one text at a time through the Hugging Face pipeline;
- (b) that pipeline with its own batching, at the best of three batch sizes;
- (c) this server: tokenising, length buckets, all heads, calibrated answers.

Rounds are interleaved, and the best of each counts: what else the machine does hits all alike.
Texts are those of FILE, else the validation files of `DIR/labelled`, else generated ones. The
pipeline gets a plain classification head (its cost is nothing beside the encoder's).

`gemm_share` is the floating-point (or integer) work of (c), counted on real tokens only, over
the fastest multiplication of two large matrices the same library does in the same precision.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import numpy as np

from benchmarks.load import tweets
from models.artifact import Artifact, load
from models.classifier import AttentionClassifier
from models.data import read_examples
from models.load import SHIPPED
from models.runtimes import Runtime, chosen
from pipeline.ports import ClassifierInput

BATCHES = (8, 32, 64)
LATENCY_BATCH = 32
# Enough for the pipeline to show its pace without taking minutes a round.
SLOW_TEXTS = 256
GEMM = 1536


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default=str(SHIPPED), help="folder of an artifact")
    parser.add_argument("--runtime", default="auto", help="as BELLWETHER_MODEL_RUNTIME")
    parser.add_argument("--texts", default="", help='JSON lines with "text"')
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    given = parser.parse_args(arguments)
    texts = sample(given.texts, given.documents)
    artifact = load(Path(given.model))
    runtime = chosen(artifact, given.runtime)
    found = measured(artifact, runtime, texts, given.rounds)
    show(found)
    if given.json:
        print(json.dumps(found))
    return 0


def sample(name: str, count: int) -> list[str]:
    """`count` texts, always the same ones of a file."""
    folder = Path(os.environ.get("BELLWETHER_DATA", ""), "labelled")
    files = [Path(name)] if name else sorted(folder.glob("*valid*.jsonl"))
    if not files:
        return [msgspec.json.decode(value)["text"] for _, value in tweets(count)]
    texts = [one.text for one in read_examples(files)]
    if not texts:
        raise SystemExit(f"{name or folder}: no line has a text")
    random = Random(1)
    random.shuffle(texts)
    return [texts[place % len(texts)] for place in range(count)]


def measured(
    artifact: Artifact, runtime: Runtime, texts: Sequence[str], rounds: int
) -> dict[str, Any]:
    """Every figure, by the names `--json` prints."""
    classifier = AttentionClassifier(artifact, runtime)
    pipeline = hugging_face(artifact, runtime.device)
    inputs = [ClassifierInput(title="", text=one, lang="en", mentions={}) for one in texts]
    few = list(texts[: min(len(texts), SLOW_TEXTS)])
    tokens = sum(len(one.ids) for one in artifact.tokenizer.encode_batch(list(texts)))
    server, single = [], []
    batched: dict[int, list[float]] = {size: [] for size in BATCHES}
    classifier.classify(inputs[:64])
    pipeline(few[:8], batch_size=8)
    for _ in range(rounds):
        single.append(len(few) / seconds(lambda: [pipeline(one) for one in few]))
        for size in BATCHES:
            batched[size].append(len(few) / seconds(partial(pipeline, few, batch_size=size)))
        server.append(len(inputs) / seconds(lambda: classifier.classify(inputs)))
    best = max(BATCHES, key=lambda size: max(batched[size]))
    rate = max(server)
    tokens_rate = rate * tokens / len(texts)
    work = operations(artifact, tokens / len(texts))
    peak = matrix_peak(runtime)
    found = {
        "one_at_a_time_docs_per_s": round(max(single), 1),
        "pipeline_docs_per_s": round(max(batched[best]), 1),
        "pipeline_batch": best,
        "server_docs_per_s": round(rate, 1),
        "server_tokens_per_s": round(tokens_rate),
        "times_one_at_a_time": round(rate / max(single), 2),
        "times_pipeline": round(rate / max(batched[best]), 2),
        "tokens_per_document": round(tokens / len(texts), 1),
        "latency_ms": {
            "one_at_a_time": latency(lambda part: [pipeline(one) for one in part], few, 1),
            "pipeline": latency(lambda part: pipeline(part, batch_size=best), few, LATENCY_BATCH),
            "server": latency(classifier.classify, inputs[: 32 * LATENCY_BATCH], LATENCY_BATCH),
        },
        "gemm_share": round(tokens_rate * work / peak, 3),
        "gemm_peak_tera_per_s": round(peak / 1e12, 3),
        "runtime": runtime.name,
        "device": runtime.device,
        "model_version": artifact.version,
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, Python "
        f"{platform.python_version()}",
    }
    classifier.close()
    return found


def hugging_face(artifact: Artifact, device: str) -> Any:
    """The pipeline as its users run it, on the artifact's encoder."""
    import torch
    import transformers

    from models.network import torch_network

    library: Any = transformers
    warnings.filterwarnings("ignore", module="transformers")
    library.utils.logging.set_verbosity_error()
    encoder: Any = torch_network(artifact).encoder
    config = encoder.config
    config.num_labels = 3
    model = library.BertForSequenceClassification(config)
    model.bert.load_state_dict(encoder.state_dict(), strict=False)
    tokenizer = library.PreTrainedTokenizerFast(
        tokenizer_object=artifact.tokenizer, pad_token="[PAD]", model_max_length=512
    )
    tokenizer.backend_tokenizer.no_padding()
    return library.pipeline(
        "text-classification",
        model=model.eval(),
        tokenizer=tokenizer,
        device=torch.device(device),
        truncation=True,
    )


def operations(artifact: Artifact, length: float) -> float:
    """Multiplications and additions for one token of a text of `length` tokens."""
    config = artifact.base.config
    width, inner = int(config["hidden_size"]), int(config["intermediate_size"])
    dense = 4 * width * width + 2 * width * inner
    return 2.0 * int(config["num_hidden_layers"]) * (dense + 2 * width * length)


def matrix_peak(runtime: Runtime) -> float:
    """Operations a second of the fastest large matrix product in the runtime's precision."""
    onnx = runtime.name.startswith("onnx")
    multiply = _onnx_product(runtime) if onnx else _torch_product(runtime)
    multiply()
    return 2.0 * GEMM**3 / min(seconds(multiply) for _ in range(10))


def _torch_product(runtime: Runtime) -> Callable[[], Any]:
    # stands for OpenVINO too: both multiply by the same library, oneDNN
    import torch

    kind = torch.bfloat16 if runtime.name.endswith("bf16") else torch.float32
    left = torch.ones(GEMM, GEMM, dtype=kind, device=runtime.device)

    def multiply() -> None:
        product = left @ left
        if runtime.device != "cpu":
            torch.cuda.synchronize()
        del product

    return multiply


def _onnx_product(runtime: Runtime) -> Callable[[], Any]:
    import onnxruntime
    from onnx import TensorProto, helper

    whole = runtime.name.endswith("int8")
    kind = TensorProto.UINT8 if whole else TensorProto.FLOAT
    given = TensorProto.INT32 if whole else TensorProto.FLOAT
    shape = [GEMM, GEMM]
    node = helper.make_node("MatMulInteger" if whole else "MatMul", ["a", "b"], ["c"])
    graph = helper.make_graph(
        [node],
        "product",
        [
            helper.make_tensor_value_info("a", kind, shape),
            helper.make_tensor_value_info("b", kind, shape),
        ],
        [helper.make_tensor_value_info("c", given, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    values = np.ones(shape, np.uint8 if whole else np.float32)
    return lambda: session.run(["c"], {"a": values, "b": values})


def seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def latency(work: Callable[[Any], Any], items: Sequence[Any], size: int) -> dict[str, float]:
    """p50 and p95 of a batch of `size`, in milliseconds."""
    taken = [
        1000 * seconds(partial(work, items[start : start + size]))
        for start in range(0, max(1, len(items) - size + 1), size)
    ]
    if len(taken) < 2:
        taken *= 2
    cuts = statistics.quantiles(taken, n=20)
    return {"batch": size, "p50": round(statistics.median(taken), 2), "p95": round(cuts[-1], 2)}


def show(found: dict[str, Any]) -> None:
    ways = (
        ("one at a time", found["one_at_a_time_docs_per_s"], found["latency_ms"]["one_at_a_time"]),
        (
            f"pipeline, batches of {found['pipeline_batch']}",
            found["pipeline_docs_per_s"],
            found["latency_ms"]["pipeline"],
        ),
        ("this server", found["server_docs_per_s"], found["latency_ms"]["server"]),
    )
    print(f"{found['model_version']}, {found['runtime']} on {found['device']}, {found['machine']}")
    print(f"{found['tokens_per_document']} tokens a text")
    print(f"{'':26}{'documents/s':>12}{'tokens/s':>10}{'p50 ms':>9}{'p95 ms':>9}  a batch of")
    for name, rate, times in ways:
        print(
            f"{name:26}{rate:12,.1f}{rate * found['tokens_per_document']:10,.0f}"
            f"{times['p50']:9,.1f}{times['p95']:9,.1f}  {times['batch']}"
        )
    print(
        f"this server is {found['times_one_at_a_time']:g} times one at a time, "
        f"{found['times_pipeline']:g} times the pipeline; {100 * found['gemm_share']:.0f} % of the "
        f"measured peak of {found['gemm_peak_tera_per_s']:g} tera-operations/s"
    )


if __name__ == "__main__":
    sys.exit(main())
