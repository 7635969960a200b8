"""The wire format: pure functions of bytes, shared by firmware and driver."""
