"""Splats that their head mesh moves by geometry nodes, without any backend (shared.binding)."""
