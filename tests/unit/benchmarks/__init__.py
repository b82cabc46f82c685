"""Tests of what benchmarks compute, not of their figures."""
