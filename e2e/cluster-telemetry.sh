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
  modest
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

# --- what Prometheus makes of it

prometheus_port=30090
cert_manager_port=30402
watch() { # for how long a fault has to last before its alert fires
  local tools=${XDG_CACHE_HOME:-$HOME/.cache}/slipway/prometheus/usr/bin
  export PATH="$PATH:$tools"
  command -v prometheus >/dev/null || { echo "there is no prometheus: .ci/run unpacks Debian's"; return 1; }
  k apply -f - >/dev/null <<SERVICE
apiVersion: v1
kind: Service
metadata: { name: metrics }
spec:
  type: NodePort
  selector: { app.kubernetes.io/instance: $release, app.kubernetes.io/component: collector }
  ports: [{ port: 8889, targetPort: metrics, nodePort: 30089 }]
SERVICE
  # With the rule for certificates, which belongs to an issuer.
  "$helm" template "$release" "$chart" -n "$namespace" "${values[@]}" --set telemetry.alerts.enabled=true --set edge.tls.issuer=own >"$work/rules-rendered.yaml" || return 1
  node helm/tests/rule-file.ts --for "$1" <"$work/rules-rendered.yaml" >"$work/rules.yaml" || return 1
  cat >"$work/prometheus.yaml" <<CONFIG
global: { scrape_interval: 3s, evaluation_interval: 3s }
rule_files: [rules.yaml]
scrape_configs:
  - job_name: collector
    honor_labels: true
    static_configs: [{ targets: ["127.0.0.1:30089"], labels: { namespace: $namespace, release: $release } }]
  - job_name: cert-manager
    static_configs: [{ targets: ["127.0.0.1:$cert_manager_port"] }]
CONFIG
  prometheus --config.file "$work/prometheus.yaml" --storage.tsdb.path "$work/prometheus" --web.listen-address "127.0.0.1:$prometheus_port" >"$work/prometheus.log" 2>&1 &
}
alerts() { quietly alerts node e2e/alerts.ts "http://127.0.0.1:$prometheus_port" "namespace=$namespace,release=$release" "$@"; }
# A fault, the alert that has to fire, the end of the fault, and its silence.
fires() { # alerts, fault, end of the fault
  "$2" || return 1
  alerts --firing "$1" --seconds 600 || return 1
  "$3" || return 1
  alerts --quiet "$1" --seconds 420
}
scale() { k scale "$1" --replicas "$2" >/dev/null; }
no_clamav() { scale "statefulset/$release-slipway-clamav" 0; }
clamav_again() { scale "statefulset/$release-slipway-clamav" 1 && quietly clamav kubectl -n "$namespace" rollout status "statefulset/$release-slipway-clamav" --timeout 3m; }
no_redis() { scale "statefulset/$release-slipway-redis" 0; }
redis_again() { scale "statefulset/$release-slipway-redis" 1 && quietly redis kubectl -n "$namespace" rollout status "statefulset/$release-slipway-redis" --timeout 3m; }
no_api() { scale "deployment/$release-slipway-menu-api" 0; }
api_again() { scale "deployment/$release-slipway-menu-api" 2 && quietly api kubectl -n "$namespace" rollout status "deployment/$release-slipway-menu-api" --timeout 3m; }
# Nobody who sends mails, from now on: the alert looks ten minutes back.
no_worker() { scale "deployment/$release-slipway-identity-worker" 0 && node e2e/faults.ts mail; }
worker_again() { scale "deployment/$release-slipway-identity-worker" 1 && quietly worker kubectl -n "$namespace" rollout status "deployment/$release-slipway-identity-worker" --timeout 3m; }
full_quota() { node e2e/faults.ts fill >"$work/filled"; }
# shellcheck disable=SC2046 # ids, one word each
room_again() { node e2e/faults.ts delete $(cat "$work/filled"); }
# The note of when a backup was made (in the database `state`), as it will be when none is made for three days.
aged_backup() {
  local password note
  password=$(k get secret "$release-slipway-secrets" -o 'jsonpath={.data.REDIS_PASSWORD}' | base64 -d)
  note="$((($(date +%s) - 3 * 86400) * 1000)) 1024"
  k exec "statefulset/$release-slipway-redis" -- env REDISCLI_AUTH="$password" valkey-cli -n 6 hset slipway:backups postgres "$note" >/dev/null
}
new_backup() { run_backup postgresql second-dump >/dev/null; }
# An alert of what has happened: it goes when half an hour or more has passed, which promtool tests.
seen() { # alert, fault
  "$2" && alerts --firing "$1" --seconds 240
}
infected() { node e2e/faults.ts infected; }
unscannable() { node e2e/faults.ts unscannable "http://127.0.0.1:$prometheus_port"; }
nothing_yet() { :; }
back_up() { run_backup postgresql first-dump >/dev/null && run_backup object-storage first-copies >/dev/null; }
traffic() { node e2e/load.ts 3 90 >"$work/traffic.log" 2>&1 || { tail -c 2000 "$work/traffic.log"; return 1; }; }

