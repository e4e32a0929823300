"""Tests of the specs and mappings of each system, on real files."""
