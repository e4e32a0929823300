"""What exports look like and how they read: specs and mappings by system, readers, recognition, typing.

Does not belong here: journeys, Dagster, anything about two systems at once.
"""

import os

# Polars gives memory back to the system after half a second and takes it again for the next block of a log: keeping it for
# some seconds saves a sixth of the CPU. Polars reads this when it is first imported; a setting of one's own goes before.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:10000,muzzy_decay_ms:-1")