alerting() {
  say "dashboards and alerts"
  base_values
  values+=(--set 'telemetry.mode=sidecar+gateway' --set telemetry.metricSeconds=6 --set backup.enabled=true --set telemetry.exporters.debug.enabled=true)
  installed
  timed "prometheus" watch 10s
  timed "traffic" traffic
  timed "models" quietly models node e2e/models.ts 3
  timed "every query of the dashboards has data" quietly dashboards node e2e/dashboards.ts "http://127.0.0.1:$prometheus_port" "namespace=$namespace,release=$release" 2m
  sed 's/^/      /' "$work/dashboards.log" | tail -n 3
  timed "a worker goes" no_worker
  timed "alert: no scanner" fires SlipwayScannerDown no_clamav clamav_again
  timed "alert: no API" fires SlipwayApiAbsent no_api api_again
  timed "alert: no Redis" fires SlipwayRedisDown no_redis redis_again
  timed "alert: a full quota" fires SlipwayQuotaNearlyFull full_quota room_again
  timed "alert: never a backup" fires SlipwayBackupNever nothing_yet back_up
  timed "alert: an old backup" fires SlipwayBackupTooOld aged_backup new_backup
  timed "alert: never a restore drill" seen SlipwayRestoreDrillTooOld nothing_yet
  timed "alert: much malware" seen SlipwayInfectedSpike infected
  timed "alert: much that cannot be looked into" seen SlipwayUnscannableSpike unscannable
  timed "alert: test signatures" seen SlipwayTestSignatures nothing_yet
  timed "alert: no worker" fires SlipwayWorkerGone nothing_yet worker_again
}

# What goes wrong with stores, workers and the way of metrics, and the alerts of it. Rates look back for minutes, so that the end of most of
# them is looked at once, after the last fault.
no_storage() { scale "statefulset/$release-slipway-object-storage" 0 && node e2e/faults.ts write 40; }
storage_again() { scale "statefulset/$release-slipway-object-storage" 1 && quietly storage kubectl -n "$namespace" rollout status "statefulset/$release-slipway-object-storage" --timeout 3m; }
# Readers wait for a lock for four seconds, and get their answer then.
locked_table() {
  sql 'do $$ begin for turn in 1..15 loop lock table files.files in access exclusive mode; perform pg_sleep(4); commit; perform pg_sleep(0.2); end loop; end $$' >"$work/lock.log" 2>&1 &
  local locker=$!
  node e2e/faults.ts read 60 50 && wait "$locker" || { cat "$work/lock.log"; return 1; }
}
no_postgres() { scale "statefulset/$release-slipway-postgresql" 0 && node e2e/faults.ts read 30; }
postgres_again() { scale "statefulset/$release-slipway-postgresql" 1 && quietly postgres kubectl -n "$namespace" rollout status "statefulset/$release-slipway-postgresql" --timeout 3m; }
worker_dies() {
  node e2e/models.ts 8 >"$work/dying" 2>&1 &
  local models=$!
  until [ "$(sql "select count(*) from menu.models where state = 'running'")" -gt 0 ]; do sleep 0.2; done
  kill_worker && wait "$models" || { cat "$work/dying"; return 1; }
}
old_job() {
  scale "deployment/$release-slipway-identity-worker" 0 && node e2e/faults.ts mail || return 1
  sql "update identity.jobs set created_at = now() - interval '1 hour', run_at = now() - interval '1 hour' where state = 'pending' returning id" | grep -q .
}
backlog() { scale "deployment/$release-slipway-files-worker" 0 && node e2e/faults.ts purge 140 170; }
files_worker_again() { scale "deployment/$release-slipway-files-worker" 1; }
# A job that nobody could do, as a worker leaves it after its last attempt.
dead_letter() {
  sql "insert into files.jobs (id, tenant_id, queue, payload, state, max_attempts, attempts, finished_at, reason)
    values (gen_random_uuid(), '00000000-0000-0000-0000-000000000000', 'file-purge', '{}', 'dead', 1, 1, now(), 'a fault of this test')" >/dev/null
}
no_dead_letter() { sql "delete from files.jobs where reason = 'a fault of this test'" >/dev/null; }
no_metrics() { scale "statefulset/$release-slipway-collector" 0; }
metrics_again() { scale "statefulset/$release-slipway-collector" 1 && quietly collector kubectl -n "$namespace" rollout status "statefulset/$release-slipway-collector" --timeout 3m; }
all_quiet() { node e2e/faults.ts read 30 && alerts --quiet SlipwayStorageErrors,SlipwayDatabasePoolExhausted,SlipwayDatabaseTimeouts,SlipwayBacklogGrows,SlipwayAvailabilityBurnsFast,SlipwayLatencyBurnsFast --seconds 600; }

