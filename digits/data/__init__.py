"""From published images to what the models see: preprocessing and split."""
