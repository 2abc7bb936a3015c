"""What is measured of a trained model, and what the figures allow to be said."""
