"""Which layer a residual block is for layer-wise decay: two published rules.

A decay means something else under each: 0.8 leaves ResNet-50's stem 0.0225 of the rate with "block", 0.21 with "group".
"""

from collections.abc import Sequence

from ..errors import ConfigError, nearest

__all__ = ["DECAY_RULES", "block_layers"]

DECAY_RULES = ("block", "group")


def block_layers(layers: Sequence[int], rule: str) -> tuple[tuple[int, ...], ...]:
    """The layer of each block of each stage; 0 is the stem, and the head has the number after the last.

    Args:
        layers: Blocks of each stage.
        rule: "block", a layer each, as SimMIM's authors count in Feature Distillation and timm does; or "group", the
            8 layers of SparK and mmpretrain for ResNet-50: the second stage in twos, the third in threes, each of the
            others whole. From eight blocks in the second stage on (ResNet-152) both go in fours.
    """
    if rule not in DECAY_RULES:
        raise ConfigError(f"backbone.decay_rule is {rule!r}; {nearest(str(rule), DECAY_RULES)}")
    deep = len(layers) > 1 and layers[1] >= 8
    shared = {1: 4 if deep else 2, 2: 4 if deep else 3}
    numbers, free = [], 1
    for stage, count in enumerate(layers):
        size = 1 if rule == "block" else shared.get(stage, count)
        numbers.append(tuple(free + block // size for block in range(count)))
        free = numbers[-1][-1] + 1
    return tuple(numbers)
