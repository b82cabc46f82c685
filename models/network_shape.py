"""What is known of the network without torch: its tasks and its sizes."""

from dataclasses import dataclass

HEADS = ("sentiment", "topic", "entity_sentiment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What must be known to build the network again around an encoder."""

    width: int = 384
    pool_heads: int = 6
    story_width: int = 128
    dropout: float = 0.1


def pool_heads(width: int) -> int:
    """Six heads of attention pooling where the encoder's width allows them, else the most of
    eight, four or two that it divides into, else one."""
    return next(heads for heads in (6, 8, 4, 2, 1) if width % heads == 0)
