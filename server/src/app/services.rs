//! What does the policy socket serve besides the policy? Health (grpc.health.v1) and reflection.

use crate::rpc::Gate;
use tollgate_proto::{FILE_DESCRIPTOR_SET, v1::policy_server::PolicyServer};
use tonic::{server::NamedService, service::Routes};
use tonic_health::server::{HealthReporter, health_reporter};
use tonic_reflection::server::Builder;

/// Both services, and the hand that sets the health.
pub(super) fn other() -> Result<(HealthReporter, Routes), String> {
    let (reporter, health) = health_reporter();
    let configured = || {
        Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name(<PolicyServer<Gate> as NamedService>::NAME)
            .with_service_name("grpc.health.v1.Health")
    };
    let reflection = configured().build_v1().map_err(|error| error.to_string())?;
    // grpcurl and others ask for the older name first.
    let reflection_alpha = configured().build_v1alpha().map_err(|error| error.to_string())?;
    let routes = Routes::new(health).add_service(reflection).add_service(reflection_alpha).prepare();
    Ok((reporter, routes))
}
