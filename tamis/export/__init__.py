"""One module a training stack: how a mixture is handed to it."""
