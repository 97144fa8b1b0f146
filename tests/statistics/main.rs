//! The statistics of assignment, measured on toggles files as people write them, and held to limits that can fail.
//! Everything is a fixed function of fixed ids, so the figures repeat to the last digit: `make statistics` prints
//! the table, and a test keeps the README beside this file equal to it (UPDATE=1 rewrites).
#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub)] // a test says what it expects

mod comparison;
mod independence;
mod moves;
mod numbers;
mod report;
mod shares;
mod table;
mod world;
