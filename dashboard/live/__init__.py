"""Keep pages up to date: sessions, the hub that follows models, and text generation in the background."""
