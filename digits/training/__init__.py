"""How a model is trained, and what a training writes."""
