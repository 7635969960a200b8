"""How many cards, places of their queues, and clients meet a target."""
