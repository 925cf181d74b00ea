"""Figures: pictures of results and of Gaussians, laid out as the paper's."""
