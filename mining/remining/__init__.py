"""What a new run would change in a reviewed draft, and the draft with the new counts."""
