"""CREATE, DROP and TRUNCATE: statements about the catalog."""
