"""Every setting: the presets (.toml), and the classes that say what each of their keys means."""
