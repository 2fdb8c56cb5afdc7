#!/usr/bin/env python3
"""Tables and plots from the figures of a benchmark: bench/report.py SUBJECT FIGURES.json [PLOTS].

FIGURES is Google Benchmark's JSON. Where a benchmark knows what the reference implementation needs for the same work, the
table shows both and their ratio; the reference was measured on another machine of the same kind (two cores), so the ratio is
good to perhaps a factor of 1.5. For the allocator also: how a decision grows with the number of nodes, as a table and as a PNG
in the folder PLOTS (default: bench/plots), drawn with gnuplot where it is installed.
"""
import json
import math
import pathlib
import shutil
import subprocess
import sys

SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


def spelled(seconds):
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def print_table(header, rows):
    widths = [max(len(str(row[i])) for row in [header] + rows) for i in range(len(header))]
    for row in [header] + rows:
        cells = [str(row[0]).ljust(widths[0])] + [str(c).rjust(w) for c, w in zip(row[1:], widths[1:])]
        print("  ".join(cells).rstrip())


def seconds_of(run):
    """Of one unit of work: a benchmark that handles several at a time says how long one took in "us"."""
    if "us" in run:
        return run["us"] * 1e-6
    return run["cpu_time"] * SECONDS[run["time_unit"]]


def against_the_reference(runs):
    rows = []
    for run in runs:
        ratio = run.get("faster", run.get("times_faster"))
        if ratio is None:
            continue
        own = seconds_of(run)
        rows.append([run["name"], spelled(own), spelled(own * ratio), f"{ratio:.1f}x"])
    if rows:
        print("\nAgainst the reference")
        print_table(["what", "dray", "reference", "ratio"], rows)


def growth(runs):
    """{"Fits/first/new": {10: seconds, 100: ...}} of everything that is measured for several numbers of nodes."""
    series = {}
    for run in runs:
        name, _, nodes = run["name"].partition("/nodes:")
        if nodes:
            series.setdefault(name, {})[int(nodes)] = run["cpu_time"] * SECONDS[run["time_unit"]]
    return {name: points for name, points in series.items() if len(points) > 1}


def print_growth(series):
    sizes = sorted({nodes for points in series.values() for nodes in points})
    print("\nGrowth with the number of nodes, 8 devices each (the exponent: 1 is linear)")
    rows = []
    for name, points in series.items():
        first, last = min(points), max(points)
        exponent = math.log(points[last] / points[first]) / math.log(last / first)
        rows.append([name] + [spelled(points[n]) if n in points else "" for n in sizes] + [f"{exponent:.2f}"])
    print_table(["nodes"] + sizes + ["exponent"], rows)


def plot(series, path):
    if not shutil.which("gnuplot"):
        print("\n(no plot: gnuplot is not installed)")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    script = [
        "set terminal pngcairo size 1000,650 noenhanced",
        f"set output '{path}'",
        "set logscale xy",
        "set xlabel 'nodes (8 devices each)'",
        "set ylabel 'microseconds'",
        "set title 'One allocation decision'",
        "set key left top",
        "set grid",
    ]
    lines = []
    for i, (name, points) in enumerate(series.items()):
        rows = "\n".join(f"{nodes} {seconds * 1e6}" for nodes, seconds in sorted(points.items()))
        script.append(f"$data{i} << EOD\n{rows}\nEOD")
        lines.append(f"$data{i} with linespoints title '{name}'")
    script.append("plot " + ", ".join(lines))
    subprocess.run(["gnuplot"], input="\n".join(script), text=True, check=True)
    print(f"\nplot: {path}")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    subject, figures = sys.argv[1:3]
    root = pathlib.Path(__file__).resolve().parent
    plots = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else root / "plots"
    runs = [run for run in json.loads(pathlib.Path(figures).read_text())["benchmarks"] if "error_message" not in run]
    against_the_reference(runs)
    series = growth(runs)
    if series:
        print_growth(series)
        plot(series, plots / f"{subject}-growth.png")


if __name__ == "__main__":
    main()
