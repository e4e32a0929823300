"""The sections of the configuration, one module per subject; `models/configuration.py` puts them together.

Does not belong here: reading files, the tables that the SQL models read.
"""
