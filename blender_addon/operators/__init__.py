"""What a button, a menu or a script calls."""
