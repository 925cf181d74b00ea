"""The backend: where it lives, its installer, its process and its requests. Knows no data-block."""
