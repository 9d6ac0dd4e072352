"""Start structures: a metal slab with molecules packed above it, or a file."""

from aofl.system.electrode import build_slab
from aofl.system.electrolyte import molecule
from aofl.system.interface import build_system, check_structure, pack

__all__ = ["build_slab", "build_system", "check_structure", "molecule", "pack"]
