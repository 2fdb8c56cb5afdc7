#!/usr/bin/env bash
# Leaders die: real managers on a development cluster, in turn ended with SIGTERM and with SIGKILL, while Pods with claims come
# and go: some are awaited, others deleted at any moment of their life. Prints how long each takeover took, and checks in the end
# that every Pod was served and nothing is left: no claim, no reservation, no file on the node, no open file in the programs.
#
#   e2e/election.sh [N] [kill|term|both]      N deaths, 6 if not given; ./run election 100 kill is the long version (5 minutes)
#
# Exit codes: 0 all held, 1 something did not, 77 skipped (no kubectl).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
deaths=${1:-6}
how=${2:-both}
case $how in kill | term | both) ;; *) echo "election: \"$how\": want kill, term or both" >&2; exit 2 ;; esac
[[ $deaths =~ ^[1-9][0-9]*$ ]] || { echo "election: \"$deaths\": want how many leaders die" >&2; exit 2; }
bin=${DRAY_BIN:-build/bin}
lease=2  # seconds; what a takeover after SIGKILL takes at most, and a tenth
command -v kubectl >/dev/null || { echo "skipped: no kubectl"; exit 77; }

work=$(mktemp -d)
children=()
finish() {
  local code=$?
  for child in "${children[@]}"; do kill -KILL "$child" 2>/dev/null || true; done
  wait 2>/dev/null || true
  if [ $code -eq 0 ]; then rm -rf "$work"; else echo "logs: $work" >&2; fi
}
trap finish EXIT
fail() { echo "FAIL $*" >&2; exit 1; }
until_true() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "not within the time: $*"
    sleep 0.05
  done
}

"$bin/dray-devcluster" --dir "$work/dc" --nodes node-0 >"$work/devcluster.log" 2>&1 &
devcluster_pid=$!
children+=($!)
until_true 30 test -s "$work/dc/kubeconfig"
export KUBECONFIG=$work/dc/kubeconfig
until_true 30 kubectl get nodes
kubectl create namespace dray-system >/dev/null
root=$work/dc/nodes/node-0
"$bin/dray-mockdev" --kubeconfig "$KUBECONFIG" --node-name node-0 --profile nvidia-a100-80gb --kubelet-dir "$root" \
  --cdi-dir "$root/cdi" --tools-dir "$bin/mock-tools" >"$work/mockdev.log" 2>&1 &
mockdev_pid=$!
children+=($!)

declare -A pid_of
born=0
manager() {  # starts one more
  local name=m$((++born))
  "$bin/dray-controller-manager" --kubeconfig "$KUBECONFIG" --metrics-bind-address=0 --health-probe-bind-address=0 \
    --leader-elect-identity="$name" --leader-elect-lease-duration=${lease}s --leader-elect-renew-deadline=1500ms \
    --leader-elect-retry-period=300ms --cleanup-grace=5s >"$work/$name.log" 2>&1 &
  pid_of[$name]=$!
  children+=($!)
}
holder() { kubectl -n dray-system get lease dray-controller-manager -o jsonpath='{.spec.holderIdentity}' 2>/dev/null; }
somebody() { [ -n "$(holder)" ]; }
follows() { grep -q "leader is" "$work/$1.log"; }
for _ in 1 2 3; do manager; done
until_true 20 somebody
until_true 30 sh -c 'kubectl get resourceslices -o name | grep -q .'
until_true 30 kubectl get deviceclass hami-core-gpu.project-hami.io
kubectl apply -f config/examples/claim-template/template.yaml >/dev/null