incidents() {
  say "alerts of what goes wrong"
  base_values
  values+=(--set 'telemetry.mode=sidecar+gateway' --set telemetry.metricSeconds=6 --set telemetry.exporters.debug.enabled=true)
  installed
  timed "prometheus" watch 10s
  timed "alert: a dead letter" fires SlipwayDeadLetters dead_letter no_dead_letter
  timed "alert: a worker dies in mid-job" seen SlipwayJobsStall worker_dies
  timed "alert: a job waits" fires SlipwayQueueStuck old_job worker_again
  timed "alert: a table is locked" seen SlipwayDatabasePoolExhausted,SlipwayLatencyBurnsFast,SlipwayLatencyBurns,SlipwayLatencyBurnsSlowly locked_table
  timed "alert: no storage" seen SlipwayStorageErrors,SlipwayAvailabilityBurnsFast,SlipwayAvailabilityBurns,SlipwayAvailabilityBurnsSlowly no_storage
  timed "storage again" storage_again
  timed "alert: no Postgres" seen SlipwayDatabaseTimeouts no_postgres
  timed "Postgres again" postgres_again
  timed "alert: more comes than is done" seen SlipwayBacklogGrows backlog
  timed "worker again" files_worker_again
  timed "alert: no metrics" fires SlipwayMetricsAbsent no_metrics metrics_again
  timed "all is quiet again" all_quiet
}

