"""Files that others read: PLY, PNG, MP4, contact sheets. All are written atomically."""
