"""Mining measured beside other methods, on the same texts with the same encoder, one command a question."""
