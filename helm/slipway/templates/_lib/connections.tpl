{{/* One block per store feeds everything that talks to it. Each takes the root. */}}
{{- define "slipway.postgresql.host" -}}
{{- if .Values.postgresql.managed }}{{ .Values.postgresql.connection.host }}{{ else }}{{ include "slipway.name" (dict "root" . "component" "postgresql") }}{{ end -}}
{{- end -}}
{{- define "slipway.postgresql.port" -}}
{{- if .Values.postgresql.managed }}{{ .Values.postgresql.connection.port }}{{ else }}5432{{ end -}}
{{- end -}}
{{- define "slipway.postgresql.database" -}}
{{- if .Values.postgresql.managed }}{{ .Values.postgresql.connection.database }}{{ else }}slipway{{ end -}}
{{- end -}}
{{- define "slipway.redis.host" -}}
{{- if .Values.redis.managed }}{{ .Values.redis.connection.host }}{{ else }}{{ include "slipway.name" (dict "root" . "component" "redis") }}{{ end -}}
{{- end -}}
{{- define "slipway.redis.port" -}}
{{- if .Values.redis.managed }}{{ .Values.redis.connection.port }}{{ else }}6379{{ end -}}
{{- end -}}
{{- define "slipway.clamav.host" -}}
{{- if .Values.clamav.managed }}{{ .Values.clamav.connection.host }}{{ else }}{{ include "slipway.name" (dict "root" . "component" "clamav") }}{{ end -}}
{{- end -}}
{{- define "slipway.objectStorage.port" -}}
{{- if eq .Values.objectStorage.engine "minio" }}9000{{ else }}8333{{ end -}}
{{- end -}}

{{/* "true" where nobody has a password for Postgres. Takes the root. */}}
{{- define "slipway.postgresql.keyless" -}}
{{- if and .Values.postgresql.managed (eq .Values.postgresql.connection.auth "aws-iam") }}true{{ end -}}
{{- end -}}

{{/* "true" where pods show an identity of their own to a store, for which they need tokens. Takes the root. */}}
{{- define "slipway.identified" -}}
{{- if or (include "slipway.postgresql.keyless" .) (and .Values.objectStorage.managed (eq .Values.objectStorage.connection.auth "identity")) (and .Values.backup.destination.bucket (eq .Values.backup.destination.auth "identity")) }}true{{ end -}}
{{- end -}}

{{- define "slipway.env.postgresql" -}}
{{- $connection := .Values.postgresql.connection -}}
- name: DATABASE_URL
  value: postgres://{{ include "slipway.postgresql.host" . }}:{{ include "slipway.postgresql.port" . }}/{{ include "slipway.postgresql.database" . }}
{{- if .Values.postgresql.managed }}
- name: DATABASE_TLS
  value: {{ $connection.tls }}
{{- if include "slipway.postgresql.keyless" . }}
- name: DATABASE_AUTH
  value: {{ $connection.auth }}
{{- with $connection.region }}
- name: DATABASE_REGION
  value: {{ . }}
{{- end }}
{{- end }}
{{- if $connection.ca.secret }}
- name: DATABASE_CA_FILE
  value: /etc/slipway/ca/postgresql/{{ $connection.ca.key }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Of those who may make schemas and roles. */}}
{{- define "slipway.env.postgresqlAdmin" -}}
{{- $connection := .Values.postgresql.connection -}}
- name: DATABASE_ADMIN_USER
  value: {{ if .Values.postgresql.managed }}{{ $connection.adminUser }}{{ else }}postgres{{ end }}
{{- if not (include "slipway.postgresql.keyless" .) }}
{{ include "slipway.secretVariable" (dict "root" . "name" "DATABASE_ADMIN_PASSWORD" "from" (ternary $connection.existingSecret dict .Values.postgresql.managed)) }}
{{- end }}
{{- end -}}

