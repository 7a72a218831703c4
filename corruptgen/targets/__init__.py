"""What belongs to an image and goes with it: masks, annotations, and how a source numbers its classes."""
