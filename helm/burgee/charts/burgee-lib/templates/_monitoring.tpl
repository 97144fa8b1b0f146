{{/*
What watches burgee: PodMonitor, alert rules, dashboard; and the NetworkPolicy. Each is nothing unless it is enabled.
*/}}

{{- define "burgee-lib.podMonitor" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- if $b.podMonitor.enabled -}}
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: {{ include "burgee-lib.name" . }}-burgee
  labels:
    {{- merge (include "burgee-lib.labels" . | fromYaml) $b.podMonitor.labels | toYaml | nindent 4 }}
spec:
  selector:
    matchLabels:
      {{- include "burgee-lib.selectorLabels" . | nindent 6 }}
  podMetricsEndpoints:
    - port: burgee-admin
      path: /metrics
      interval: {{ $b.podMonitor.interval }}
{{- end -}}
{{- end -}}

{{- define "burgee-lib.prometheusRule" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- if $b.prometheusRule.enabled -}}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{ include "burgee-lib.name" . }}-burgee
  labels:
    {{- merge (include "burgee-lib.labels" . | fromYaml) $b.prometheusRule.labels | toYaml | nindent 4 }}
spec:
  {{- include "burgee-lib.file" (list . "files/alerts.yaml") | nindent 2 }}
{{- end -}}
{{- end -}}

{{- define "burgee-lib.dashboard" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- if $b.dashboard.enabled -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "burgee-lib.name" . }}-burgee-dashboard
  labels:
    {{- merge (include "burgee-lib.labels" . | fromYaml) $b.dashboard.labels | toYaml | nindent 4 }}
data:
  burgee.json: |
    {{- include "burgee-lib.file" (list . "files/dashboard.json") | nindent 4 }}
{{- end -}}
{{- end -}}

{{/* A file of this library: a named template runs in the application chart, whose own `.Files` does not have it. */}}
{{- define "burgee-lib.file" -}}
{{- $root := index . 0 -}}
{{- $library := get $root.Subcharts "burgee" | default (get $root.Subcharts "burgee-lib") -}}
{{- $library.Files.Get (index . 1) | trim -}}
{{- end -}}

{{- define "burgee-lib.networkPolicy" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- if $b.networkPolicy.enabled -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "burgee-lib.name" . }}-burgee
  labels:
    {{- include "burgee-lib.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "burgee-lib.selectorLabels" . | nindent 6 }}
  policyTypes:
    - Ingress
  ingress:
    - ports:
        - port: 3524
          protocol: TCP
      {{- with $b.networkPolicy.from }}
      from:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    - ports:
        - port: 3525
          protocol: TCP
      {{- with $b.networkPolicy.monitoringFrom }}
      from:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- if $b.evaluate.enabled }}
    - ports:
        - port: 3527
          protocol: TCP
      {{- with $b.networkPolicy.evaluateFrom }}
      from:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
{{- end -}}
{{- end -}}
