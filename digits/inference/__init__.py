"""What is saved and served: graph, bundle, scores, predictor."""
