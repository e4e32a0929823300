"""What exports look like and how they read: specs and mappings by system, readers, recognition, typing.

Does not belong here: journeys, Dagster, anything about two systems at once.
"""
