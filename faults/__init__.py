"""Programs that do to a store what must not harm it, with real processes and real files, and count what came of it."""
