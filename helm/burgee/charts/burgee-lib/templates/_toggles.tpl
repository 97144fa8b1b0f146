{{/*
The toggles: a ConfigMap of a fixed name, and the volume that mounts it. There is no checksum annotation: burgee reads an edited
ConfigMap by itself, and a rollout would only delay it.
*/}}

{{- define "burgee-lib.togglesConfigMap" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- $b.togglesConfigMap | default (printf "%s-toggles" (include "burgee-lib.name" .)) -}}
{{- end -}}

{{/* The ConfigMap, unless an existing one is named. */}}
{{- define "burgee-lib.configMap" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- if and $b.toggles $b.togglesConfigMap -}}
{{- fail "burgee: both `toggles` and `togglesConfigMap` are set: the file is either here or in an existing ConfigMap, so leave one empty." -}}
{{- end -}}
{{- if not $b.togglesConfigMap -}}
{{- include "burgee-lib.checkToggles" $b.toggles -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "burgee-lib.togglesConfigMap" . }}
  labels:
    {{- include "burgee-lib.labels" . | nindent 4 }}
  annotations:
    # Flagger would copy the ConfigMap and roll the pods at every edit.
    flagger.app/config-tracking: disabled
data:
  {{- toYaml (dict "toggles.yaml" $b.toggles) | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* What a template can tell about a toggles file; `burgee check` knows the rest. */}}
{{- define "burgee-lib.checkToggles" -}}
{{- if not . -}}
{{- fail "burgee: there are no toggles: give the file with `--set-file toggles=toggles.yaml` (a library chart: `burgee.toggles`), or name an existing ConfigMap in `togglesConfigMap`." -}}
{{- end -}}
{{- if not (kindIs "string" .) -}}
{{- fail "burgee: `toggles` must be text, because Helm turns `on` and `off` in YAML values into booleans: write `toggles: |` with the file indented below it, or use `--set-file toggles=toggles.yaml`." -}}
{{- end -}}
{{- if gt (len .) 1048576 -}}
{{- fail "burgee: `toggles` is larger than 1 MiB, which no ConfigMap can hold: split it, a namespace a file (`moreTogglesConfigMaps`)." -}}
{{- end -}}
{{- $file := fromYaml . -}}
{{- if and (hasKey $file "Error") (not (hasKey $file "version")) -}}
{{- fail (printf "burgee: `toggles` is not YAML: %s. `burgee check` shows every problem with its place." $file.Error) -}}
{{- end -}}
{{- if hasKey $file "apiVersion" -}}
{{- fail "burgee: `toggles` is a Kubernetes object: give only the toggles file, what stands under `data`." -}}
{{- end -}}
{{- if ne (toString $file.version) "1" -}}
{{- fail "burgee: `toggles` must begin with `version: 1`, which names the contract of the file." -}}
{{- end -}}
{{- end -}}

{{/* The ConfigMap that `burgee stop` makes and writes: nobody's chart, so that nobody puts it back. */}}
{{- define "burgee-lib.stopsConfigMap" -}}
{{- printf "%s-stops" (include "burgee-lib.togglesConfigMap" .) | replace "-toggles-stops" "-stops" -}}
{{- end -}}

{{/*
An item for the pod's `volumes`. Optional: a missing ConfigMap must not keep the application from starting. The stops come last, and by
their one key: whoever may write them can neither add nor replace toggles.
*/}}
{{- define "burgee-lib.volumes" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
- name: burgee-toggles
  projected:
    sources:
      {{- range prepend ($b.moreTogglesConfigMaps | default list) (include "burgee-lib.togglesConfigMap" .) }}
      - configMap:
          name: {{ . }}
          optional: true
      {{- end }}
      - configMap:
          name: {{ include "burgee-lib.stopsConfigMap" . }}
          optional: true
          items:
            - key: stops.yaml
              path: stops.yaml
{{- end -}}
