"""Export a model as one HTML file that generates text offline."""
