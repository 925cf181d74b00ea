"""The PyTorch side of SplitAvatar. Never imports bpy."""
