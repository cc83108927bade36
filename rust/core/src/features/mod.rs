//! (room `features`)