# What has too little: processors, memory, room, fresh signatures. Their share of the processor is taken from containers that run, and
# given back by new ones.
squeeze() { # component container millicores
  local pod
  for pod in $(k get pods -l "app.kubernetes.io/component=$1" -o name); do
    k patch "$pod" --subresource resize -p "{\"spec\":{\"containers\":[{\"name\":\"$2\",\"resources\":{\"requests\":{\"cpu\":\"$3m\"},\"limits\":{\"cpu\":\"$3m\"}}}]}}" >/dev/null || return 1
  done
}
fresh() { # kind/component
  k rollout restart "${1%/*}/$release-slipway-${1#*/}" >/dev/null && quietly fresh kubectl -n "$namespace" rollout status "${1%/*}/$release-slipway-${1#*/}" --timeout 4m
}
slow_clamav() {
  squeeze clamav clamd 20 || return 1
  # Twice: how much a series grew is known from its second value on.
  node e2e/faults.ts many 24 8 2 >"$work/many.log" 2>&1 &
}
clamav_fresh() { fresh statefulset/clamav; }
# clamd cannot write its temporary files any more, as on a broken disk. A container beside it may do what nobody in a release may.
broken_disk() {
  kubectl label namespace "$namespace" pod-security.kubernetes.io/enforce=privileged --overwrite >/dev/null
  printf '{"securityContext":{"runAsUser":0,"runAsNonRoot":false,"privileged":true}}' >"$work/root.json"
  quietly disk kubectl -n "$namespace" debug "$release-slipway-clamav-0" --image slipway/backend:dev --image-pull-policy IfNotPresent --target clamd \
    --profile sysadmin --custom "$work/root.json" --container breaker --attach=false -- chmod 0555 /proc/1/root/tmp || return 1
  k wait --for=jsonpath='{.status.ephemeralContainerStatuses[0].state.terminated.exitCode}'=0 "pod/$release-slipway-clamav-0" --timeout 1m >/dev/null || return 1
  kubectl label namespace "$namespace" pod-security.kubernetes.io/enforce=restricted --overwrite >/dev/null 2>&1
  node e2e/faults.ts write 60
}
clamd_reload() {
  k exec "deploy/$release-slipway-files-api" -c api -- node --eval "
    const socket = require('node:net').connect(3310, '$release-slipway-clamav', () => socket.end('zRELOAD\\0'))
    socket.on('data', (answer) => console.log(String(answer)))" >/dev/null
}
signatures() { # number, days ago
  node --input-type=module --eval "
    import { signatureDatabase } from './libs/testing/signatures.ts'
    process.stdout.write(signatureDatabase({ number: $1, at: new Date(Date.now() - $2 * 86_400_000) }))" |
    k exec -i "$release-slipway-clamav-0" -c clamd -- sh -c 'cat >/signatures/daily.new && mv /signatures/daily.new /signatures/daily.cud' && clamd_reload
}
old_signatures() { signatures 27000 5; }
new_signatures() { signatures 27005 0; }
slow_api() {
  squeeze files-api api 30 || return 1
  node e2e/faults.ts read 90 8 >"$work/reads.log" 2>&1 &
}
api_fresh() { fresh deployment/files-api; }
# cert-manager itself, of the last version that comes as one Go module, beside the cluster: it takes what the chart asks of it.
cert_manager() {
  local version=v1.11.5 tools=${XDG_CACHE_HOME:-$HOME/.cache}/slipway/cert-manager folder
  if [ ! -x "$tools/controller-$version" ]; then
    mkdir -p "$tools"
    folder=$(go mod download -json "github.com/cert-manager/cert-manager@$version" | node -p 'JSON.parse(require("node:fs").readFileSync(0, "utf8")).Dir') || return 1
    cp -r "$folder" "$work/cert-manager" && chmod -R u+w "$work/cert-manager"
    quietly cert-manager-build go build -C "$work/cert-manager" -o "$tools/controller-$version" ./cmd/controller || return 1
  fi
  "$cluster/addons-up" cert-manager >/dev/null || return 1
  kubectl wait --for=condition=Established crd/certificates.cert-manager.io crd/certificaterequests.cert-manager.io crd/issuers.cert-manager.io --timeout 1m >/dev/null || return 1
  "$tools/controller-$version" --kubeconfig "$KUBECONFIG" --leader-elect=false --namespace "$namespace" --metrics-listen-address "127.0.0.1:$cert_manager_port" \
    --controllers=issuers,certificaterequests-{approver,issuer-selfsigned} \
    --controllers=certificates-{key-manager,issuing,metrics,readiness,request-manager,revision-manager,trigger} >"$work/cert-manager.log" 2>&1 &
}
# The certificate of the chart, by an issuer of its own; once for an hour, and then for as long as cert-manager makes them.
issue() { # duration
  k apply -f - >/dev/null <<ISSUER || return 1
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: { name: own }
spec: { selfSigned: {} }
ISSUER
  "$helm" template "$release" "$chart" -n "$namespace" "${values[@]}" --set edge.tls.issuer=own --set edge.tls.issuerKind=Issuer --show-only templates/edge/certificate.yaml |
    sed "s/^spec:/spec:\n  duration: $1/" | k apply -f - >/dev/null || return 1
  k delete secret "$release-slipway-tls" --ignore-not-found >/dev/null
  k wait --for=condition=Ready "certificate/$release-slipway-tls" --timeout 2m >/dev/null
}
short_certificate() { cert_manager && issue 1h; }
long_certificate() { issue 2160h; }
# The one alert whose figure is not ours.
certificates() {
  say "the certificate of the edge"
  base_values
  modest
  values+=(--set 'telemetry.mode=sidecar+gateway' --set telemetry.metricSeconds=6 --set telemetry.exporters.debug.enabled=true)
  installed
  timed "prometheus" watch 10s
  timed "alert: a certificate ends" fires SlipwayCertificateExpires short_certificate long_certificate
}
# Nobody takes the spans, and there is little room for them.
no_backend() {
  k apply -f e2e/backend.yaml >/dev/null && backend 0 || return 1
  upgrade --set telemetry.sampling.ratio=1 --set telemetry.gateway.queueMiB=1 --set telemetry.exporters.otlp_grpc.enabled=true \
    --set telemetry.exporters.otlp_grpc.endpoint=telemetry-backend:4317 --set telemetry.exporters.otlp_grpc.insecure=true || return 1
  node e2e/load.ts 3 120 >"$work/dropping.log" 2>&1 || { tail -c 2000 "$work/dropping.log"; return 1; }
}
backend_again() { backend 1; }
shortage() {
  say "alerts of what has too little"
  base_values
  modest
  values+=(--set 'telemetry.mode=sidecar+gateway' --set telemetry.metricSeconds=6 --set telemetry.exporters.debug.enabled=true
    --set services.files.env.CLAMAV_CONNECTIONS=4 --set services.files.env.CLAMAV_QUEUE_SECONDS=300 --set services.files.env.FILES_QUOTA_BYTES=1073741824)
  installed
  timed "prometheus" watch 10s
  timed "alert: old signatures" fires SlipwaySignaturesStale old_signatures new_signatures
  timed "alert: clamd is slow" seen SlipwayScansSlow,SlipwayScansQueueing slow_clamav
  timed "clamd has its share again" clamav_fresh
  timed "alert: clamd has a broken disk" seen SlipwayScansFail broken_disk
  timed "a new one" clamav_fresh
  timed "alert: an API is slow" fires SlipwayEventLoopBlocked slow_api api_fresh
  timed "alert: nobody takes the spans" fires SlipwayTelemetryQueueFills,SlipwayTelemetryDropped,SlipwayCollectorRefuses no_backend backend_again
}
