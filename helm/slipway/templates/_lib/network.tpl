{{/* Seconds of a duration such as 300s, 5m or 1h. */}}
{{- define "slipway.seconds" -}}
{{- mul (trimAll "smh" . | int) (get (dict "s" 1 "m" 60 "h" 3600) (trimAll "0123456789" .)) -}}
{{- end -}}

{{/* A route as the values have it, in full, as JSON: {path, maxBodyBytes, seconds}. Arguments: root, route (a path or a map). */}}
{{- define "slipway.route" -}}
{{- $route := .route -}}
{{- if kindIs "string" $route }}{{ $route = dict "path" $route }}{{ end -}}
{{- $limits := mergeOverwrite (deepCopy .root.Values.edge.limits) $route -}}
{{- toJson (dict "path" $route.path "maxBodyBytes" (int64 $limits.maxBodyBytes) "seconds" (include "slipway.seconds" $limits.timeout | int)) -}}
{{- end -}}

{{/* The route table of the edge, longest prefix first, as JSON: [{path, component, port, maxBodyBytes, seconds}]. */}}
{{- define "slipway.routes" -}}
{{- $root := . -}}
{{- $services := fromJson (include "slipway.services" .) -}}
{{- $targets := list -}}
{{- range $name, $service := $services -}}
{{- range $service.routes }}{{ $targets = append $targets (dict "route" . "component" (printf "%s-api" $name) "port" 8080) }}{{ end -}}
{{- end -}}
{{- if hasKey $services "identity" -}}
{{- range list "/docs" "/problems" }}{{ $targets = append $targets (dict "route" . "component" "identity-api" "port" 8080) }}{{ end -}}
{{- end -}}
{{- if .Values.frontend.enabled }}{{ $targets = append $targets (dict "route" "/" "component" "frontend" "port" 8080) }}{{ end -}}
{{- if .Values.mail.catcher.enabled }}{{ $targets = append $targets (dict "route" "/dev/mail" "component" "mail" "port" 8025) }}{{ end -}}
{{- $byKey := dict -}}
{{- range $targets -}}
{{- $route := merge (fromJson (include "slipway.route" (dict "root" $root "route" .route))) (dict "component" .component "port" .port) -}}
{{- $_ := set $byKey (printf "%04d %s" (sub 9999 (len $route.path)) $route.path) $route -}}
{{- end -}}
{{- $routes := list -}}
{{- range keys $byKey | sortAlpha }}{{ $routes = append $routes (get $byKey .) }}{{ end -}}
{{- toJson $routes -}}
{{- end -}}

{{/* Hosts that the edge serves, as JSON. */}}
{{- define "slipway.hosts" -}}
{{- $host := default (get (urlParse .Values.publicUrl) "hostname") .Values.edge.host -}}
{{- $hosts := list $host -}}
{{- with .Values.baseDomain }}{{ $hosts = append $hosts (printf "*.%s" .) }}{{ end -}}
{{- toJson (uniq $hosts) -}}
{{- end -}}

{{/* Secret with the certificate of the hosts, if there is one. Takes the root. */}}
{{- define "slipway.tlsSecret" -}}
{{- if .Values.edge.tls.issuer }}{{ include "slipway.name" (dict "root" . "component" "tls") }}{{ else }}{{ .Values.edge.tls.secret }}{{ end -}}
{{- end -}}

