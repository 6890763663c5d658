//! The suite that every form of [`TokenBlocklist`](super::TokenBlocklist) passes.
