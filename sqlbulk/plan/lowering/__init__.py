"""From bound expressions to what the server evaluates: aggregation expressions and filter documents."""
