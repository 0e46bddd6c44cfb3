"""Text to tree: splitting scripts, parsing statements, decoding value lists."""
