//! Where in an agent's loop a request stands.

use crate::wire::{Part, Request, Role};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// How much of a text is searched for the marks of a harness, in bytes, from its start and from its end.
const MARK_BYTES: usize = 2048;

/// Calls of one turn that are remembered to find which of them failed.
const CALL_LIMIT: usize = 64;

/// What a harness writes while it only plans (Claude Code, Cline, Roo).
static PLAN_MARKS: LazyLock<[Finder<'static>; 4]> = LazyLock::new(|| {
    ["Plan mode is active", "plan mode is active", "<slug>plan</slug>", "# Current Mode\nPLAN MODE"].map(Finder::new)
});
/// What a harness tells a helper that it starts (Claude Code and those built like it).
static SUB_AGENT_MARKS: LazyLock<[Finder<'static>; 4]> =
    LazyLock::new(|| ["You are an agent for", "sub-agent", "subagent", "sub_agent"].map(Finder::new));

/// The state of an agent's loop, as the request shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own that a policy may ask for")]
pub struct Agent {
    /// Tools on offer.
    pub tools_offered: u32,
    /// Tool calls that the model made so far.
    pub tool_calls: u32,
    /// Turns that carry tool results.
    pub tool_turns: u32,
    /// Tool results that failed.
    pub tool_errors: u32,
    /// Turns of the conversation, tool turns among them.
    pub turns: u32,
    /// The last turn carries a tool's result: the model goes on with its work.
    pub in_tool_loop: bool,
    /// The last turn carries a failed result, or the last call repeats a tool whose call before had failed.
    pub retry_after_failure: bool,
    /// The harness says that only a plan is wanted (a hint: read from its wording).
    pub plan_mode: bool,
    /// The caller looks like a helper started by another agent (a hint: read from the wording of the system text).
    pub sub_agent: bool,
}

/// Whether the last turn carries a tool's result. Time: the parts of that turn.
pub fn is_in_tool_loop(request: &Request<'_>) -> bool {
    request.turns.last().is_some_and(|turn| turn.parts.iter().any(|part| matches!(part, Part::ToolResult { .. })))
}

/// The state of the agent's loop. Time: the number of parts, plus bounded looks into system text and the last turn.
pub fn agent(request: &Request<'_>) -> Agent {
    let mut agent =
        Agent { tools_offered: count(request.tools.len()), turns: count(request.turns.len()), ..Agent::default() };
    agent.in_tool_loop = is_in_tool_loop(request);
    let mut calls: Vec<(&str, &str)> = Vec::new();
    let mut failed_tool: Option<&str> = None;
    for (index, turn) in request.turns.iter().enumerate() {
        let is_last = index.saturating_add(1) == request.turns.len();
        let mut has_result = false;
        let mut has_call = false;
        for part in &turn.parts {
            match part {
                Part::ToolCall { id, name, .. } => {
                    if !has_call {
                        calls.clear();
                        agent.retry_after_failure = false;
                    }
                    has_call = true;
                    agent.tool_calls = agent.tool_calls.saturating_add(1);
                    agent.retry_after_failure |= failed_tool == Some(name.as_ref());
                    if calls.len() < CALL_LIMIT {
                        calls.push((id.as_ref(), name.as_ref()));
                    }
                }
                Part::ToolResult { id, text, is_error, .. } => {
                    if !has_result {
                        failed_tool = None;
                    }
                    has_result = true;
                    if *is_error || reads_as_failure(text) {
                        agent.tool_errors = agent.tool_errors.saturating_add(1);
                        failed_tool = calls.iter().find(|(call, _)| call == id).map(|(_, name)| *name);
                        agent.retry_after_failure |= is_last;
                    }
                }
                Part::Text(text) if is_last && turn.role == Role::User => {
                    agent.plan_mode |= has_mark(text, &*PLAN_MARKS);
                }
                _ => {}
            }
        }
        agent.tool_turns = agent.tool_turns.saturating_add(u32::from(has_result));
    }
    for text in &request.system {
        agent.plan_mode |= has_mark(text, &*PLAN_MARKS);
        agent.sub_agent |= has_mark(text, &*SUB_AGENT_MARKS);
    }
    agent
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// `OpenAI`'s dialect has no mark of failure: the usual first words of one stand in for it.
fn reads_as_failure(text: &str) -> bool {
    let start = text.trim_start().as_bytes();
    ["error:", "error ", "<tool_use_error>", "traceback (most", "exception:", "{\"error\""]
        .iter()
        .any(|mark| start.get(..mark.len()).is_some_and(|head| head.eq_ignore_ascii_case(mark.as_bytes())))
}

fn has_mark(text: &str, marks: &[Finder<'_>]) -> bool {
    let bytes = text.as_bytes();
    let head = bytes.get(..MARK_BYTES.min(bytes.len())).unwrap_or_default();
    let tail = bytes.get(bytes.len().saturating_sub(MARK_BYTES).max(head.len())..).unwrap_or_default();
    let holds = |piece: &[u8], mark: &Finder<'_>| piece.len() >= mark.needle().len() && mark.find(piece).is_some();
    marks.iter().any(|mark| holds(head, mark) || holds(tail, mark))
}
