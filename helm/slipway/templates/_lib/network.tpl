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

{{/* Egress rules to the stores, bundled or not. Takes the root. */}}
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
