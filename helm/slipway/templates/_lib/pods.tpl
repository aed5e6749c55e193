{{/*
What all pods have in common. Arguments: root, component, and optionally user (numeric id; 10001, which nobody has on the node, without it), graceSeconds, serviceAccount (name),
token (mounts the account's token), spread (replicas keep to different nodes), first (others wait for it).
*/}}
{{- define "slipway.pod" -}}
{{- $pod := .root.Values.pod -}}
enableServiceLinks: false
automountServiceAccountToken: {{ default false .token }}
{{- with .serviceAccount }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .graceSeconds }}
terminationGracePeriodSeconds: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ default 10001 .user }}
  runAsGroup: {{ default 10001 .user }}
  fsGroup: {{ default 10001 .user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- $ofStores := ternary (include "slipway.priorityClass" .root) "" (default false .first) }}
{{- with default $pod.priorityClassName $ofStores }}
priorityClassName: {{ . }}
{{- end }}
{{- with $pod.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $pod.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $pod.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .spread }}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "slipway.selector" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end -}}

{{/* Name of the PriorityClass of what goes first, with the namespace in it as it belongs to the whole cluster; empty where there is none. */}}
{{- define "slipway.priorityClass" -}}
{{- $priority := .Values.storePriority -}}
{{- if $priority.create -}}
{{- printf "%s-%s-first" .Release.Namespace (include "slipway.fullname" .) | trunc 253 -}}
{{- else -}}
{{- $priority.className -}}
{{- end -}}
{{- end -}}

{{/* Labels and annotations of a pod template: nothing that a new version of the chart alone changes, so that stores are not restarted for it.
Arguments: root, component, and optionally secrets (it uses secrets), telemetry (it sends some), labels (a map). */}}
{{- define "slipway.podMetadata" -}}
labels: {{- include "slipway.selector" . | nindent 2 }}
  app.kubernetes.io/part-of: slipway
  {{- with .labels }}{{ toYaml . | nindent 2 }}{{ end }}
  {{- if and .telemetry (ne .root.Values.telemetry.mode "off") }}
  slipway.dev/sends-telemetry: "true"
  {{- end }}
  {{- with .root.Values.pod.labels }}{{ toYaml . | nindent 2 }}{{ end }}
{{- $annotations := deepCopy .root.Values.pod.annotations }}
{{- if .secrets }}{{ $_ := set $annotations "slipway.dev/secrets-generation" .root.Values.secrets.generation }}{{ end }}
{{- with .annotations }}{{ $annotations = merge . $annotations }}{{ end }}
{{- with $annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Image and rights of a container. Arguments: root, image, and optionally resources, writable (its root file system too). */}}
{{- define "slipway.container" -}}
image: {{ include "slipway.image" . }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: {{ not .writable }}
  capabilities: { drop: [ALL] }
{{- with .resources }}
resources: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What a container may write beside its volumes, within its own limit. Takes its resources. */}}
{{- define "slipway.tmp" -}}
{{- $limit := get (default dict .limits) "ephemeral-storage" -}}
- { name: tmp, emptyDir: {{ if $limit }}{ sizeLimit: {{ $limit }} }{{ else }}{}{{ end }} }
{{- end -}}

{{/* Volume of a StatefulSet. Arguments: name, storage. */}}
{{- define "slipway.volumeClaim" -}}
- metadata: { name: {{ .name }} }
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .storage.className }}
    storageClassName: {{ . }}
    {{- end }}
    resources: { requests: { storage: {{ .storage.size }} } }
{{- end -}}

{{/* The Service that gives the pods of a StatefulSet their names; clients use the other one. Arguments: root, component. */}}
{{- define "slipway.headless" -}}
---
apiVersion: v1
kind: Service
metadata: {{- include "slipway.metadata" (dict "root" .root "component" (printf "%s-pods" .component)) | nindent 2 }}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {{- include "slipway.selector" . | nindent 4 }}
{{- end -}}
