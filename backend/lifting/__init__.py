"""What the portrait tells an untrained network: colours, depths and who owns which pixel.

The network's outputs are residuals on these values, so that an avatar is sensible before any
training (first-avatar.md: ownership, gating by landmark polygons, hull of the hair).
"""
