"""Where things lie."""
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, ".build")
PROGRAMS = os.path.join(BUILD, "benchmarks")
PALAVER = os.environ.get("PALAVER_BINARY", os.path.join(BUILD, "release", "palaver"))
RESULTS = os.path.join(BUILD, "performance.json")
DOCUMENT = os.path.join(ROOT, "docs", "performance.md")
PLOTS = os.path.join(ROOT, "docs", "performance")
CORPORA = os.path.join(os.environ.get("PALAVER_SHARED", os.path.join(ROOT, "..", "shared")), "corpora")
