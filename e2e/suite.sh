#!/usr/bin/env bash
# The end-to-end suite: real programs, real kubectl, every example of config/examples.
#
#   e2e/suite.sh                      a development cluster of its own
#   e2e/suite.sh --kubeconfig FILE    a cluster that runs Dray and has mock nodes (dray up, kind, a real one)
#
# Exit codes: 0 all held, 1 something did not, 77 skipped (no kubectl).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

bin=build/bin
kubeconfig=
while [ $# -gt 0 ]; do
  case $1 in
    --bin) bin=$2; shift 2 ;;
    --kubeconfig) kubeconfig=$2; shift 2 ;;
    *) echo "e2e/suite.sh: unknown argument $1; want --bin FOLDER or --kubeconfig FILE" >&2; exit 2 ;;
  esac
done

minor=$(kubectl version --client -o json 2>/dev/null | sed -n 's/.*"minor": *"\([0-9]*\).*/\1/p' | head -n 1) || true
if [ -z "$minor" ] || [ "$minor" -lt 28 ]; then
  echo "skipped: no kubectl (1.28 or newer)"
  exit 77
fi

work=$(mktemp -d)
children=()
finish() {
  local code=$?
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait 2>/dev/null || true
  if [ $code -eq 0 ]; then rm -rf "$work"; else echo "logs: $work" >&2; fi
}
trap finish EXIT

step=0
say() { step=$((step + 1)); printf '%3d  %s\n' "$step" "$*"; }
fail() { printf 'FAIL %3d  %s\n' "$step" "$*" >&2; exit 1; }
# until SECONDS COMMAND...: runs it until it succeeds.
until_true() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "not within the time: $*"
    sleep 0.1
  done
}
has() { grep -q -- "$2" <<<"$1" || fail "want \"$2\" in: $1"; }
count() { [ "$(grep -c -- "$2" <<<"$1")" = "$3" ] || fail "want \"$2\" $3 times in: $1"; }

if [ -z "$kubeconfig" ]; then
  say "a cluster of its own"
  "$bin/dray" up --dir "$work/up" >"$work/up.log" 2>&1 &
  children+=($!)
  up=$!
  until_true 60 grep -q "The cluster is up" "$work/up.log"
  kubeconfig=$work/up/kubeconfig
fi
export KUBECONFIG=$kubeconfig
space=dray-e2e-$$
k() { kubectl -n "$space" "$@"; }

say "nodes are ready, classes and slices are there"
kubectl wait --for=condition=Ready nodes --all --timeout=30s >/dev/null
until_true 30 kubectl get deviceclass hami-core-gpu.project-hami.io
until_true 30 sh -c '[ "$(kubectl get resourceslices -o name | wc -l)" -ge 1 ]'
kubectl get nodes,deviceclasses,resourceslices,resourceclaims,pods -A >"$work/get.txt"
has "$(cat "$work/get.txt")" "deviceclass.resource.k8s.io/hami-core-gpu.project-hami.io"
kubectl create namespace "$space" >/dev/null

say "HAMi's words: two GPUs of 4096 MiB"
k apply -f config/examples/hami-gpu-pod/ >/dev/null
k wait --for=jsonpath='{.status.phase}'=Succeeded pod/gpu-pod --timeout=60s >/dev/null
count "$(k logs gpu-pod)" "4096MiB" 2
has "$(k describe pod gpu-pod)" "Successfully assigned"
has "$(k get pod gpu-pod -o jsonpath='{.metadata.labels}')" "hami.io/dra"
k apply -f config/examples/hami-gpu-pod/ >"$work/again.txt"  # what a user does when nothing happens
has "$(cat "$work/again.txt")" "gpu-pod"

say "a shared claim, a template, the other vendors, a Deployment"
for example in shared-claim claim-template dcu-pod ascend-pod gpu-deployment; do k apply -f "config/examples/$example/" >/dev/null; done
k wait --for=condition=Ready pod/double-gpu-pod pod/half-gpu-pod pod/dcu-pod pod/ascend-pod --timeout=60s >/dev/null
k rollout status deployment/gpu-deployment --timeout=60s >/dev/null
has "$(k logs double-gpu-pod -c small)" "4096MiB"
has "$(k logs double-gpu-pod -c large)" "8192MiB"
has "$(k logs half-gpu-pod)" "40960MiB"
has "$(k logs dcu-pod)" "16384"
has "$(k logs ascend-pod)" "16384"
count "$(k get pods -l app=gpu-deployment)" "Running" 3
has "$(k get resourceclaims)" "allocated,reserved"
has "$(k describe resourceclaim double-gpu)" "Requests:"

