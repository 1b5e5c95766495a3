//! Turns `tollgate/v1/*.proto` into Rust without a system `protoc`: protox parses, tonic-prost-build writes.

use prost::Message;
use std::{env, error::Error, fs, path::PathBuf};

const FILES: [&str; 2] = ["tollgate/v1/policy.proto", "tollgate/v1/admin.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let descriptors = protox::compile(FILES, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("tollgate.descriptor.bin"), descriptors.encode_to_vec())?;
    // No transport constructors: theirs is called `connect`, as our first stage is.
    // `Bytes` instead of `Vec<u8>`: addresses are slices of the request's buffer, not copies.
    let builder = tonic_prost_build::configure().build_transport(false).bytes(".");
    // What shares a oneof is small (clippy::large_enum_variant).
    builder.boxed(".tollgate.v1.LookupReply.part").compile_fds(descriptors)?;
    println!("cargo:rerun-if-changed=tollgate");
    Ok(())
}
