//! The program from outside: the real binary on temporary data folders, with real models.
//!
//! Models come from `YIZHAN_CACHE`, or the user's cache folder; `make test` pulls them. Nothing here
//! knows the program's inside: what is checked is what scripts and SDKs rely on.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

mod admin;
mod bases;
mod cli;
mod crash;
mod doctor;
mod governance;
mod provider;
mod replicas;
mod review;
mod secret;
mod serve;
mod tls;
mod traces;
