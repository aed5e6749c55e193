# The part of e2e/cluster that looks at telemetry: what of traces and metrics arrives, and that nobody notices when nothing does.
# shellcheck shell=bash disable=SC2154 # variables of e2e/cluster

backend() { # replicas
  k scale statefulset/telemetry-backend --replicas "$1" >/dev/null
  if [ "$1" -gt 0 ]; then
    k rollout status statefulset/telemetry-backend --timeout 2m >/dev/null
  else
    k wait --for=delete pod/telemetry-backend-0 --timeout 2m >/dev/null
  fi
}

# Requests all the time while pods are replaced; the spans of the last ones are still with a pod that is told to end.
spans_of_ended_pods() {
  node e2e/traces.ts end >"$work/ended" 2>&1 &
  local requests=$!
  k rollout restart "deployment/$release-slipway-files-api" >/dev/null
  quietly restart kubectl -n "$namespace" rollout status "deployment/$release-slipway-files-api" --timeout 3m || return 1
  # Until the last of the old ones is gone, not only replaced.
  until [ "$(k get pods -l app.kubernetes.io/component=files-api --no-headers | wc -l)" -eq 2 ]; do sleep 1; done
  kill -TERM "$requests"
  wait "$requests" || { cat "$work/ended"; return 1; }
  sed 's/^/      /' "$work/ended"
}

# Rounds per second with and without somebody who takes the spans, and what becomes of those that nobody takes.
rate() { node e2e/capacity.ts "${CALLERS:-8}" 20 | node -e 'process.stdin.on("data", (line) => console.log(JSON.parse(line).rounds))'; }
nobody_listens() {
  local with without again
  with=$(rate) || return 1
  backend 0
  without=$(rate) || return 1
  [ "$(k get pods --no-headers | grep -vc telemetry | xargs)" -gt 0 ]
  backend 1
  again=$(rate) || return 1
  echo "      rounds per second: $with with the backend, $without without it, $again when it is back; no request failed"
  local restarts
  restarts=$(k get pods -o jsonpath='{range .items[*]}{range .status.initContainerStatuses[*]}{.restartCount}{"\n"}{end}{range .status.containerStatuses[*]}{.restartCount}{"\n"}{end}{end}' | awk '{ sum += $1 } END { print sum + 0 }')
  [ "$restarts" -eq 0 ] || { echo "$restarts containers were started again"; k get pods; return 1; }
}

traces() { quietly traces node e2e/traces.ts "$1" && sed 's/^/      /' "$work/traces.log"; }

telemetry() {
  say "telemetry by sidecars and a gateway"
  base_values
  values+=(--set 'telemetry.mode=sidecar+gateway' --set telemetry.sampling.ratio=1 --set telemetry.metricSeconds=2
    --set telemetry.exporters.otlp_grpc.enabled=true --set telemetry.exporters.otlp_grpc.endpoint=telemetry-backend:4317
    --set telemetry.exporters.otlp_grpc.insecure=true)
  fresh_namespace
  k apply -f e2e/backend.yaml >/dev/null
  timed "helm install to all ready" install
  timed "edge" reachable
  timed "demo tenant" sign_up
  timed "one trace of a dish's photo" traces photo
  timed "spans of pods that end" spans_of_ended_pods
  timed "black-box tests" black_box
  timed "helm test" helm_test
  timed "nobody takes what is sent" nobody_listens
  say "tail sampling"
  timed "upgrade" upgrade --set telemetry.sampling.kind=tail --set telemetry.sampling.ratio=0 --set telemetry.sampling.tail.decisionWait=3s
  timed "only malware is kept" traces tail
}
