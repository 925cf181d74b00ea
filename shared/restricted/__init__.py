"""Files that a stranger may have made, read without running anything in them."""
