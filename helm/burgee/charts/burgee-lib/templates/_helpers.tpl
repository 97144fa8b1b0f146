{{/*
Names, labels and versions. Every template here takes the application chart's own context (`.`) and reads
`.Values.burgee`, this library's values under the alias `burgee`.
*/}}

{{/* The name of the objects. */}}
{{- define "burgee-lib.name" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- if not $b -}}
{{- fail "burgee-lib: there are no values under `burgee`: give the dependency `alias: burgee` in Chart.yaml." -}}
{{- end -}}
{{- $b.name | default .Release.Name -}}
{{- end -}}

{{/* What selects the application's pods. */}}
{{- define "burgee-lib.selectorLabels" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- $b.selectorLabels | default (dict "app.kubernetes.io/name" .Chart.Name "app.kubernetes.io/instance" .Release.Name) | toYaml -}}
{{- end -}}

{{/* The labels of every object. */}}
{{- define "burgee-lib.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- with .Chart.AppVersion }}
app.kubernetes.io/version: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* The label of a pod that has burgee: the injector leaves it alone, and monitors select by it. */}}
{{- define "burgee-lib.podLabels" -}}
burgee.dev/injected: "true"
{{- end -}}

{{/* burgee's image: by digest where one is given. */}}
{{- define "burgee-lib.image" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- if $b.image.digest -}}
{{- printf "%s@%s" $b.image.repository $b.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $b.image.repository ($b.image.tag | default (get .Subcharts "burgee" | default (get .Subcharts "burgee-lib")).Chart.AppVersion) -}}
{{- end -}}
{{- end -}}


{{/* What a Service's `targetPort` says: the name, where Services find the named port of a native sidecar (from 1.32), else the number. */}}
{{- define "burgee-lib.targetPort" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- include "burgee-lib.named" . | empty | ternary "3524" $b.portName -}}
{{- end -}}

{{/* The same for OFREP and forward-auth, where `evaluate.enabled` is set. */}}
{{- define "burgee-lib.evaluateTargetPort" -}}
{{- include "burgee-lib.named" . | empty | ternary "3527" "burgee-evaluate" -}}
{{- end -}}

{{- define "burgee-lib.named" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- if or (not $b.nativeSidecar) (semverCompare ">=1.32.0-0" .Capabilities.KubeVersion.Version) }}yes{{ end -}}
{{- end -}}
