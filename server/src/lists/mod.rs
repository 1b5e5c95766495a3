//! Which forms do lists take? Readers for qmail's control files, networks, and cdb; each turns bytes into a matcher.
