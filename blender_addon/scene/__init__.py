"""What lies in the .blend: rig, clouds, cameras, tracks, settings. Knows no backend."""
