#!/usr/bin/env bash
# Runs the benchmarks that were built: bench/run.sh [SUBJECT...] [flags of Google Benchmark]. Tables go to the terminal, the
# figures as JSON beside the programs (build/bench/SUBJECT.json), plots to bench/plots/ (bench/report.py).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
folder=${DRAY_BUILD:-build}/bench

subjects=()
while [ $# -gt 0 ] && [[ $1 != -* ]]; do subjects+=("$1"); shift; done
if [ ${#subjects[@]} -eq 0 ]; then
  for source in bench/*_bench.cc; do subjects+=("$(basename "$source" _bench.cc)"); done
fi
for subject in "${subjects[@]}"; do
  program=$folder/${subject}_bench
  if [ ! -x "$program" ]; then
    echo "bench: there is no benchmark '$subject'; there are: $(cd bench && ls ./*_bench.cc | sed 's|./||; s|_bench.cc||' | tr '\n' ' ')" >&2
    exit 2
  fi
  "$program" --benchmark_out="$folder/$subject.json" --benchmark_out_format=json --benchmark_counters_tabular=true "$@"
  if command -v python3 >/dev/null && [ -s "$folder/$subject.json" ]; then python3 bench/report.py "$subject" "$folder/$subject.json"; fi
done
