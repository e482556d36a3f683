"""Attention rollout: what the encoded steps hold of each step of the context, across all layers."""

import numpy as np

from headway.attention.maps import FloatArray


def rollout(attention_scores: FloatArray, *, residual: float = 0.5) -> FloatArray:
    """Follow attention through the layers, from the encoded steps back to the context.

    Abnar and Zuidema (2020, "Quantifying attention flow in transformers", section 3): the heads of a layer
    are averaged to A, the way around attention counts as the identity I, and the layers are multiplied,
    last times ... times first, each being residual * I + (1 - residual) * A. The authors' residual is 0.5.
    How much a trained layer truly passes around attention differs by layer and is not measured here.

    Args:
        attention_scores: Softmaxed weights [W, L, N, T, S] with S = T.
        residual: Share, 0 to 1, that a step keeps of itself in each layer; 0 is the plain product of layers.

    Returns:
        [W, T, S] weights; every row sums to 1.

    Raises:
        ValueError: The scores have another shape or no layer, or the share is not within 0 and 1.
    """
    if attention_scores.ndim != 5 or attention_scores.shape[-2] != attention_scores.shape[-1]:
        raise ValueError(
            f"Rollout needs scores [windows, layers, heads, T, T]: got {attention_scores.shape}. "
            "Pass the scores of whole windows, not a mean map."
        )
    if not 0 <= residual <= 1:
        raise ValueError(f"residual must be a share from 0 to 1: got {residual}. The usual value is 0.5.")
    windows, layers, _, steps, _ = attention_scores.shape
    if layers == 0:
        raise ValueError("Rollout needs at least one layer: got none.")
    itself = np.eye(steps, dtype=attention_scores.dtype)
    joint = np.broadcast_to(itself, (windows, steps, steps))
    for layer in range(layers):
        weights = attention_scores[:, layer].mean(axis=1)  # [W, N, T, S] -> [W, T, S]
        # Scores of a half-precision network miss a sum of 1 by up to a percent, and products add that up.
        weights /= weights.sum(axis=-1, keepdims=True)
        weights *= 1 - residual
        weights += residual * itself
        joint = weights @ joint
    return joint
