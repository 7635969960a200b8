"""The EP11 coprocessor image: secure keys as blobs under a wrapping key per domain."""
