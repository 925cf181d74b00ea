"""The backend that Blender talks to: sockets, a queue of requests, and what each one does."""
