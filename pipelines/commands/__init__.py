"""The commands of `touchpoint360`, one module per group; `pipelines/cli.py` names them.

Does not belong here: the work a command asks for (other modules of `pipelines/` and `sources/`).
"""
