"""Configuration: what it may hold (`model`), how it is read (`load`), how it is explained (`describe`)."""
