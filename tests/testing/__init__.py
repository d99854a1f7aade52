"""The test bed: a real Kubernetes API server (or one-node cluster), Azurite, and the operator under test.

Nothing here knows how the operator works inside; tests see what a user sees. See bed.py for how to begin. For what the
real parts cannot do there are hostile_blob_service.py and lying_api_server.py.
"""

from . import sanitizers

sanitizers.set_options()
