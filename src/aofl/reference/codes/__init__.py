"""The reference codes, one file for what is asked of each."""
