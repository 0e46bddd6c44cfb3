"""From SELECT to relational algebra."""
