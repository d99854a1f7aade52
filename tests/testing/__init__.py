"""The test bed: a real Kubernetes API server (or one-node cluster), Azurite, and the operator under test.

Nothing here knows how the operator works inside; tests see what a user sees. See bed.py for how to begin.
"""
