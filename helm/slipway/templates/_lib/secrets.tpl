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
