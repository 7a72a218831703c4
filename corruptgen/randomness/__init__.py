"""Keyed randomness: a name becomes a stream of numbers, the same everywhere and for ever."""

from corruptgen.randomness.draws import Draws
from corruptgen.randomness.impulses import draw_impulses
from corruptgen.randomness.key import Streams, keyed_uniforms, pixels_digest, rng_for
from corruptgen.randomness.stream import Purpose, Stream

__all__ = ["Draws", "Purpose", "Stream", "Streams", "draw_impulses", "keyed_uniforms", "pixels_digest", "rng_for"]
