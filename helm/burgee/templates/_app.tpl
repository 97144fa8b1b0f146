{{/*
What this chart decides for the library: the application's port, the toggles, and the echo application where there is no image.
`include "burgee.lib" (list . "volumes")` renders the library's template "burgee-lib.volumes" with that.
*/}}
{{- define "burgee.lib" -}}
{{- $root := index . 0 -}}
{{- $v := $root.Values -}}
{{- $given := $v.burgee -}}
{{- if or $given.toggles $given.togglesConfigMap -}}
{{- fail "burgee: in this chart the file is `toggles` (or `togglesConfigMap`), not `burgee.toggles`." -}}
{{- end -}}
{{- if not (has (int $given.upstreamPort) (list 8080 (int $v.app.port))) -}}
{{- fail "burgee: in this chart the application's port is `app.port`, not `burgee.upstreamPort`." -}}
{{- end -}}
{{- $decided := dict "upstreamPort" $v.app.port "toggles" $v.toggles "togglesConfigMap" $v.togglesConfigMap -}}
{{- if not (or $v.toggles $v.togglesConfigMap) -}}
{{- $_ := set $decided "toggles" (empty $v.app.image | ternary ($root.Files.Get "files/toggles.yaml") "version: 1\nfeatures: {}\n") -}}
{{- end -}}
{{- include (printf "burgee-lib.%s" (index . 1)) (dict
  "Values" (dict "burgee" (mergeOverwrite (deepCopy $given) $decided))
  "Release" $root.Release "Chart" $root.Chart "Capabilities" $root.Capabilities "Subcharts" $root.Subcharts) -}}
{{- end -}}

{{/* The application's container. The echo listens on loopback, where nobody goes round the sidecar. */}}
{{- define "burgee.app" -}}
{{- $app := .Values.app -}}
- name: app
  {{- if not $app.image }}
  image: {{ include "burgee.lib" (list . "image") }}
  imagePullPolicy: {{ .Values.burgee.image.pullPolicy }}
  args:
    - echo
    - --listen
    - 127.0.0.1:{{ int $app.port }}
  {{- else }}
  image: {{ $app.image }}
  imagePullPolicy: {{ $app.imagePullPolicy }}
  {{- with $app.command }}
  command:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $app.args }}
  args:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- with $app.env }}
  env:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $app.envFrom }}
  envFrom:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - name: {{ .Values.burgee.portName }}-app
      containerPort: {{ int $app.port }}
      protocol: TCP
  {{- with $app.startupProbe }}
  startupProbe:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $app.readinessProbe }}
  readinessProbe:
    {{- toYaml . | nindent 4 }}
  {{- else }}
  {{- with include "burgee.lib" (list $ "appReadiness") }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- end }}
  {{- with $app.livenessProbe }}
  livenessProbe:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "burgee.lib" (list . "appLifecycle") }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with $app.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- if not $app.image }}
    {{- include "burgee.lib" (list . "securityContext") | nindent 4 }}
    {{- else }}
    {{- toYaml $app.securityContext | nindent 4 }}
    {{- end }}
  {{- with $app.volumeMounts }}
  volumeMounts:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Labels as kubectl's `-l` takes them. */}}
{{- define "burgee.selector" -}}
{{- $parts := list -}}
{{- range $key, $value := . }}{{ $parts = append $parts (printf "%s=%s" $key $value) }}{{ end -}}
{{- join "," $parts -}}
{{- end -}}

{{- define "burgee.serviceAccount" -}}
{{- .Values.serviceAccountName | default (.Values.serviceAccount.create | ternary (include "burgee.lib" (list . "name")) "") -}}
{{- end -}}

{{- define "burgee.progressDeadline" -}}
{{- $deadline := include "burgee.lib" (list . "progressDeadline") | int -}}
{{- if ge (int .Values.minReadySeconds) $deadline -}}
{{- fail (printf "burgee: minReadySeconds is %d, but a rollout has failed after %d seconds (burgee.progressDeadlineSeconds): lower the one, or raise the other." (int .Values.minReadySeconds) $deadline) -}}
{{- end -}}
{{- $deadline -}}
{{- end -}}
