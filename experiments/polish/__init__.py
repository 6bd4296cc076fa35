"""Where polishing takes trained models."""