{{/* Stores as NetworkPolicies see them, as JSON: component → managed, port, cidrs, egress (of the bundled one). Takes the root. */}}
{{- define "slipway.network.stores" -}}
{{- $freshclam := list (dict "to" (list (dict "ipBlock" (dict "cidr" "0.0.0.0/0"))) "ports" (list (dict "port" 443 "protocol" "TCP") (dict "port" 80 "protocol" "TCP"))) -}}
{{- $stores := dict
  "postgresql" (dict "managed" .Values.postgresql.managed "port" (include "slipway.postgresql.port" . | int) "cidrs" .Values.postgresql.connection.cidrs)
  "redis" (dict "managed" .Values.redis.managed "port" (include "slipway.redis.port" . | int) "cidrs" .Values.redis.connection.cidrs)
  "object-storage" (dict "managed" .Values.objectStorage.managed "port" (ternary .Values.objectStorage.connection.port (include "slipway.objectStorage.port" .) .Values.objectStorage.managed | int) "cidrs" .Values.objectStorage.connection.cidrs)
  "clamav" (dict "managed" .Values.clamav.managed "port" (ternary .Values.clamav.connection.port 3310 .Values.clamav.managed | int) "cidrs" .Values.clamav.connection.cidrs "egress" $freshclam)
-}}
{{- toJson $stores -}}
{{- end -}}

{{/* Egress rules to the stores, bundled or not, and to who gives the tokens for them. Takes the root. */}}
{{- define "slipway.network.toStores" -}}
{{- $root := . -}}
{{- range $name, $store := include "slipway.network.stores" . | fromJson }}
- to:
    {{- if $store.managed }}
    {{- range $store.cidrs }}
    - ipBlock: { cidr: {{ . | quote }} }
    {{- end }}
    {{- else }}
    - podSelector:
        matchLabels: {{- include "slipway.selector" (dict "root" $root "component" $name) | nindent 10 }}
    {{- end }}
  ports: [{ port: {{ $store.port }}, protocol: TCP }]
{{- end }}
{{- if include "slipway.identified" . }}
# Tokens of their identity: from the cloud, or from the agent on the node (EKS Pod Identity).
- to:
    {{- range .Values.serviceAccount.cidrs }}
    - ipBlock: { cidr: {{ . | quote }} }
    {{- end }}
  ports: [{ port: 443, protocol: TCP }]
- to: [{ ipBlock: { cidr: 169.254.170.23/32 } }]
  ports: [{ port: 80, protocol: TCP }]
{{- end }}
{{- end -}}

{{/* Egress rules to where telemetry goes, for hooks: others have policies of their own. Takes the root. */}}
{{- define "slipway.network.toTelemetry" -}}
{{- $parts := fromJson (include "slipway.telemetry.parts" .) -}}
{{- if $parts.gateway }}
- to:
    - podSelector:
        matchLabels: {{- include "slipway.selector" (dict "root" . "component" "collector") | nindent 10 }}
  ports: [{ port: 4317, protocol: TCP }, { port: 4318, protocol: TCP }]
{{- else if ne .Values.telemetry.mode "off" }}
{{ include "slipway.network.toExporters" . }}
{{- end }}
{{- end -}}
{{- define "slipway.network.toExporters" -}}
- to:
    {{- range .Values.telemetry.cidrs }}
    - ipBlock: { cidr: {{ . | quote }} }
    {{- end }}
  ports: [{{ range $index, $port := .Values.telemetry.ports }}{{ if $index }}, {{ end }}{ port: {{ $port }}, protocol: TCP }{{ end }}]
{{- end -}}

{{/* Names; servers of many networks answer on other ports than 53 behind the Service, so the port alone is what can be said. */}}
{{- define "slipway.network.names" -}}
- ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
{{- end -}}

{{/* What a hook may reach while the policies of the release are still those of the revision before. Arguments: root, component, annotations, egress (YAML). */}}
{{- define "slipway.network.hookPolicy" -}}
{{- if .root.Values.networkPolicies.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "slipway.metadata" (dict "root" .root "component" .component) | nindent 2 }}
  annotations: {{- toYaml .annotations | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "slipway.selector" (dict "root" .root "component" .component) | nindent 6 }}
  policyTypes: [Egress]
  egress:
    {{- include "slipway.network.names" . | nindent 4 }}
    {{- .egress | nindent 4 }}
{{- end }}
{{- end -}}
