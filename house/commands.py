"""The command line of build_addon.py."""

import argparse
from pathlib import Path

from .demo import run_demo
from .environments import ROOT, missing_packages, told_errors
from .package import DIST, build_all, validator
from .suites import NAMES, run_fuzz, run_tests
from .window import missing_tools


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build_addon.py",
        description="SplitAvatar: build the extension zips, run the demo, run the tests.",
        epilog="Without a command it builds the zips for this platform.",
    )
    commands = parser.add_subparsers(dest="command")
    demo = commands.add_parser(
        "demo", help="portrait to avatar to frames, for real, in Blender 4.5"
    )
    demo.add_argument("--out", type=Path, default=ROOT / "demo-out", help="where all of it goes")
    test = commands.add_parser("test", help="every test that this machine can run")
    test.add_argument("--only", nargs="+", choices=NAMES, default=[], help="only these suites")
    commands.add_parser(
        "fuzz", add_help=False, help="damaged files for every reader; fuzz --help tells more"
    )
    commands.add_parser("libraries", help="print the Debian packages of what this system lacks")
    build = commands.add_parser("zip", help="the installable zips (the default)")
    build.add_argument("--out", type=Path, default=DIST)
    build.add_argument("--all-platforms", action="store_true", help="not just this platform")
    return parser


def main(arguments: list[str]) -> int:
    """Run a command; its exit code."""
    parser = _parser()
    given, more = parser.parse_known_args(arguments or ["zip"])
    if more and given.command != "fuzz":
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    with told_errors():
        if given.command == "demo":
            return run_demo(given.out)
        if given.command == "test":
            return run_tests(given.only)
        if given.command == "fuzz":
            return run_fuzz(more)
        if given.command == "libraries":
            print(" ".join([*missing_packages(), *missing_tools()]))
            return 0
        made = build_all(given.all_platforms, given.out)
        for path in made:
            print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
        if validator() is None:
            print("not validated by Blender's own tool: no Blender environment is here yet")
    return 0
