"""Pure thinking about facts: who calls whom, what data is touched, what can be reached. No database, no parser."""
