"""The SplitAvatar network: portrait to Gaussians, Gaussians split along the head mesh."""
