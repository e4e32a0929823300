"""What runs, when and in which order: the night, the warehouse, Dagster, the command line. No business rules, no column logic."""
