"""Interpreters in frameworks that people already use: one module for each, which imports that framework."""
