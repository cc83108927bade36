//! (room `decide`)
