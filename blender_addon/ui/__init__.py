"""What users see: panels, menus, drops, preferences."""