# The load: Pods that get half a device, say so and end.
load() {
  local i=0
  while [ ! -e "$work/enough" ]; do
    i=$((i + 1))
    sed -e "s/half-gpu-pod/load-$i/" -e 's/ && sleep 3600//' config/examples/claim-template/pod.yaml |
      kubectl create -f - >/dev/null || { echo "create load-$i" >>"$work/load.failed"; return; }
    kubectl wait --for=jsonpath='{.status.phase}'=Succeeded "pod/load-$i" --timeout=60s >/dev/null ||
      { echo "load-$i was not served" >>"$work/load.failed"; return; }
    kubectl delete pod "load-$i" --wait=false >/dev/null || true
    echo "$i" >"$work/load.served"
  done
}
# And Pods that nobody waits for: deleted before they are scheduled, while they are prepared, or while they run.
churn() {
  local i=0
  while [ ! -e "$work/enough" ]; do
    i=$((i + 1))
    sed -e "s/half-gpu-pod/churn-$i/" config/examples/claim-template/pod.yaml | kubectl create -f - >/dev/null || true
    sleep "0.$((RANDOM % 10))"
    kubectl delete pod "churn-$i" --wait=false --grace-period="$((RANDOM % 2))" >/dev/null 2>&1 || true
  done
}
open_files() { ls "/proc/$1/fd" | wc -l; }
files_before="$(open_files $devcluster_pid) $(open_files $mockdev_pid)"
load &
load_pid=$!
children+=($load_pid)
churn &
churn_pid=$!
children+=($churn_pid)

# Seconds since midnight, of a log line "I1121 18:14:22.123456 ..." and of now.
stamp() { awk '{ split($2, t, ":"); printf "%.6f", t[1] * 3600 + t[2] * 60 + t[3] }'; }
now() { date -u +%H:%M:%S.%6N | sed 's/^/x /' | stamp; }
for ((death = 1; death <= deaths; ++death)); do
  until_true 20 somebody
  old=$(holder)
  for name in "${!pid_of[@]}"; do [ "$name" = "$old" ] || until_true 20 follows "$name"; done
  signal=KILL
  case $how in both) [ $((death % 2)) -eq 0 ] || signal=TERM ;; term) signal=TERM ;; esac
  began=$(TZ=UTC now)
  kill -$signal "${pid_of[$old]}"
  [ $signal = TERM ] || wait "${pid_of[$old]}" 2>/dev/null || true
  changed() { local h; h=$(holder); [ -n "$h" ] && [ "$h" != "$old" ]; }
  until_true $((lease + 10)) changed
  new=$(holder)
  wait "${pid_of[$old]}" 2>/dev/null || [ $signal = KILL ] || fail "$old ended with an error after SIGTERM"
  unset "pid_of[$old]"
  until_true 5 grep -q "became leader" "$work/$new.log"
  took=$(grep -m1 "became leader" "$work/$new.log" | stamp | awk -v began="$began" '{ t = $1 - began; if (t < 0) t += 86400; printf "%.0f", t * 1000 }')
  printf '%3d  %-4s %s -> %s  %5d ms\n' "$death" "$signal" "$old" "$new" "$took"
  echo "$signal $took" >>"$work/takeovers"
  manager
done

touch "$work/enough"
wait "$load_pid" "$churn_pid" || true
[ ! -e "$work/load.failed" ] || fail "$(cat "$work/load.failed")"
served=$(cat "$work/load.served" 2>/dev/null || echo 0)
[ "$served" -gt 0 ] || fail "no Pod was served meanwhile"
kubectl delete pods --all --wait --timeout=60s >/dev/null
until_true 60 sh -c '[ -z "$(kubectl get resourceclaims -A -o name)" ]'
until_true 30 sh -c "! ls $root/cdi | grep -q -- -claim_"
until_true 30 grep -q '"claims": {}' "$root/plugins/hami-core-gpu.project-hami.io/ledger.json"
until_true 30 sh -c "[ -z \"\$(ls $root/pods)\" ]"
# Some connections may be new; a hundred lives of Pods must not have left one file each.
few_files() {
  [ "$(open_files $devcluster_pid)" -le $((${files_before% *} + 20)) ] && [ "$(open_files $mockdev_pid)" -le $((${files_before#* } + 10)) ]
}
until_true 60 few_files
for signal in TERM KILL; do
  sort -n -k2 "$work/takeovers" | awk -v s=$signal '$1 == s { t[++n] = $2 } END { if (n) printf "takeover after SIG%s: median %d ms, longest %d ms (%d times)\n", s, t[int((n + 1) / 2)], t[n], n }'
done
echo "election: $deaths leaders died, $served Pods were served, nothing is left"
