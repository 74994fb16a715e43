"""SQLite itself: connections, the one writer, the pool of readers, migrations. Knows nothing about code."""
