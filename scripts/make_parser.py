"""Makes backend/assets/part_decoder.safetensors: skin, hair and clothes, learned from portraits.

    python scripts/make_parser.py FOLDER [--out FILE]

FOLDER has the portraits, *.jpg; every tenth by name is held out of all learning. Nobody has drawn
their parts: scripts/parser/seeds.py says what is sure of them. About 15 minutes on 2 cores and 4 GB
of memory. The same pictures give the same bytes on one machine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.process import tune_process  # noqa: E402

tune_process()

import safetensors.torch  # noqa: E402

from backend.assets import PART_DECODER  # noqa: E402
from scripts.archive import record_hash  # noqa: E402
from scripts.parser.learning import learned  # noqa: E402
from scripts.parser.samples import samples  # noqa: E402
from scripts.portraits import pictures_asked_for  # noqa: E402

HASH = ROOT / "backend/lifting/parts_hash.py"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Learns portraits' skin, hair and clothes.")
    parser.add_argument("--out", type=Path, default=PART_DECODER)
    options, pictures = pictures_asked_for(parser)
    decoder = learned(samples(pictures))
    options.out.write_bytes(safetensors.torch.save(decoder.state_dict()))
    if options.out == PART_DECODER:
        record_hash(PART_DECODER, HASH, "PART_DECODER_SHA256", "scripts/make_parser.py")
    print(f"{options.out}: {options.out.stat().st_size:,} bytes, {len(pictures)} portraits")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
