"""Tests that hold the released tables against what is known to be true: the demo company's truth and real exports."""
