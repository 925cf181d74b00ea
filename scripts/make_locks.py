"""Makes every lock in backend/locks from the *.in files there.

    python scripts/make_locks.py [--upgrade] [--torch-index]

Needs `uv` (python -m pip install uv): it resolves for all platforms and Pythons at once. The locks
hold names, versions, markers and hashes, never addresses. Versions stay as locked unless --upgrade
is given.

PyTorch's CPU builds for Linux are not on the package index. Their hashes come from PyTorch's own
wheel index (--torch-index, where it can be reached), else from the wheel that `pip download` finds
through pip's own configuration; hashes already in torch-cpu.txt for the same version are kept.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "backend" / "locks"
OURS = "# Made by scripts/make_locks.py; do not edit.\n"
CUDA_PACKAGES = re.compile(r"^(nvidia-|cuda-|triton$)")
RESOLUTIONS = {  # lock -> (inputs, lowest Python)
    "backend.txt": (("backend.in",), "3.11"),
    "research.txt": (("backend.in", "research.in"), "3.11"),
    "dev.txt": (("backend.in", "research.in", "dev.in"), "3.11"),
    "blender-4.5.txt": (("blender-4.5.in",), "3.11"),
    "blender-5.2.txt": (("blender-5.2.in",), "3.13"),
    "blender-wheels.txt": (("blender-wheels.in",), "3.11"),
}
ENTRY = re.compile(r"\n(?=[A-Za-z0-9])")
WHEEL = re.compile(r"[^/]+-(?P<python>[^-/]+)-(?P<abi>[^-/]+)-(?P<platform>[^-/]+)\.whl$")
Wheels = dict[str, tuple[str, int]]  # file name -> (sha256, bytes)


def uv_compile(inputs: tuple[str, ...], python: str, out: Path, *options: str) -> str:
    """Resolve inputs for every platform; `out` pins what it already holds."""
    tool = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    command = [tool, "pip", "compile", *(str(LOCKS / name) for name in inputs), "--universal"]
    command += ["--excludes", str(LOCKS / "excludes.in"), "--python-version", python]
    command += ["--no-header", "--quiet", "--output-file", str(out), *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return out.read_text(encoding="utf-8")


def name_of(entry: str) -> str:
    """The package an entry pins; "" for a comment."""
    match = re.match(r"([A-Za-z0-9._-]+)==", entry)
    return match[1].lower() if match else ""


def available_wheels(inputs: tuple[str, ...], python: str, folder: Path) -> dict[str, Wheels]:
    """ "name==version" -> the wheels the index has for it."""
    text = uv_compile(inputs, python, folder / "pylock.toml", "--format", "pylock.toml")
    found: dict[str, Wheels] = {}
    for package in tomllib.loads(text)["packages"]:
        wheels = {
            wheel["url"].rpartition("/")[2]: (wheel["hashes"]["sha256"], wheel.get("size", 0))
            for wheel in package.get("wheels", [])
        }
        if not wheels and "sdist" in package:
            wheels = {"sdist": ("", package["sdist"].get("size", 0))}
        found[f"{package['name']}=={package['version']}"] = wheels
    return found


def entry(pin: str, marker: str, hashes: list[str]) -> str:
    """One lock entry."""
    lines = [f"{pin} ; {marker}" if marker else pin]
    lines += [f"    --hash=sha256:{digest}" for digest in sorted(hashes)]
    return " \\\n".join(lines)


def torch_entries(version: str, wheels: Wheels, platforms: dict[str, str]) -> list[str]:
    """torch pinned per Python and platform, so that a missing wheel is known beforehand."""
    entries = []
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for file, (digest, _) in wheels.items():
        match = WHEEL.match(file)
        if match is None or match["abi"].endswith("t"):  # free-threaded builds are not used
            continue
        local = "+" + file.split("+")[1].split("-")[0] if "+" in file else ""
        for part, marker in platforms.items():
            if re.search(part, match["platform"]):
                number = match["python"].removeprefix("cp")
                grouped.setdefault((f"{number[0]}.{number[1:]}", marker, local), []).append(digest)
    for (python, marker, local), hashes in sorted(grouped.items()):
        both = f"python_version == '{python}' and {marker}"
        entries.append(entry(f"torch=={version}{local}", both, hashes))
    return entries


def wheels_of_pip(version: str, folder: Path) -> Wheels:
    """The torch wheel that pip finds through its own configuration for this Python."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary"]
    command += [":all:", "--dest", str(folder), f"torch=={version}"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return {
        file.name: (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_size)
        for file in folder.glob("torch-*.whl")
        if "+cpu" in file.name
    }


def wheels_of_index(variant: str, index: str, version: str, folder: Path) -> Wheels:
    """All torch wheels of PyTorch's own index, read by uv."""
    (folder / "torch.in").write_text(f"torch=={version}{variant}\n")
    tool = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    command = [tool, "pip", "compile", str(folder / "torch.in"), "--no-deps", "--universal"]
    command += ["--python-version", "3.11", "--format", "pylock.toml", "--default-index", index]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    torch = tomllib.loads(done.stdout)["packages"][0]
    return {
        wheel["url"].rpartition("/")[2].replace("%2B", "+"): (wheel["hashes"]["sha256"], 0)
        for wheel in torch["wheels"]
    }


LINUX = {
    "linux.*x86_64": "sys_platform == 'linux' and platform_machine == 'x86_64'",
    "linux.*aarch64": "sys_platform == 'linux' and platform_machine == 'aarch64'",
}
WINDOWS = {
    "win_amd64": "sys_platform == 'win32' and platform_machine == 'AMD64'",
    "win_arm64": "sys_platform == 'win32' and platform_machine == 'ARM64'",
}
MAC = {"macosx.*arm64": "sys_platform == 'darwin' and platform_machine == 'arm64'"}


def write_torch_locks(full: str, wheels: dict[str, Wheels], from_index: bool, tmp: Path) -> Wheels:
    """torch-cpu.txt and torch-cuda.txt; returns the CPU wheels found beyond the package index."""
    with (LOCKS / "torch_sources.toml").open("rb") as file:
        sources = tomllib.load(file)
    version = sources["version"]
    index_wheels = wheels[f"torch=={version}"]
    cpu, cuda = wheels_of_pip(version, tmp), {}
    if from_index:
        cpu |= wheels_of_index("+cpu", sources["sources"]["cpu"]["index"], version, tmp)
        local = sources["sources"]["cuda"]["local"]
        cuda = wheels_of_index(local, sources["sources"]["cuda"]["index"], version, tmp)
    # The package index has CPU builds for macOS and Windows, and CUDA builds for Linux.
    cpu_entries = torch_entries(version, cpu, LINUX)
    cpu_entries += torch_entries(version, index_wheels, WINDOWS | MAC)
    old = LOCKS / "torch-cpu.txt"
    if old.exists() and not from_index:
        heads = {made.splitlines()[0] for made in cpu_entries}
        kept = [e.strip() for e in ENTRY.split(old.read_text()) if f"{version}+cpu" in e]
        cpu_entries += [e for e in kept if e.splitlines()[0] not in heads]
    cuda_entries = torch_entries(version, index_wheels, LINUX)
    cuda_entries += torch_entries(version, cuda, WINDOWS)
    libraries = [e.strip() for e in ENTRY.split(full) if CUDA_PACKAGES.match(name_of(e))]
    for name, entries in (("cpu", cpu_entries), ("cuda", cuda_entries + libraries)):
        text = OURS + "\n".join(sorted(entries)) + "\n"
        (LOCKS / f"torch-{name}.txt").write_text(text, encoding="utf-8")
    return cpu


def installed_bytes() -> dict[str, int]:
    """What packages take on disk, measured in the environments that are here."""
    sizes = {}
    for site in (ROOT / ".venv").glob("*/lib/python*/site-packages"):
        for package in distributions(path=[str(site)]):
            files = [Path(str(package.locate_file(file))) for file in package.files or []]
            total = sum(file.stat().st_size for file in files if file.exists())
            sizes[f"{package.metadata['Name'].lower().replace('_', '-')}=={package.version}"] = (
                total
            )
    return sizes


def typical(wheels: Wheels) -> int:
    """The download size on 64-bit Linux, else that of the largest wheel."""
    here = [s for f, (_, s) in wheels.items() if re.search(r"(cp31[13]|abi3).*linux.*x86_64", f)]
    return max(here or [size for _, size in wheels.values()], default=0)


def write_sizes(wheels: dict[str, Wheels]) -> None:
    """sizes.json: "name==version" -> [bytes to download, bytes on disk], both about right."""
    measured = installed_bytes()
    table = {}
    for pin, files in sorted(wheels.items()):
        download = typical(files)
        table[pin] = [download, measured.get(pin) or 3 * download]
    rows = ",\n".join(f" {json.dumps(pin)}: {json.dumps(row)}" for pin, row in table.items())
    (LOCKS / "sizes.json").write_text("{\n" + rows + "\n}\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    parser.add_argument("--torch-index", action="store_true", help="read PyTorch's own index too")
    given = parser.parse_args()
    options = ["--generate-hashes", *(["--upgrade"] if given.upgrade else [])]
    wheels: dict[str, Wheels] = {}
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)
        for lock, (inputs, python) in RESOLUTIONS.items():
            working = tmp / lock
            if (LOCKS / lock).exists():
                # --no-deps pins of torch and CUDA come back from their own locks
                shutil.copy(LOCKS / lock, working)
            full = uv_compile(inputs, python, working, *options)
            found = available_wheels(inputs, python, tmp)
            wheels |= found
            entries = [e.rstrip() for e in ENTRY.split(full)]
            kept = [e for e in entries if name_of(e) != "torch" and name_of(e)]
            kept = [e for e in kept if not CUDA_PACKAGES.match(name_of(e))]
            kept = [re.sub(str(LOCKS), "backend/locks", e) for e in kept]
            sdists = [pin.partition("==")[0] for pin, files in found.items() if "sdist" in files]
            head = OURS + "".join(f"# from source: {name}\n" for name in sdists)
            (LOCKS / lock).write_text(head + "\n".join(kept) + "\n", encoding="utf-8")
            if lock == "backend.txt":
                cpu = write_torch_locks(full, found, given.torch_index, tmp)
                for file, digest_and_size in cpu.items():
                    pin = "torch==" + file.split("-")[1]
                    wheels[pin] = {file: digest_and_size}
            print(f"{lock}: {len(kept)} packages", flush=True)
    write_sizes(wheels)


if __name__ == "__main__":
    main()
