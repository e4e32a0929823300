"""touchpoint360 pipelines: see docs/architecture.md."""
