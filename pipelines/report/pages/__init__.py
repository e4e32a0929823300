"""The pages of the report, one module a page (or a group of like pages)."""
