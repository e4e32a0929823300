"""touchpoint360 sql: one SELECT per file; no Python lives here but this marker, which makes the folder a package."""
