"""INSERT, UPSERT, REPLACE and LOAD DATA: new rows, from wherever they come."""
