{{/*
How a pod starts badly, and how it ends. Native: burgee drains at once, the application sleeps, ends, and burgee is the last to go: the three add up.
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

{{/*
A Deployment's `progressDeadlineSeconds`. A pod that started with a bad file is Ready after the time in `onBadStart`, and the rollout would
go on: it must have failed before that.
*/}}
{{- define "burgee-lib.progressDeadline" -}}
{{- $b := .Values.burgee | default (index .Values "burgee-lib") -}}
{{- $asked := $b.progressDeadlineSeconds -}}
{{- $seconds := 0 -}}
{{- if hasPrefix "unready:" $b.onBadStart -}}
{{- $time := trimPrefix "unready:" $b.onBadStart -}}
{{- $unit := regexFind "[a-z]+$" $time -}}
{{- $seconds = div (mul (trimSuffix $unit $time | int) (get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) $unit)) 1000 | int -}}
{{- end -}}
{{- if not (hasPrefix "unready:" $b.onBadStart) -}}
{{- $asked | default 600 | int -}}
{{- else if kindIs "invalid" $asked -}}
{{- min 600 (max 1 (div (mul 2 $seconds) 3)) -}}
{{- else if ge (int $asked) $seconds -}}
{{- fail (printf "burgee.progressDeadlineSeconds is %d, but a pod that started with a bad file becomes Ready after %d seconds (onBadStart), and the rollout would go on: lower it, or raise the time in onBadStart." (int $asked) $seconds) -}}
{{- else -}}
{{- int $asked -}}
{{- end -}}
{{- end -}}
