{{/*
The sidecar. An application chart includes `initContainers` and `containers`; which of the two holds burgee is `nativeSidecar`.
*/}}

{{/* An item for the pod's `initContainers`: burgee as a native sidecar, or nothing. */}}
{{- define "burgee-lib.initContainers" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- if $b.nativeSidecar }}{{ include "burgee-lib.container" . }}{{ end -}}
{{- end -}}

{{/* An item for the pod's `containers`: burgee as a plain container, or nothing. */}}
{{- define "burgee-lib.containers" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- if not $b.nativeSidecar }}{{ include "burgee-lib.container" . }}{{ end -}}
{{- end -}}

{{/* The container itself, as a list item. */}}
{{- define "burgee-lib.container" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
- name: burgee
  image: {{ include "burgee-lib.image" . }}
  imagePullPolicy: {{ $b.image.pullPolicy }}
  {{- if $b.nativeSidecar }}
  restartPolicy: Always
  {{- end }}
  args:
    - run
    - --on-bad-start
    - {{ $b.onBadStart }}
    - --upstream
    - http://127.0.0.1:{{ int $b.upstreamPort }}
    - --drain-timeout
    - {{ include "burgee-lib.drainSeconds" . }}s
    {{- range $name, $path := $b.probes }}
    - --probe
    - {{ printf "%s=%s" $name $path | quote }}
    {{- end }}
    {{- if $b.evaluate.enabled }}
    - --evaluate-listen
    - "[::]:3527"
    {{- end }}
    {{- range $b.extraArgs }}
    {{- if and (hasPrefix "--evaluate-listen" .) (not $b.evaluate.enabled) }}
    {{- fail "burgee.extraArgs: set `burgee.evaluate.enabled` instead of `--evaluate-listen`, so that the Service and the NetworkPolicy know of the port." }}
    {{- end }}
    - {{ . | quote }}
    {{- end }}
  env:
    {{- include "burgee-lib.env" . | nindent 4 }}
  ports:
    {{- include "burgee-lib.ports" . | nindent 4 }}
  {{- include "burgee-lib.probes" . | nindent 2 }}
  lifecycle:
    {{- include "burgee-lib.lifecycle" . | nindent 4 }}
  resources:
    {{- toYaml $b.resources | nindent 4 }}
  securityContext:
    {{- include "burgee-lib.securityContext" . | nindent 4 }}
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
    - name: burgee-toggles
      mountPath: /etc/burgee/toggles
      readOnly: true
    {{- with $b.volumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* Who the pod is, for the log and as attributes (`env.POD_NAME`). */}}
{{- define "burgee-lib.env" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
{{- range $name, $label := $b.labelEnv }}
- name: {{ $name }}
  valueFrom:
    fieldRef:
      fieldPath: metadata.labels['{{ $label }}']
{{- end }}
{{- with $b.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The traffic port, under the name that Services ask for, and the admin port. The loopback API has none on purpose. */}}
{{- define "burgee-lib.ports" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
- name: {{ $b.portName }}
  containerPort: 3524
  protocol: TCP
- name: burgee-admin
  containerPort: 3525
  protocol: TCP
{{- if $b.evaluate.enabled }}
- name: burgee-evaluate
  containerPort: 3527
  protocol: TCP
{{- end }}
{{- end -}}

{{/* None of these asks the application: it starts after a native sidecar, so a probe that waited for it would never end. */}}
{{- define "burgee-lib.probes" -}}
startupProbe:
  httpGet:
    path: /health
    port: burgee-admin
  periodSeconds: 1
  failureThreshold: 30
readinessProbe:
  httpGet:
    path: /ready
    port: burgee-admin
  periodSeconds: 5
livenessProbe:
  httpGet:
    path: /health
    port: burgee-admin
  periodSeconds: 10
{{- end -}}

{{/* The `readinessProbe` of an application's container that has none: burgee connects to it, so it may listen on 127.0.0.1 only. */}}
{{- define "burgee-lib.appReadiness" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- if hasKey $b.probes "app" -}}
readinessProbe:
  httpGet:
    path: /probe/app
    port: 3525
  periodSeconds: 2
{{- end -}}
{{- end -}}

{{/* What Pod Security "restricted" asks for, and a read-only root. */}}
{{- define "burgee-lib.securityContext" -}}
allowPrivilegeEscalation: false
capabilities:
  drop:
    - ALL
readOnlyRootFilesystem: true
runAsGroup: 65532
runAsNonRoot: true
runAsUser: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}
