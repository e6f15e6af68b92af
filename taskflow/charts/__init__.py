"""Assistants as people write them: one YAML form, read, checked and written."""
