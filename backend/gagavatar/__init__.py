"""GAGAvatar's public checkpoint: names, conversion, parity."""
