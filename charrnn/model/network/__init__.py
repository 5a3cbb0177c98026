"""Build networks: layers, recurrent cells and the loss."""
