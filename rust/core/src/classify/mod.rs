//! temp
/// x
pub struct Task;
impl Task {
    /// n
    pub const NAMES: &[&str] = &[
        "code",
        "math",
        "reasoning",
        "extraction",
        "summarization",
        "translation",
        "classification",
        "open_qa",
        "closed_qa",
        "creative_writing",
        "rewriting",
        "chat",
        "tool_use",
        "agentic",
        "planning",
        "other",
    ];
}
