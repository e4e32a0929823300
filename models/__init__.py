"""What the tables mean: contracts, catalogue, configuration, and the algorithms that SQL says badly. No Dagster, no file paths."""
