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
