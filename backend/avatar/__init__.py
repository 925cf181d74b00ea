"""An avatar: its file, and how it is made, driven and rendered."""
