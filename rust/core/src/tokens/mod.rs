//! (room `tokens`)
