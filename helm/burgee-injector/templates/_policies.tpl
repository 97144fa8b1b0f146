{{/*
What the two policies share: which pods they are asked about, what a pod's annotations and the settings say, and what is wrong with them.
*/}}

{{- define "burgee-injector.matched" -}}
matchPolicy: Equivalent
{{- with .Values.excludedNamespaces }}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values:
        {{- toYaml . | nindent 8 }}
{{- end }}
objectSelector:
  matchLabels:
    burgee.dev/inject: "true"
resourceRules:
  - apiGroups: [""]
    apiVersions: ["v1"]
    operations: ["CREATE"]
    resources: ["pods"]
{{- end -}}

{{/* `requests/cpu` is the annotation burgee.dev/cpu-request. */}}
{{- define "burgee-injector.amount" -}}
{{- $words := splitList "/" . -}}
burgee.dev/{{ index $words 1 }}-{{ index $words 0 | trimSuffix "s" }}
{{- end -}}

{{/* None of these can fail: a pod with a mistake gets a sentence of `mistake`, the same as `burgee inject` says. */}}
{{- define "burgee-injector.variables" -}}
- name: annotations
  expression: object.metadata.?annotations.orValue({})
- name: image
  expression: params.?data["image"].orValue({{ include "burgee-injector.image" . | toJson }})
- name: configMap
  expression: >-
    variables.annotations[?"burgee.dev/toggles-configmap"].orValue(
      params.?data["togglesConfigMap"].orValue({{ .Values.togglesConfigMap | toJson }}))
- name: onBadStart
  expression: >-
    variables.annotations[?"burgee.dev/on-bad-start"].orValue(
      params.?data["onBadStart"].orValue({{ .Values.onBadStart | toJson }}))
- name: portName
  expression: >-
    variables.annotations[?"burgee.dev/take-port"].orValue(
      params.?data["portName"].orValue({{ .Values.portName | toJson }}))
- name: appPorts
  expression: >-
    object.spec.containers.map(c, c.?ports.orValue([])
      .filter(p, p.?name.orValue("") == variables.portName)
      .map(p, string(p.containerPort))).flatten()
- name: upstreamPort
  expression: >-
    variables.annotations[?"burgee.dev/upstream-port"].orValue(size(variables.appPorts) > 0 ? variables.appPorts[0] : "")
- name: amounts
  expression: >-
    [{{ range $number, $amount := list "requests/cpu" "requests/memory" "limits/cpu" "limits/memory" }}{{ if $number }}, {{ end }}
    {{- include "burgee-injector.amount" $amount | toJson }}{{ end }}].filter(a, a in variables.annotations
      && !variables.annotations[a].matches("^[0-9]+([.][0-9]+)?(m|k|M|G|Ki|Mi|Gi)?$"))
- name: mistake
  expression: >-
    !variables.portName.matches("^[a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?$")
      ? "the port name `" + variables.portName + "` must be 1 to 11 lower-case letters, digits and `-`, because `-app` is added to it"
    : !variables.configMap.matches("^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")
      ? "the annotation burgee.dev/toggles-configmap is `" + variables.configMap + "`, which is not the name of a ConfigMap"
    : !variables.onBadStart.matches("^(refuse|forward|unready(:[0-9]{1,9}(ms|s|m|h))?)$")
      ? "the annotation burgee.dev/on-bad-start is `" + variables.onBadStart + "`: write `refuse`, `forward`, `unready` or `unready:15m`"
    : size(variables.amounts) > 0
      ? "the annotation " + variables.amounts[0] + " is `" + variables.annotations[variables.amounts[0]] + "`, which is not an amount: write `20m` or `32Mi`"
    : (object.spec.?initContainers.orValue([]) + object.spec.containers).exists(c, c.name == "burgee")
      ? ""
    : variables.upstreamPort == ""
      ? "no container port is named " + variables.portName + ": give the application's port that name, or set the annotation burgee.dev/upstream-port"
    : !variables.upstreamPort.matches("^[1-9][0-9]{0,4}$") || int(variables.upstreamPort) > 65535
      ? "the annotation burgee.dev/upstream-port is `" + variables.upstreamPort + "`, which is not a port"
    : ""
{{- end -}}

{{- define "burgee-injector.params" -}}
name: burgee-injector
{{- if not .Values.perNamespace }}
namespace: {{ .Release.Namespace }}
{{- end }}
parameterNotFoundAction: Deny
{{- end -}}
