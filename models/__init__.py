"""What the tables mean: contracts, catalogue, configuration, and algorithms that SQL says badly. No Dagster, no paths."""
