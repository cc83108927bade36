//! What a cue word tells.

macro_rules! signals {
    ($($variant:ident $name:literal $doc:literal),+ $(,)?) => {
        /// What a cue word or phrase tells about an ask.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Signal {
            $(#[doc = $doc] $variant),+
        }

        impl Signal {
            /// Every signal, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used in the cue table.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }
    };
}

signals! {
    Translate "translate" "Asks for a translation.",
    TargetLanguage "target_language" "Names a natural language as a target (`into French`).",
    Summarize "summarize" "Asks for a summary.",
    Rewrite "rewrite" "Asks for another wording of a given text.",
    Extract "extract" "Asks for parts of a given text.",
    Classify "classify" "Asks for a label.",
    CodeVerb "code_verb" "Asks for work that is done in code (debug, refactor).",
    CodeNoun "code_noun" "Names a thing made of code (function, script, regex).",
    CodeHint "code_hint" "Names something common in talk about code, and elsewhere (array, server).",
    MathVerb "math_verb" "Asks to calculate, solve or prove.",
    MathNoun "math_noun" "Names a mathematical thing (integral, probability).",
    Latex "latex" "A LaTeX command of mathematics.",
    Quantity "quantity" "Asks for a number (`how many`).",
    Reason "reason" "Asks for an inference or an argument.",
    Puzzle "puzzle" "Words of logic puzzles.",
    Choose "choose" "Asks to choose among options.",
    WriteVerb "write_verb" "Asks to write or make something.",
    CreativeNoun "creative_noun" "Names a work of writing (poem, story).",
    MessageNoun "message_noun" "Names a working text (email, letter, blog post).",
    Roleplay "roleplay" "Asks to play a part.",
    Plan "plan" "Asks for a plan, an itinerary, a strategy.",
    QuestionWord "question_word" "A question word.",
    Explain "explain" "Asks for an explanation or a description.",
    Passage "passage" "Points at a given text (`according to the passage`).",
    TextNoun "text_noun" "Names a given text (this article).",
    Greeting "greeting" "A greeting or thanks.",
    SmallTalk "small_talk" "Talk about feelings, the day, the assistant itself.",
    ToolVerb "tool_verb" "Asks for something that takes a tool (book, remind, search the web).",
    AgentVerb "agent_verb" "Asks for work in a workspace (run the tests, open the file).",
    Brevity "brevity" "Asks for a short answer.",
    Steps "steps" "Asks for steps.",
    Constraint "constraint" "Sets a constraint (must, at most, exactly).",
    Hard "hard" "A mark of hard work (prove, optimise, design, debug).",
    Example "example" "Introduces an example (input:, output:).",
    Also "also" "Joins a further ask (also, then, additionally).",
}

impl Signal {
    /// How many signals there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Its number, from 0.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The signal of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|signal| signal.name() == name)
    }
}
