"""Runs in a fresh Blender with an empty profile: installs the zip, looks, prints one JSON line.

python -m tests.package.in_blender ZIP
"""

import sys
import threading
import types
from pathlib import Path

import bpy
import numpy  # noqa: F401 - before site-packages is hidden below

from house.profile import MODULE, install_extension
from tests.package.child import hide_site_packages, tell

HANDLERS = sorted(
    name for name in dir(bpy.app.handlers) if isinstance(getattr(bpy.app.handlers, name), list)
)
OWNERS = ("Scene", "Object", "WindowManager", "Mesh", "Camera", "Armature", "PointCloud")


def _subclasses(cls: type) -> set[type]:
    found = set(cls.__subclasses__())
    return found | {deeper for child in found for deeper in _subclasses(child)}


def traces() -> dict[str, list[str]]:
    """What an add-on can leave behind in Blender."""
    bases = ("Operator", "Panel", "Menu", "PropertyGroup", "RenderEngine", "UIList", "FileHandler")
    registered = [
        f"{base}: {cls.__name__}"
        for base in bases
        for cls in _subclasses(getattr(bpy.types, base, type("None", (), {})))
        if "splitavatar" in cls.__module__ and getattr(cls, "is_registered", False)
    ]
    handlers = [
        f"{name}: {handler.__name__}"
        for name in HANDLERS
        for handler in getattr(bpy.app.handlers, name)
        if "splitavatar" in getattr(handler, "__module__", "")
    ]
    menus = [
        f"{name}: {draw.__module__}.{draw.__name__}"
        for name in dir(bpy.types)
        for draw in getattr(getattr(getattr(bpy.types, name), "draw", None), "_draw_funcs", ())
        if "splitavatar" in getattr(draw, "__module__", "")
    ]
    properties = [
        f"{owner}.{name}"
        for owner in OWNERS
        for name in getattr(bpy.types, owner).bl_rna.properties.keys()  # noqa: SIM118 - no dict
        if "splitavatar" in name
    ]
    return {
        "registered": sorted(registered),
        "handlers": sorted(handlers),
        "menus": sorted(menus),
        "properties": sorted(properties),
        "threads": sorted(
            t.name for t in threading.enumerate() if t is not threading.main_thread()
        ),
        "drivers": sorted(n for n in bpy.app.driver_namespace if "splitavatar" in n.lower()),
    }


def own_functions(module: str) -> list[types.FunctionType]:
    """Every function of the add-on's modules: Blender cannot list timers, but can be asked."""
    own = [m for name, m in sys.modules.items() if f"{name}.".startswith(f"{module}.")]
    return [f for m in own for f in vars(m).values() if isinstance(f, types.FunctionType)]


def look(zip_path: Path) -> dict[str, object]:
    """Install, enable, disable and enable again; what was seen on the way."""
    hide_site_packages()
    before = traces()
    module = install_extension(zip_path)
    import zmq

    enabled = traces()
    rounds = []
    for _ in range(3):
        functions = own_functions(module)
        bpy.ops.preferences.addon_disable(module=module)
        timers = [f.__name__ for f in functions if bpy.app.timers.is_registered(f)]
        rounds.append({**traces(), "timers": timers})
        bpy.ops.preferences.addon_enable(module=module)
    again = traces()
    return {
        "module": module,
        "in_preferences": MODULE in bpy.context.preferences.addons,
        "zmq": zmq.__file__,
        "zmq_version": zmq.zmq_version(),
        "folder": str(Path(sys.modules[module].__file__ or "").parent),
        "operators": sorted(dir(bpy.ops.splitavatar)),
        "before": before,
        "enabled": enabled,
        "rounds": rounds,
        "again": again,
    }


if __name__ == "__main__":
    tell(lambda: look(Path(sys.argv[1])))
