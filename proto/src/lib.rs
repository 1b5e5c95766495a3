//! Tollgate's wire types, generated from `tollgate/v1/*.proto`; nothing is written by hand here.

#![forbid(unsafe_code)]

/// Version 1 of the protocol. The comments of the `.proto` files are its reference.
pub mod v1 {
    tonic::include_proto!("tollgate.v1");
}

/// The encoded `FileDescriptorSet` of every file, for server reflection and for the test against breaking changes.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("tollgate.descriptor");
