"""What is known of the network without torch: its tasks and its sizes."""

from dataclasses import dataclass

from models.data import LABELS

HEADS = ("sentiment", "topic", "entity_sentiment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What must be known to build the network again around an encoder."""

    width: int = 384
    pool_heads: int = 6
    story_width: int = 128
    dropout: float = 0.1


def head_shapes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Every tensor outside the encoder, by name: what an artifact must bring."""
    width = shape.width
    found: dict[str, tuple[int, ...]] = {
        "story.weight": (shape.story_width, width),
        "story.bias": (shape.story_width,),
    }
    for task in HEADS:
        conditioned = task == "entity_sentiment"
        gathered = 2 * width if conditioned else width
        classes = len(LABELS[task])
        matrices = {
            "pool.key": (width, width),
            "pool.value": (width, width),
            "hidden": (width, gathered),
            "out": (classes, width),
        }
        if conditioned:
            matrices["pool.condition"] = (width, width)
        for name, (rows, columns) in matrices.items():
            found[f"heads.{task}.{name}.weight"] = (rows, columns)
            found[f"heads.{task}.{name}.bias"] = (rows,)
        found[f"heads.{task}.pool.query"] = (width,)
        found[f"heads.{task}.norm.weight"] = (gathered,)
        found[f"heads.{task}.norm.bias"] = (gathered,)
    return found


def pool_heads(width: int) -> int:
    """Six heads of attention pooling where the encoder's width allows them, else the most of
    eight, four or two that it divides into, else one."""
    return next(heads for heads in (6, 8, 4, 2, 1) if width % heads == 0)
