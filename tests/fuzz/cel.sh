#!/usr/bin/env bash
# Fuzzes the CEL compiler and evaluator: tests/fuzz/cel.sh [SECONDS [SEED]]. Coverage guided with clang's libFuzzer where it is
# installed, else a loop of mutations built with g++ (FUZZ_COMPILER=g++ asks for that); both under the address and undefined
# behaviour sanitizers. Objects, the grown corpus and findings stay in build-fuzz/.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
seconds=${1:-60} seed=${2:-}
compiler=${FUZZ_COMPILER:-clang++}
if [ "$compiler" != g++ ]; then
  echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
    "$compiler" -x c++ - -fsanitize=fuzzer -o /dev/null 2>/dev/null || compiler=g++
fi
out=build-fuzz/$compiler
mkdir -p "$out" build-fuzz/corpus

export CXX_COMMAND="$compiler -std=c++20 -O1 -g1 -fno-omit-frame-pointer -fno-sanitize-recover=all -Iinclude -I."
if [ "$compiler" = g++ ]; then
  CXX_COMMAND+=" -fsanitize=address,undefined"
  link="g++ -fsanitize=address,undefined"
else
  CXX_COMMAND+=" -fsanitize=fuzzer-no-link,address,undefined -DDRAY_LIBFUZZER"
  link="$compiler -fsanitize=fuzzer,address,undefined"
fi

sources=(tests/fuzz/cel_fuzz.cc api/cel/*.cc api/quantity/*.cc api/base/*.cc)
export OUT=$out
printf '%s\n' "${sources[@]}" | xargs -P "${FUZZ_JOBS:-$(nproc)}" -I{} bash -c '
  object=$OUT/$(echo "{}" | tr / _).o
  # An object is as new as its source and every header.
  if [ -e "$object" ] && [ -z "$(find {} api include/dray -newer "$object" \( -name "*.h" -o -path {} \) -print -quit)" ]; then exit 0; fi
  $CXX_COMMAND -c {} -o "$object"'
$link "$out"/*.o -lre2 -lglog -o "$out/cel_fuzz"

# The recorded cases are the first corpus; the byte in front chooses whether list attributes are on.
python3 - build-fuzz/corpus tests/golden/oracle/cel.jsonl tests/golden/oracle/cel-list-attributes.jsonl <<'PYTHON'
import hashlib, json, pathlib, sys
for path in sys.argv[2:]:
    for line in open(path):
        case = json.loads(line)
        text = (b"1" if case["features"]["listTypeAttributes"] else b"0") + case["expression"].encode()
        pathlib.Path(sys.argv[1], hashlib.sha1(text).hexdigest()).write_bytes(text)
PYTHON

if [ "$compiler" = g++ ]; then
  CEL_FUZZ_LAST=$out/last exec "$out/cel_fuzz" build-fuzz/corpus tests/fuzz/cel.dict "$seconds" $seed
fi
exec "$out/cel_fuzz" build-fuzz/corpus -dict=tests/fuzz/cel.dict -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
  -max_total_time="$seconds" -artifact_prefix=build-fuzz/ -print_final_stats=1 ${seed:+-seed=$seed}
