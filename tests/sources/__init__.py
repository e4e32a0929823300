"""Tests of sources/: reading, typing, and the systems."""
