"""Connections that end, are cut or fall silent, and what may be true afterwards."""
