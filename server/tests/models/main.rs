//! Do checks that remember do what a naive account of all that happened says? Thousands of random events against the
//! engine, with a clock that is moved by hand.

#![allow(clippy::expect_used, reason = "a test program: what cannot be built is a failure")]

mod greylist;
mod rate;
mod world;
