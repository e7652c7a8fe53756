"""How much of a PDF's text survives, and what parsing it costs.

    pip install pypdfium2 pymupdf
    cargo build --release -p yizhan-document
    python3 bench/document/overlap.py target/release/yizhan-parse FILE.pdf…

For each file: the share of PDFium's own characters (a multiset, spaces apart) that yizhan's blocks
hold, and the processor seconds of PDFium's text alone (through pypdfium2), of PyMuPDF's text, and of
yizhan, which also finds lines, boxes, reading order, headings and tables. PyMuPDF is only a peer
here: it is under the AGPL and no part of yizhan. Exits 1 where the share is below 0.999.
"""

import collections
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pypdfium2
import pypdfium2_raw

# Marks that PDFium puts where a word is broken at a line's end.
HYPHENS = {"\ufffe": "-", "\x02": "-", "\xad": "-"}
LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}


def characters(text):
    for old, new in {**HYPHENS, **LIGATURES}.items():
        text = text.replace(old, new)
    return collections.Counter(ch for ch in text if not ch.isspace() and ch.isprintable())


def pdfium_text(path):
    start = time.process_time()
    document = pypdfium2.PdfDocument(path)
    text = "".join(page.get_textpage().get_text_range() for page in document)
    return text, time.process_time() - start


def pymupdf_seconds(path):
    try:
        import pymupdf
    except ImportError:
        return None
    start = time.process_time()
    for page in pymupdf.open(path):
        page.get_text("dict")
    return time.process_time() - start


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def yizhan(program, path):
    tools = {"pdfium": str(Path(pypdfium2_raw.__file__).parent / "libpdfium.so")}
    start = children_seconds()
    done = subprocess.run([program, path, json.dumps(tools)], capture_output=True, check=True)
    return json.loads(done.stdout), children_seconds() - start


def main():
    program, good = sys.argv[1], True
    print("file\tpages\tcharacters\toverlap\tpdfium s\tpymupdf s\tyizhan s")
    for path in sys.argv[2:]:
        text, own = pdfium_text(path)
        parsed, seconds = yizhan(program, path)
        expected = characters(text)
        found = characters("".join(block["text"] for block in parsed["blocks"]))
        lost = expected - found
        share = 1 - sum(lost.values()) / max(1, sum(expected.values()))
        good &= share >= 0.999
        peer = pymupdf_seconds(path)
        peer = f"{peer:.2f}" if peer is not None else "-"
        row = [Path(path).name, parsed["pages"], sum(expected.values()), f"{share:.6f}", f"{own:.2f}", peer, f"{seconds:.2f}"]
        print("\t".join(map(str, row)))
        if lost:
            print("  lost:", lost.most_common(10))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
