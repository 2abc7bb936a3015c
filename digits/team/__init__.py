"""What a team shares: standards that a model must meet, the registry, gates and releases."""
