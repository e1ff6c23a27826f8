"""What a GPU does otherwise than plain PyTorch on the meta device: fused attention, and autocast.

A forward pass under :class:`GpuKernels` keeps for the backward pass what a GPU would keep. The two lists are those of
PyTorch's "Autocast Op Reference" for CUDA; what is in neither runs in the type of its inputs.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

__all__ = ["GpuKernels"]

_NARROW = """
    __matmul__ __rmatmul__ addbmm addmm addmv addr baddbmm bmm chain_matmul conv1d conv2d conv3d conv_transpose1d
    conv_transpose2d conv_transpose3d einsum linear matmul mm multi_dot mv prelu
"""
_WIDE = """
    __pow__ __rdiv__ __rpow__ __rtruediv__ acos asin binary_cross_entropy_with_logits cosh cosine_embedding_loss
    cosine_similarity cross_entropy cumprod cumsum dist erfinv exp expm1 group_norm hinge_embedding_loss huber_loss
    instance_norm kl_div l1_loss layer_norm log log10 log1p log2 log_softmax margin_ranking_loss mse_loss nll_loss norm
    normalize pdist pow prod reciprocal renorm rsqrt sinh smooth_l1_loss soft_margin_loss softmax softmin softplus sum
    tan triplet_margin_loss
"""
ATTENTION = "scaled_dot_product_attention"
NARROW = frozenset([*_NARROW.split(), ATTENTION])  # functions that autocast runs in 16 bits
WIDE = frozenset(_WIDE.split())  # and in 32 bits


class GpuKernels(TorchFunctionMode):
    """While active, attention is one kernel that does not keep its weights, and autocast is on if told so.

    Args:
        narrow: ``torch.float16`` or ``torch.bfloat16``; None: all in float32.
    """

    def __init__(self, narrow: torch.dtype | None = None) -> None:
        super().__init__()
        self.narrow = narrow

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name, words = getattr(func, "__name__", ""), dict(kwargs or {})
        if self.narrow and name in NARROW:
            args, words = _cast(args, self.narrow), _cast(words, self.narrow)
        elif self.narrow and name in WIDE:
            args, words = _cast(args, torch.float32), _cast(words, torch.float32)
        if name == ATTENTION:
            return _attend(func, *args, **words)
        return func(*args, **words)


def _attend(
    func: Callable[..., Tensor],
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **words: Any,
) -> Tensor:
    """(B, heads, tokens, C) three times, by the kernel that a GPU takes where there is a bias to learn."""
    boolean = attn_mask is not None and attn_mask.dtype is torch.bool
    if query.ndim != 4 or boolean or words.get("enable_gqa"):
        return func(query, key, value, attn_mask, dropout_p, is_causal, **words)
    if attn_mask is not None:
        attn_mask = attn_mask.expand(*query.shape[:3], key.shape[2])
    fused = torch.ops.aten._scaled_dot_product_efficient_attention
    output: Tensor = fused(query, key, value, attn_mask, True, dropout_p, is_causal, scale=words.get("scale"))[0]
    return output


def _cast(node: Any, dtype: torch.dtype) -> Any:
    """Floating-point tensors in nested arguments to a type, as autocast does: not those in float64."""
    if isinstance(node, Tensor):
        return node.to(dtype) if node.is_floating_point() and node.dtype is not torch.float64 else node
    if isinstance(node, dict):
        return {key: _cast(value, dtype) for key, value in node.items()}
    return type(node)(_cast(value, dtype) for value in node) if type(node) in (list, tuple) else node
