"""What exports look like and how they read: specs and mappings by system, readers, recognition, typing. No journeys, no Dagster."""
