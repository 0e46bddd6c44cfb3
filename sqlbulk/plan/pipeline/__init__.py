"""From relational algebra to the stages of an aggregation pipeline."""
