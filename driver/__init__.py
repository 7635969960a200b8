"""Host library, dispatcher and AP queue state machine."""
