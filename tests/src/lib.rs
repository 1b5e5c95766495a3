//! What do the end-to-end tests stand on? Real programs on loopback, each in a scratch folder and ended by its test.
//!
//! [`gate::Gate`] puts the parts together: a client ([`smtp`], [`swaks`]) speaks to Exim under tcpserver ([`exim`]),
//! which asks `tollgated` ([`daemon`]) through libtollgate; the daemon asks unbound and rbldnsd ([`dns`]), where a test
//! wants it through a proxy that makes faults ([`dns_fault`]). Tests of a mail server's side alone have a scripted
//! daemon instead ([`fake`]). Stores that servers share are real ([`redis`], [`redis_cluster`]), where a test wants it
//! behind a slow line ([`proxy`]). Nothing leaves the machine, every wait has a bound
//! ([`wait`]), and every process is ended by its own process group ([`process`]). A test that fails keeps its folder
//! ([`scratch`]) and says where it is.

pub mod daemon;
pub mod dns;
pub mod dns_fault;
pub mod exim;
pub mod fake;
pub mod gate;
pub mod http;
pub mod mailboxes;
pub mod metrics;
pub mod ports;
pub mod preset;
pub mod process;
pub mod program;
pub mod prometheus;
pub mod proxy;
pub mod redis;
pub mod redis_cluster;
pub mod scratch;
pub mod skip;
pub mod smtp;
pub mod swaks;
pub mod wait;
