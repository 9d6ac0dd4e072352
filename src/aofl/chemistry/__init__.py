"""Bonds, molecules and reactions: what atoms are to one another, frame by frame."""
