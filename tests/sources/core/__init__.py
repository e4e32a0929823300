"""Tests of the shared core of `sources/`: specs, readers, recognition, typing."""
