//! (room `catalog`)
