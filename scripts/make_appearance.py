"""Makes backend/assets/appearance.npz: what heads usually look like, learned from portraits.

    python scripts/make_appearance.py FOLDER [--kept FILE] [--out FILE]

FOLDER has the portraits, *.jpg; every tenth by name is held out of all learning. Tracking them
takes about a second each; FILE keeps what they show for the next run. The same pictures give the
same bytes on one machine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.process import tune_process  # noqa: E402

tune_process()

from backend.assets import APPEARANCE  # noqa: E402
from backend.head import load_head  # noqa: E402
from backend.lifting.appearance_file import arrays_of  # noqa: E402
from scripts.appearance.learning import Mesh, learned  # noqa: E402
from scripts.appearance.observations import observe  # noqa: E402
from scripts.archive import record_hash, write_npz  # noqa: E402
from scripts.portraits import pictures_asked_for  # noqa: E402

HASH = ROOT / "backend/lifting/appearance_hash.py"
COMPONENTS = 32


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Learns how heads look from portraits.")
    parser.add_argument("--kept", type=Path, help="where what they show is kept, .npz")
    parser.add_argument("--out", type=Path, default=APPEARANCE)
    options, pictures = pictures_asked_for(parser)
    head = load_head("open")
    regions = {name: mask.numpy() for name, mask in head.regions.items()}
    seen = observe(pictures, options.kept)
    appearance = learned(
        seen,
        Mesh(
            head.v_template.numpy(),
            head.edges.numpy(),
            head.mirror.numpy(),
            regions["skin"] & ~regions["scalp"],  # hair is anybody's own
        ),
        COMPONENTS,
    )
    write_npz(options.out, arrays_of(appearance))
    if options.out == APPEARANCE:
        record_hash(APPEARANCE, HASH, "APPEARANCE_SHA256", "scripts/make_appearance.py")
    print(f"{options.out}: {options.out.stat().st_size:,} bytes, {len(seen.names)} portraits")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
