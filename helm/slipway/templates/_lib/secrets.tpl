{{- define "slipway.secrets.name" -}}
{{- default (include "slipway.name" (dict "root" . "component" "secrets")) .Values.secrets.name -}}
{{- end -}}

{{/* A variable from a Secret. Arguments: root, name, and optionally from ({name, key}: another Secret than the release's), key. */}}
{{- define "slipway.secretVariable" -}}
{{- $from := default dict .from -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ default (include "slipway.secrets.name" .root) $from.name }}
      key: {{ if $from.name }}{{ $from.key }}{{ else }}{{ default .name .key }}{{ end }}
{{- end -}}

{{/* FILES, of "files"; CRAWL_DESK of "crawl-desk". */}}
{{- define "slipway.variablePrefix" -}}
{{- . | upper | replace "-" "_" -}}
{{- end -}}

{{/*
Keys that the Job must not make up, as JSON: only the owner of a store of others knows them. Each maps to the value that says where it
lies. Takes the root.
*/}}
{{- define "slipway.secrets.ofOthers" -}}
{{- $keys := dict -}}
{{- if and .Values.postgresql.managed (not (include "slipway.postgresql.keyless" .)) }}{{ $_ := set $keys "DATABASE_ADMIN_PASSWORD" "postgresql" }}{{ end -}}
{{- if .Values.redis.managed }}{{ $_ := set $keys "REDIS_PASSWORD" "redis" }}{{ end -}}
{{- if .Values.objectStorage.managed }}{{ range list "S3_ACCESS_KEY" "S3_SECRET_KEY" }}{{ $_ := set $keys . "objectStorage" }}{{ end }}{{ end -}}
{{- toJson $keys -}}
{{- end -}}

{{/* All that the Job leaves out, separated by commas: what it may not make up, and passwords that nobody needs. Takes the root. */}}
{{- define "slipway.secrets.without" -}}
{{- $keys := keys (fromJson (include "slipway.secrets.ofOthers" .)) -}}
{{- if include "slipway.postgresql.keyless" . -}}
{{- $keys = concat $keys (list "DATABASE_ADMIN_PASSWORD" "DATABASE_BACKUP_PASSWORD") -}}
{{- range $name, $_ := .Values.services -}}
{{- range list "RUNTIME" "SYSTEM" }}{{ $keys = append $keys (printf "%s_DB_%s_PASSWORD" (include "slipway.variablePrefix" $name) .) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- join "," (sortAlpha $keys) -}}
{{- end -}}
