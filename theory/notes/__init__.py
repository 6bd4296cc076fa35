"""The derivation notes: from the registry to Markdown."""