{{- define "slipway.env.redis" -}}
{{- $redis := .Values.redis -}}
- name: REDIS_URL
  value: {{ ternary "rediss" "redis" (and $redis.managed $redis.connection.tls) }}://{{ include "slipway.redis.host" . }}:{{ include "slipway.redis.port" . }}
- name: REDIS_KEY_PREFIX
  value: {{ $redis.keyPrefix }}
{{- if and $redis.managed $redis.connection.user }}
- name: REDIS_USER
  value: {{ $redis.connection.user }}
{{- end }}
{{ include "slipway.secretVariable" (dict "root" . "name" "REDIS_PASSWORD" "from" (ternary $redis.connection.existingSecret dict $redis.managed)) }}
{{- if and $redis.managed $redis.connection.ca.secret }}
- name: REDIS_CA_FILE
  value: /etc/slipway/ca/redis/{{ $redis.connection.ca.key }}
{{- end }}
{{- end -}}

{{- define "slipway.env.objectStorage" -}}
{{- $storage := .Values.objectStorage -}}
{{- $connection := $storage.connection -}}
- name: S3_REGION
  value: {{ $storage.region }}
- name: S3_BUCKET_PREFIX
  value: {{ $storage.bucketPrefix }}
{{- if $storage.managed }}
{{- with $connection.endpoint }}
- name: S3_ENDPOINT
  value: {{ . }}
{{- end }}
- name: S3_PATH_STYLE
  value: {{ $connection.pathStyle | quote }}
- name: S3_CREATE_BUCKETS
  value: {{ $connection.createBuckets | quote }}
{{- if $connection.ca.secret }}
- name: S3_CA_FILE
  value: /etc/slipway/ca/object-storage/{{ $connection.ca.key }}
{{- end }}
{{- else }}
- name: S3_ENDPOINT
  value: http://{{ include "slipway.name" (dict "root" . "component" "object-storage") }}:{{ include "slipway.objectStorage.port" . }}
{{- end }}
{{- if or (not $storage.managed) (eq $connection.auth "keys") }}
{{- $secret := ternary $connection.existingSecret dict $storage.managed }}
{{ include "slipway.secretVariable" (dict "root" . "name" "S3_ACCESS_KEY" "from" (dict "name" $secret.name "key" $secret.accessKey)) }}
{{ include "slipway.secretVariable" (dict "root" . "name" "S3_SECRET_KEY" "from" (dict "name" $secret.name "key" $secret.secretKey)) }}
{{- end }}
{{- end -}}

{{- define "slipway.env.clamav" -}}
- name: CLAMAV_HOST
  value: {{ include "slipway.clamav.host" . }}
- name: CLAMAV_PORT
  value: {{ ternary .Values.clamav.connection.port 3310 .Values.clamav.managed | quote }}
- name: CLAMAV_MAX_FILE_BYTES
  value: {{ .Values.clamav.maxFileBytes | int64 | quote }}
- name: CLAMAV_ALLOW_TEST_SIGNATURES
  value: {{ .Values.clamav.allowTestSignatures | quote }}
{{- end -}}

{{/* Certificate authorities of managed stores, for whoever talks to all of them. */}}
{{- define "slipway.ca.mounts" -}}
{{- range $name, $secret := fromJson (include "slipway.ca.secrets" .) }}
- name: ca-{{ $name }}
  mountPath: /etc/slipway/ca/{{ $name }}
  readOnly: true
{{- end }}
{{- end -}}
{{- define "slipway.ca.volumes" -}}
{{- range $name, $secret := fromJson (include "slipway.ca.secrets" .) }}
- name: ca-{{ $name }}
  secret: { secretName: {{ $secret }}, defaultMode: 0444 }
{{- end }}
{{- end -}}
{{- define "slipway.ca.secrets" -}}
{{- $found := dict -}}
{{- range $name, $store := dict "postgresql" .Values.postgresql "redis" .Values.redis "object-storage" .Values.objectStorage -}}
{{- if and $store.managed $store.connection.ca.secret }}{{ $_ := set $found $name $store.connection.ca.secret }}{{ end -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}
