// open-feature/openfeature.dev: src/datasets/providers/…; burgee speaks OFREP, so that each SDK's OFREP provider is its provider
export const burgee = {
  name: "burgee",
  logo: null,
  description: "A Kubernetes sidecar that evaluates toggles of a ConfigMap, and answers OFREP beside the headers that it puts on every request.",
  href: "https://github.com/burgee/burgee#ways-to-use-it",
  vendorOfficial: true,
  technologies: ["OFREP"],
};
