"""What SQL can call: one entry a function, and the list of what SQL has and sqlbulk refuses."""
