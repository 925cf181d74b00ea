"""Round trips of real photographs: what an avatar shows where the photograph is known."""
