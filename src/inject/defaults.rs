//! What a sidecar gets where its pod does not say otherwise. In: the flags of `burgee inject`. Out: the values of a container.

/// What the flags say; the annotations of a pod override it.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// burgee's image
    pub image: String,
    /// the ConfigMap that holds the toggles
    pub toggles_config_map: String,
    /// what burgee does without good toggles at the start
    pub on_bad_start: String,
    /// the name of the port that burgee takes over
    pub port_name: String,
    /// the application's port, for pods in which no port has that name
    pub upstream_port: Option<u16>,
}
