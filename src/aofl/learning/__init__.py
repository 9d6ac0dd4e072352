"""The learning rule: when to ask the reference code, and the loop that asks."""
