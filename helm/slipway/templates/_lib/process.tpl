{{/* Services that are switched on, as JSON: name → values. */}}
{{- define "slipway.services" -}}
{{- $on := dict -}}
{{- range $name, $service := .Values.services }}{{ if $service.enabled }}{{ $_ := set $on $name $service }}{{ end }}{{ end -}}
{{- toJson $on -}}
{{- end -}}

{{/* Deployments that may have several replicas, as JSON: component → values. */}}
{{- define "slipway.workloads" -}}
{{- $workloads := dict -}}
{{- if .Values.frontend.enabled }}{{ $_ := set $workloads "frontend" .Values.frontend }}{{ end -}}
{{- range $name, $service := fromJson (include "slipway.services" .) -}}
{{- $_ := set $workloads (printf "%s-api" $name) $service.api -}}
{{- $_ := set $workloads (printf "%s-worker" $name) $service.worker -}}
{{- end -}}
{{- toJson $workloads -}}
{{- end -}}

{{/* Variables of the API or the worker of a service. Arguments: root, name, service, kind (api or worker), shutdownSeconds. */}}
{{- define "slipway.env.process" -}}
{{- $root := .root -}}
{{- $prefix := include "slipway.variablePrefix" .name -}}
- name: SLIPWAY_ENV
  value: {{ $root.Values.environment }}
- name: SLIPWAY_INSTANCE
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: SLIPWAY_PUBLIC_URL
  value: {{ $root.Values.publicUrl | quote }}
{{- with $root.Values.baseDomain }}
- name: SLIPWAY_BASE_DOMAIN
  value: {{ . }}
{{- end }}
{{ include "slipway.env.services" $root }}
- name: SLIPWAY_IDENTITY_URL
  value: http://{{ include "slipway.name" (dict "root" $root "component" "identity-api") }}:8081
- name: LOG_LEVEL
  value: {{ $root.Values.logLevel }}
- name: SHUTDOWN_SECONDS
  value: {{ .shutdownSeconds | quote }}
{{ include "slipway.secretVariable" (dict "root" $root "name" "SLIPWAY_SERVICE_CREDENTIAL" "key" (printf "%s_CREDENTIAL" $prefix)) }}
{{ include "slipway.secretVariable" (dict "root" $root "name" "SLIPWAY_SERVICE_CALLERS") }}
{{- if not (include "slipway.postgresql.keyless" $root) }}
{{ include "slipway.secretVariable" (dict "root" $root "name" (printf "%s_DB_RUNTIME_PASSWORD" $prefix)) }}
{{ include "slipway.secretVariable" (dict "root" $root "name" (printf "%s_DB_SYSTEM_PASSWORD" $prefix)) }}
{{- end }}
{{- range .service.secrets }}
{{- if not (and $root.Values.mail.catcher.enabled (eq . "SMTP_URL")) }}
{{ include "slipway.secretVariable" (dict "root" $root "name" .) }}
{{- end }}
{{- end }}
{{- if and $root.Values.mail.catcher.enabled (has "SMTP_URL" .service.secrets) }}
- name: SMTP_URL
  value: smtp://{{ include "slipway.name" (dict "root" $root "component" "mail") }}:1025
{{- end }}
{{ include "slipway.env.postgresql" $root }}
{{ include "slipway.env.redis" $root }}
{{ include "slipway.env.objectStorage" $root }}
{{ include "slipway.env.clamav" $root }}
{{ include "slipway.env.telemetry" (dict "root" $root "service" (printf "slipway-%s-%s" .name .kind)) }}
{{- range $name, $value := .service.env }}
{{- if ne (toString $value) "" }}
- name: {{ $name }}
  value: {{ include "slipway.scalar" $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Which services the installation has. Takes the root. */}}
{{- define "slipway.env.services" -}}
- name: SLIPWAY_SERVICES
  value: {{ keys (fromJson (include "slipway.services" .)) | sortAlpha | join "," }}
{{- end -}}

{{/* Variables of commands that work on the stores: migrations, `slipway doctor`. Takes the root. */}}
{{- define "slipway.env.command" -}}
{{ include "slipway.env.services" . }}
{{ include "slipway.env.postgresql" . }}
{{ include "slipway.env.postgresqlAdmin" . }}
{{ include "slipway.env.redis" . }}
{{ include "slipway.env.objectStorage" . }}
{{ include "slipway.env.clamav" . }}
{{- if not (include "slipway.postgresql.keyless" .) }}
{{ include "slipway.secretVariable" (dict "root" . "name" "DATABASE_BACKUP_PASSWORD") }}
{{- $root := . }}
{{- range $name, $service := fromJson (include "slipway.services" .) }}
{{- $prefix := include "slipway.variablePrefix" $name }}
{{ include "slipway.secretVariable" (dict "root" $root "name" (printf "%s_DB_RUNTIME_PASSWORD" $prefix)) }}
{{ include "slipway.secretVariable" (dict "root" $root "name" (printf "%s_DB_SYSTEM_PASSWORD" $prefix)) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What `slipway doctor` compares with what it finds, beside the stores. Takes the root. */}}
{{- define "slipway.env.doctor" -}}
{{- $services := fromJson (include "slipway.services" .) -}}
- name: SLIPWAY_ENV
  value: {{ .Values.environment }}
- name: SLIPWAY_PUBLIC_URL
  value: {{ .Values.publicUrl | quote }}
{{- if hasKey $services "identity" }}
- name: SLIPWAY_IDENTITY_URL
  value: http://{{ include "slipway.name" (dict "root" . "component" "identity-api") }}:8081
# Whoever brings a Secret of their own may have left it out: then identity is only asked whether it answers.
- name: SLIPWAY_SERVICE_CREDENTIAL
  valueFrom: { secretKeyRef: { name: {{ include "slipway.secrets.name" . }}, key: CLI_CREDENTIAL, optional: true } }
{{- end }}
{{- range $service, $name := dict "files" "FILES_MAX_BYTES" "menu" "MENU_PHOTO_BYTES" }}
{{- with get (default dict (get (default dict (get $services $service)) "env")) $name }}
- name: {{ $name }}
  value: {{ include "slipway.scalar" . | quote }}
{{- end }}
{{- end }}
{{- end -}}
