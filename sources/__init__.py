"""touchpoint360 sources: see docs/architecture.md."""
