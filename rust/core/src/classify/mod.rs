//! (room `classify`)
