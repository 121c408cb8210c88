"""Operators as somebody would write them in JAX; one of them is wrong."""

import jax
import jax.numpy as jnp


class MultiPerClassDecoder:
    def __init__(self, num_class, axis=-1, thresh=0.01):
        self.axis, self.thresh = axis, thresh

    def __call__(self, x):
        scores = jnp.moveaxis(x, self.axis, -1)[..., 1:]
        # A threshold of an integer dtype would be another one.
        real = x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.float32
        kept = scores > jnp.asarray(self.thresh, real)
        ids = jnp.where(kept, jnp.arange(scores.shape[-1]), -1)
        back = lambda y: jnp.moveaxis(y, -1, self.axis)  # noqa: E731
        return back(ids), back(jnp.where(kept, scores, 0).astype(x.dtype))


@jax.jit
def NaiveSampler(matches):
    """Forgets that object 0 is a match too."""
    return jnp.where(matches > 0, 1, -1)
