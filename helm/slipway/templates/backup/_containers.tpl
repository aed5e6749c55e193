{{/* Variables of the place where backups lie. Takes the root. */}}
{{- define "slipway.env.vault" -}}
{{- $backup := .Values.backup -}}
{{- $to := $backup.destination -}}
- name: BACKUP_KEEP_DAYS
  value: {{ $backup.retention.keepDays | quote }}
- name: BACKUP_KEEP_AT_LEAST
  value: {{ $backup.retention.keepAtLeast | quote }}
- name: BACKUP_CREATE_BUCKET
  value: {{ ternary $to.createBucket (or (not .Values.objectStorage.managed) .Values.objectStorage.connection.createBuckets) (ne $to.bucket "") | quote }}
{{- if $backup.enabled }}
- name: BACKUP_POSTGRES_SCHEDULE
  value: {{ $backup.postgresql.schedule | quote }}
- name: BACKUP_OBJECTS_SCHEDULE
  value: {{ $backup.objectStorage.schedule | quote }}
{{- end }}
{{- if $to.bucket }}
- name: BACKUP_S3_BUCKET
  value: {{ $to.bucket }}
- name: BACKUP_S3_REGION
  value: {{ $to.region }}
- name: BACKUP_S3_PATH_STYLE
  value: {{ $to.pathStyle | quote }}
{{- with $to.endpoint }}
- name: BACKUP_S3_ENDPOINT
  value: {{ . }}
{{- end }}
{{- if $to.ca.secret }}
- name: BACKUP_S3_CA_FILE
  value: /etc/slipway/ca/backup/{{ $to.ca.key }}
{{- end }}
{{- if eq $to.auth "keys" }}
{{ include "slipway.secretVariable" (dict "root" . "name" "BACKUP_S3_ACCESS_KEY" "from" (dict "name" $to.existingSecret.name "key" $to.existingSecret.accessKey)) }}
{{ include "slipway.secretVariable" (dict "root" . "name" "BACKUP_S3_SECRET_KEY" "from" (dict "name" $to.existingSecret.name "key" $to.existingSecret.secretKey)) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Authority of that place, where it has one of its own. Each takes the root. */}}
{{- define "slipway.vault.mounts" -}}
{{- if and .Values.backup.destination.bucket .Values.backup.destination.ca.secret }}
- { name: ca-backup, mountPath: /etc/slipway/ca/backup, readOnly: true }
{{- end }}
{{- end -}}
{{- define "slipway.vault.volumes" -}}
{{- if and .Values.backup.destination.bucket .Values.backup.destination.ca.secret }}
- { name: ca-backup, secret: { secretName: {{ .Values.backup.destination.ca.secret }}, defaultMode: 0444 } }
{{- end }}
{{- end -}}

{{/* Of those who copy objects. They ask for the address of Postgres, of which nothing is read here; in Redis they note for metrics that there is a backup. Takes the root. */}}
{{- define "slipway.env.copies" -}}
{{ include "slipway.env.postgresql" . }}
{{ include "slipway.env.redis" . }}
{{ include "slipway.env.objectStorage" . }}
{{ include "slipway.env.vault" . }}
{{- end -}}

{{/* Of those who dump Postgres: as the role that may read everything and change nothing. Takes the root. */}}
{{- define "slipway.env.dump" -}}
{{ include "slipway.env.copies" . }}
{{- if not (include "slipway.postgresql.keyless" .) }}
{{ include "slipway.secretVariable" (dict "root" . "name" "DATABASE_BACKUP_PASSWORD") }}
{{- end }}
{{- end -}}

{{/* Of those who restore. Takes the root. */}}
{{- define "slipway.env.restore" -}}
{{ include "slipway.env.command" . }}
{{ include "slipway.env.vault" . }}
{{- end -}}

{{/*
A container that works on backups: the image of Postgres has its programs, ours all the rest. They hand over by files: `handover` holds a
password and is in memory, `scratch` holds the dump, which counts as storage of the containers. Arguments: root, resources, scratch where
there is a dump, and `args` and `env` (a template) of ours or `command` of the other.
*/}}
{{- define "slipway.backup.container" -}}
{{- $resources := deepCopy .resources -}}
{{- if .scratch }}{{ $_ := set $resources "limits" (merge (dict "ephemeral-storage" .scratch) (default dict $resources.limits)) }}{{ end -}}
{{ include "slipway.container" (dict "root" .root "image" (ternary "postgresql" "backend" (hasKey . "command")) "resources" $resources) }}
{{- with .command }}
command: {{ toJson . }}
{{- end }}
{{- with .args }}
args: {{ toJson . }}
{{- end }}
{{- with .env }}
env:
  {{- include . $.root | nindent 2 }}
  {{- include "slipway.env.telemetry" (dict "root" $.root "service" "slipway-backup") | nindent 2 }}
{{- end }}
volumeMounts:
  - { name: tmp, mountPath: /tmp }
  {{- if .scratch }}
  - { name: handover, mountPath: /handover }
  - { name: scratch, mountPath: /scratch }
  {{- end }}
  {{- if .env }}
  {{- include "slipway.ca.mounts" .root | nindent 2 }}
  {{- include "slipway.vault.mounts" .root | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Arguments: root, and scratch where there is a dump. */}}
{{- define "slipway.backup.volumes" -}}
- { name: tmp, emptyDir: { sizeLimit: 64Mi } }
{{- if .scratch }}
- { name: handover, emptyDir: { medium: Memory, sizeLimit: 4Mi } }
- { name: scratch, emptyDir: { sizeLimit: {{ .scratch }} } }
{{- end }}
{{- include "slipway.ca.volumes" .root }}
{{- include "slipway.vault.volumes" .root }}
{{- include "slipway.telemetry.volumes" .root }}
{{- end -}}
