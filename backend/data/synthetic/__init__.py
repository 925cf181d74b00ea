"""Made-up people: the open head with random identity, looks, expression, light and camera."""
