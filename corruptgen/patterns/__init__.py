"""What is drawn over an image: fields of noise, crystals, flakes, drops, rays, lines."""
