"""The bus, the link, the command queues and the card, in simulated time."""
