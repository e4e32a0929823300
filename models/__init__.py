"""touchpoint360 models: see docs/architecture.md."""
