"""How corpora, assistants and conversations are kept in SQL: SQLite by default, PostgreSQL by address."""

from taskflow.store.database import DEFAULT_URL, Database, DatabaseError, open_database, upgrade_database

__all__ = ["DEFAULT_URL", "Database", "DatabaseError", "open_database", "upgrade_database"]
