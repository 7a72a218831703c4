"""Medical pictures: what goes wrong at the instrument, on the slide and on the skin."""
