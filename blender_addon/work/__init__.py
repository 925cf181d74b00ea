"""What goes on between the scene and the backend: live avatars, long work as steps, handlers."""
