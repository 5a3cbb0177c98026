"""Keep pages up to date: sessions, the hub that follows trainings, and background text generation."""
