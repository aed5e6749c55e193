#!/usr/bin/env bash
# Backup, loss of everything, restore, the same bytes: functions for e2e/cluster, which sources this file after `install`, `reachable` and
# `sign_up` have succeeded, and calls `backup_circle`. It uses that script's $release, $namespace, $url, $work, `timed` and `upgrade`.

backup_kubectl() { kubectl -n "$namespace" "$@"; }

# A Job ends in one of two ways; to wait for one of them alone would take the whole time-out in the other case.
job_succeeds() { # job seconds
  local end=$((SECONDS + $2)) state=
  while [ $SECONDS -lt "$end" ]; do
    state=$(backup_kubectl get job "$1" -o jsonpath='{.status.conditions[?(@.status=="True")].type}')
    case " $state " in
      *" Complete "*) return 0 ;;
      *" Failed "*) break ;;
    esac
    backup_kubectl wait --for=condition=complete --timeout=2s "job/$1" >/dev/null 2>&1 || true
  done
  echo "job $1: ${state:-not ended after $2 s}"
  backup_kubectl logs "job/$1" --all-containers --all-pods --tail 40 || true
  return 1
}

# Now instead of by the clock.
run_backup() { # postgresql|object-storage name
  backup_kubectl create job --from="cronjob/$release-slipway-backup-$1" "$2" >/dev/null
  job_succeeds "$2" 300 || return 1
  backup_kubectl logs "job/$2" --all-containers | sed 's/^/      /'
}

# Everything that backups are for: all schemas, and every object but the backups themselves.
lose_everything() {
  backup_kubectl exec "$release-slipway-postgresql-0" -- \
    psql -U postgres -q -v ON_ERROR_STOP=1 slipway -c 'drop schema identity, files, menu cascade' || return 1
  backup_kubectl exec "deploy/$release-slipway-files-api" -- node --input-type=module -e '
    import { createStorage } from "@slipway/storage"
    import { listObjects } from "@slipway/storage/backup"
    const { S3_ENDPOINT: endpoint, S3_REGION: region, S3_ACCESS_KEY: accessKey, S3_SECRET_KEY: secretKey } = process.env
    const storage = createStorage({ endpoint, region, accessKey, secretKey, pathStyle: true, bucketPrefix: process.env.S3_BUCKET_PREFIX })
    let lost = 0
    for (const bucket of ["files", "dish-images", "dish-models"])
      for await (const page of listObjects(storage, bucket))
        for (const { key } of page) { await storage.remove({ bucket, key }); lost++ }
    console.log(`      lost ${lost} objects`)
  '
}

restore_job() { backup_kubectl get jobs -l app.kubernetes.io/component=restore -o jsonpath='{.items[0].metadata.name}'; }

restore_latest() {
  upgrade --set backup.enabled=true --set restore.from=latest || return 1
  local running job
  job=$(restore_job)
  job_succeeds "$job" 600 || return 1
  backup_kubectl logs "job/$job" --all-containers | sed 's/^/      /'
  running=$(backup_kubectl get pods -l slipway.dev/uses-stores=true --field-selector=status.phase=Running -o name | grep -cE -- '-(api|worker)-' || true)
  [ "$running" = 0 ] || { echo "$running APIs and workers run during the restore"; return 1; }
}

# Nothing is left of the restore, and the database is as migrations want it.
serve_again() {
  upgrade --set backup.enabled=true --set restore.from= || return 1
  [ -z "$(backup_kubectl get jobs -l app.kubernetes.io/component=restore -o name)" ] || { echo "the restore Job is still there"; return 1; }
  reachable
}

everything_is_lost() { ! node e2e/keep.ts check "$1" >/dev/null 2>&1; }

backup_circle() {
  timed "backups switched on" upgrade --set backup.enabled=true || return 1
  node e2e/keep.ts put 12 >"$work/kept.json" || return 1
  timed "backup of Postgres" run_backup postgresql backup-circle-postgresql || return 1
  timed "backup of object storage" run_backup object-storage backup-circle-objects || return 1
  node e2e/keep.ts put 2 >"$work/later.json" || return 1
  timed "everything is lost" lose_everything || return 1
  timed "and is missed" everything_is_lost "$work/kept.json" || return 1
  timed "restore" restore_latest || return 1
  timed "APIs and workers again" serve_again || return 1
  timed "the same bytes" node e2e/keep.ts check "$work/kept.json" || return 1
  timed "nothing from after the backup" node e2e/keep.ts gone "$work/later.json" || return 1
  timed "doctor" "${helm:-helm}" test "$release" -n "$namespace"
}
