//! (room `text`)
