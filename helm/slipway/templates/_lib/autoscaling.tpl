{{/*
KEDA scales a worker by the jobs of its queues that wait, with and without priority, or run: BullMQ keeps each state in a key of its own,
so they are added up by a formula. Arguments: root, component, worker.
*/}}
{{- define "slipway.scaledObject" -}}
{{- $root := .root -}}
{{- $redis := $root.Values.redis -}}
{{- $triggers := list -}}
{{- range $index, $queue := .worker.queues -}}
{{- range $state := list "wait" "prioritized" "active" -}}
{{- $triggers = append $triggers (dict "name" (printf "q%d_%s" $index $state) "key" (printf "%s:q:%s:%s" $redis.keyPrefix $queue $state)) -}}
{{- end -}}
{{- end -}}
{{- $names := list -}}
{{- range $triggers }}{{ $names = append $names .name }}{{ end -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{- include "slipway.metadata" (dict "root" $root "component" .component) | nindent 2 }}
spec:
  scaleTargetRef: { name: {{ include "slipway.name" (dict "root" $root "component" .component) }} }
  minReplicaCount: {{ .worker.autoscaling.minReplicas }}
  maxReplicaCount: {{ .worker.autoscaling.maxReplicas }}
  pollingInterval: 5
  cooldownPeriod: 120
  # While Redis cannot be asked, as many as the least that does the work.
  fallback: { failureThreshold: 3, replicas: {{ max 1 (int .worker.autoscaling.minReplicas) }} }
  advanced:
    scalingModifiers:
      formula: {{ join " + " $names }}
      target: {{ .worker.autoscaling.jobsPerReplica | quote }}
      metricType: AverageValue
  triggers:
    {{- range $triggers }}
    - type: redis
      name: {{ .name }}
      metadata:
        address: {{ include "slipway.redis.host" $root }}{{ if not $redis.managed }}.{{ $root.Release.Namespace }}.svc.{{ $root.Values.clusterDomain }}{{ end }}:{{ include "slipway.redis.port" $root }}
        databaseIndex: "3"
        listName: {{ .key }}
        listLength: "1"
        {{- if and $redis.managed $redis.connection.tls }}
        enableTLS: "true"
        {{- end }}
      authenticationRef: { name: {{ include "slipway.name" (dict "root" $root "component" "keda") }} }
    {{- end }}
{{- end -}}