if [ -n "${up:-}" ]; then
  say "matchConditions: only Pods that ask for devices need the webhook"
  hooks=$(kubectl get mutatingwebhookconfigurations dray -o jsonpath='{.webhooks[*].matchConditions[*].name}')
  [ "$hooks" = "names-a-vendor-resource was-converted" ] || fail "conditions of the webhooks: $hooks"
  sed 's/name: gpu-pod/name: asking/' config/examples/hami-gpu-pod/pod.yaml >"$work/asking.yaml"
  kubectl -n dray-system get endpointslices -o yaml | grep -v -e resourceVersion: -e uid: >"$work/slices.yaml"
  kubectl -n dray-system delete endpointslices --all >/dev/null  # nobody answers
  k run plain --image=busybox --restart=Never --command -- true >/dev/null
  k annotate pod plain asked=nobody >/dev/null
  k delete --wait --timeout=60s pod plain >/dev/null
  if k create --dry-run=server -f "$work/asking.yaml" >"$work/refused.txt" 2>&1; then fail "a Pod that nobody converted"; fi
  has "$(cat "$work/refused.txt")" 'failed calling webhook "pods.dray.dev"'
  kubectl create -f "$work/slices.yaml" >/dev/null  # a List
  has "$(k create --dry-run=server -f "$work/asking.yaml" -o yaml)" "dray.dev/converted"
fi

say "what cannot fit stays Pending and says why"
k apply -f config/examples/pod-too-large/ >/dev/null
until_true 30 sh -c "kubectl -n $space get events | grep -q FailedScheduling"
has "$(k get pod too-large)" "Pending"
has "$(k describe pod too-large)" "nodes are available"

say "deleted: nothing is left"
k delete --wait --timeout=60s deployment --all >/dev/null
k delete --wait --timeout=60s pod --all >/dev/null
k delete --wait --timeout=60s -f config/examples/shared-claim/claim.yaml >/dev/null
until_true 60 sh -c "[ -z \"\$(kubectl -n $space get resourceclaims -o name)\" ]"
kubectl delete --wait --timeout=60s namespace "$space" >/dev/null

if [ -n "${up:-}" ]; then
  say "the cluster stops in order"
  kill -INT "$up"
  wait "$up" || fail "dray up ended with $?"

  say "two managers by hand: one leads; SIGTERM hands over at once, SIGKILL within the lease duration"
  "$bin/dray-devcluster" --dir "$work/dc" --nodes node-0 >"$work/devcluster.log" 2>&1 &
  children+=($!)
  until_true 30 test -s "$work/dc/kubeconfig"
  export KUBECONFIG=$work/dc/kubeconfig
  until_true 30 kubectl get nodes
  kubectl create namespace dray-system >/dev/null
  manager() {
    "$bin/dray-controller-manager" --kubeconfig "$KUBECONFIG" --metrics-bind-address=0 --health-probe-bind-address=0 \
      --leader-elect-identity="$1" --leader-elect-lease-duration=4s --leader-elect-renew-deadline=3s \
      --leader-elect-retry-period=500ms >"$work/$1.log" 2>&1 &
    children+=($!)
    declare -g "pid_$1=$!"
  }
  holder() { kubectl -n dray-system get lease dray-controller-manager -o jsonpath='{.spec.holderIdentity}'; }
  leads() { [ "$(holder)" = "$1" ]; }
  manager one; until_true 20 leads one
  manager two; until_true 20 grep -q "leader is one" "$work/two.log"
  kill -TERM "$pid_one"; wait "$pid_one" || fail "a manager that is stopped should exit 0"
  until_true 2 leads two
  manager three; until_true 20 grep -q "leader is two" "$work/three.log"
  kill -KILL "$pid_two"
  until_true 6 leads three
  has "$(kubectl -n dray-system get lease dray-controller-manager)" "three"
fi
echo "e2e: all held"
