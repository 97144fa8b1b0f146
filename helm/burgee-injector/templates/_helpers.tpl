{{- define "burgee-injector.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "burgee-injector.image" -}}
{{- $i := .Values.image -}}
{{- if $i.digest }}{{ printf "%s@%s" $i.repository $i.digest }}{{ else }}{{ printf "%s:%s" $i.repository ($i.tag | default .Chart.AppVersion) }}{{ end -}}
{{- end -}}

{{/* Called once, by the policy. v1 came with 1.36; an offline renderer may know of it for an older cluster, so both are asked. */}}
{{- define "burgee-injector.requirePolicyAPI" -}}
{{- if not (and (.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy") (semverCompare ">=1.36.0-0" .Capabilities.KubeVersion.Version)) -}}
{{- fail (printf "burgee-injector needs MutatingAdmissionPolicy (admissionregistration.k8s.io/v1), which Kubernetes has from 1.36 on; this cluster is %s and does not offer it. Put burgee in without it: include the library chart helm/burgee-lib in your chart, install your image with helm/burgee, or pipe your YAML through `burgee inject`. (Rendering offline for a newer cluster? Add --kube-version 1.36.0 --api-versions admissionregistration.k8s.io/v1/MutatingAdmissionPolicy.)" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- end -}}
