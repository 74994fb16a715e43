"""What Drift costs: programs that measure and print one table each. Never asserts on time, and nothing imports it."""
