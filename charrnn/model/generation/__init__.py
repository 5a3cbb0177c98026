"""Generate text with a trained network, character by character."""
