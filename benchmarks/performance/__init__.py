"""Workloads of `make performance`, and what they share."""
