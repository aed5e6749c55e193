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
- name: SLIPWAY_SERVICES
  value: {{ keys (fromJson (include "slipway.services" $root)) | sortAlpha | join "," }}
- name: SLIPWAY_IDENTITY_URL
  value: http://{{ include "slipway.name" (dict "root" $root "component" "identity-api") }}:8081
- name: LOG_LEVEL
  value: {{ $root.Values.logLevel }}
- name: OTEL_SERVICE_NAME
  value: slipway-{{ .name }}-{{ .kind }}
- name: SHUTDOWN_SECONDS
  value: {{ .shutdownSeconds | quote }}
{{ include "slipway.secretVariable" (dict "root" $root "name" "SLIPWAY_SERVICE_CREDENTIAL" "key" (printf "%s_CREDENTIAL" $prefix)) }}
{{ include "slipway.secretVariable" (dict "root" $root "name" "SLIPWAY_SERVICE_CALLERS") }}
{{ include "slipway.secretVariable" (dict "root" $root "name" (printf "%s_DB_RUNTIME_PASSWORD" $prefix)) }}
{{ include "slipway.secretVariable" (dict "root" $root "name" (printf "%s_DB_SYSTEM_PASSWORD" $prefix)) }}
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
{{- range $name, $value := .service.env }}
{{- if ne (toString $value) "" }}
- name: {{ $name }}
  value: {{ include "slipway.scalar" $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The Deployment of the API or the worker of a service. Arguments: root, name, service, kind. */}}
{{- define "slipway.process" -}}
{{- $root := .root -}}
{{- $component := printf "%s-%s" .name .kind -}}
{{- $process := index .service .kind -}}
{{- $drain := $root.Values.drain -}}
{{- $isApi := eq .kind "api" -}}
{{- $shutdown := ternary $drain.requestSeconds $process.maxJobSeconds $isApi | int -}}
{{- $unrouted := ternary $drain.unroutedSeconds 0 $isApi | int -}}
apiVersion: apps/v1
kind: Deployment
metadata: {{- include "slipway.metadata" (dict "root" $root "component" $component) | nindent 2 }}
spec:
  {{- if not $process.autoscaling.enabled }}
  replicas: {{ $process.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    type: RollingUpdate
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
  selector:
    matchLabels: {{- include "slipway.selector" (dict "root" $root "component" $component) | nindent 6 }}
  template:
    metadata: {{- include "slipway.podMetadata" (dict "root" $root "component" $component "secrets" true "labels" (dict "slipway.dev/uses-stores" "true")) | nindent 6 }}
    spec:
      {{- include "slipway.pod" (dict "root" $root "component" $component "spread" true "graceSeconds" (add $unrouted $shutdown 10) "serviceAccount" (include "slipway.name" (dict "root" $root "component" "services"))) | nindent 6 }}
      containers:
        - name: {{ .kind }}
          {{- include "slipway.container" (dict "root" $root "image" (ternary "backend" "worker" $isApi) "resources" $process.resources) | nindent 10 }}
          args: [{{ .name }}]
          env: {{- include "slipway.env.process" (dict "root" $root "name" .name "service" .service "kind" .kind "shutdownSeconds" $shutdown) | nindent 12 }}
          ports:
            {{- if $isApi }}
            - { name: http, containerPort: 8080 }
            {{- end }}
            - { name: internal, containerPort: 8081 }
          startupProbe:
            httpGet: { path: /health/live, port: internal }
            periodSeconds: 1
            timeoutSeconds: 3
            failureThreshold: 120
          livenessProbe:
            httpGet: { path: /health/live, port: internal }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: { path: /health/ready, port: internal }
            periodSeconds: 3
            timeoutSeconds: 5
          {{- if $isApi }}
          lifecycle:
            preStop: { sleep: { seconds: {{ $unrouted }} } }
          {{- end }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            {{- include "slipway.ca.mounts" $root | nindent 12 }}
      volumes:
        - { name: tmp, emptyDir: {} }
        {{- include "slipway.ca.volumes" $root | nindent 8 }}
{{- end -}}

{{/* Variables of commands that work on the stores: migrations, `slipway doctor`. Takes the root. */}}
{{- define "slipway.env.command" -}}
{{ include "slipway.env.postgresql" . }}
{{ include "slipway.env.postgresqlAdmin" . }}
{{ include "slipway.env.redis" . }}
{{ include "slipway.env.objectStorage" . }}
{{ include "slipway.env.clamav" . }}
{{ include "slipway.secretVariable" (dict "root" . "name" "DATABASE_BACKUP_PASSWORD") }}
{{- $root := . }}
{{- range $name, $service := fromJson (include "slipway.services" .) }}
{{- $prefix := include "slipway.variablePrefix" $name }}
{{ include "slipway.secretVariable" (dict "root" $root "name" (printf "%s_DB_RUNTIME_PASSWORD" $prefix)) }}
{{ include "slipway.secretVariable" (dict "root" $root "name" (printf "%s_DB_SYSTEM_PASSWORD" $prefix)) }}
{{- end }}
{{- end -}}
