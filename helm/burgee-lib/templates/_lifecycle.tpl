{{/*
How a pod ends. Native: burgee drains at once, the application sleeps, ends, and burgee is the last to go: the three add up.
Plain: burgee drains while the application sleeps, and both end at the same time.
*/}}

{{/* burgee's own preStop. As a plain container its SIGTERM follows at once, so there it stays until no Service sends it anything. */}}
{{- define "burgee-lib.lifecycle" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
preStop:
  exec:
    command:
      - /burgee
      - drain
      {{- if not $b.nativeSidecar }}
      - --at-least
      - {{ int $b.lifecycle.preStopSeconds }}s
      {{- end }}
{{- end -}}

{{/* The `lifecycle` of the application's container: nothing before 1.30, which has no sleep action. */}}
{{- define "burgee-lib.appLifecycle" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- if include "burgee-lib.canSleep" . -}}
lifecycle:
  preStop:
    sleep:
      seconds: {{ int $b.lifecycle.preStopSeconds }}
{{- end -}}
{{- end -}}

{{- define "burgee-lib.canSleep" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- if and (gt (int $b.lifecycle.preStopSeconds) 0) (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) }}yes{{ end -}}
{{- end -}}

{{- define "burgee-lib.drainSeconds" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- if $b.nativeSidecar }}{{ int $b.lifecycle.drainSeconds }}{{ else }}{{ max (int $b.lifecycle.appShutdownSeconds) (int $b.lifecycle.drainSeconds) }}{{ end -}}
{{- end -}}

{{/* The pod's `terminationGracePeriodSeconds`: the sum, or what was asked for if that is enough. */}}
{{- define "burgee-lib.gracePeriod" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- $l := $b.lifecycle -}}
{{- $end := int (include "burgee-lib.drainSeconds" .) -}}
{{- if $b.nativeSidecar }}{{ $end = add $end (int $l.appShutdownSeconds) }}{{ end -}}
{{- $sum := add (int $l.preStopSeconds) $end | int -}}
{{- $asked := $l.terminationGracePeriodSeconds -}}
{{- if kindIs "invalid" $asked -}}
{{- $sum -}}
{{- else if lt (int $asked) $sum -}}
{{- fail (printf "burgee.lifecycle: terminationGracePeriodSeconds is %d, but the pod needs %d seconds to end (preStopSeconds %d, appShutdownSeconds %d, drainSeconds %d): raise it, or lower one of them." (int $asked) $sum (int $l.preStopSeconds) (int $l.appShutdownSeconds) (int $l.drainSeconds)) -}}
{{- else -}}
{{- int $asked -}}
{{- end -}}
{{- end -}}
