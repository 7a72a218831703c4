"""What augmentations do to an image, each operation alone: those of AugMix and of PRIME."""
