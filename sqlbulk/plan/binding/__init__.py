"""From expressions of the tree to bound ones: names resolved, functions found, types settled, constants folded."""
