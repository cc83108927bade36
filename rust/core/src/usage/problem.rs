//! What can be wrong with a usage that a provider reported.

use std::fmt;

/// Why a reported usage should not be trusted as it stands; the later, the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UsageProblem {
    /// The cost that the provider reported is no amount of money; the tokens stand.
    BadCost,
    /// Input or output is missing where the other is there, and no total shows that it is nothing.
    Partial,
    /// Parts are larger than their whole, or the total is another one; the classes were clamped or the larger figure taken.
    Inconsistent,
    /// Another model took part (an advisor), whose tokens the classes leave out.
    OtherModel,
    /// The usage is no object, is too large, or is no JSON; there is no usage.
    Unreadable,
    /// A figure is negative; there is no usage.
    Negative,
    /// A figure is no integer or too large to be true; there is no usage.
    Absurd,
}

impl UsageProblem {
    /// Every problem, the mildest first.
    pub const ALL: [Self; 7] = [
        Self::BadCost,
        Self::Partial,
        Self::Inconsistent,
        Self::OtherModel,
        Self::Unreadable,
        Self::Negative,
        Self::Absurd,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadCost => "bad_cost",
            Self::Partial => "partial",
            Self::Inconsistent => "inconsistent",
            Self::OtherModel => "other_model",
            Self::Unreadable => "unreadable",
            Self::Negative => "negative",
            Self::Absurd => "absurd",
        }
    }

    /// The problem of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|problem| problem.name() == name)
    }

    /// Whether a usage is left that may be less than what was used, so that its price is a lower bound.
    pub const fn is_short(self) -> bool {
        matches!(self, Self::Partial | Self::Inconsistent | Self::OtherModel)
    }

    /// Whether no usage is left.
    pub const fn is_void(self) -> bool {
        matches!(self, Self::Unreadable | Self::Negative | Self::Absurd)
    }

    const fn says(self) -> &'static str {
        match self {
            Self::BadCost => "is no amount of money",
            Self::Partial => "is missing",
            Self::Inconsistent => "does not fit the other figures",
            Self::OtherModel => "names another model, whose tokens are left out",
            Self::Unreadable => "cannot be read",
            Self::Negative => "is negative",
            Self::Absurd => "is no number of tokens",
        }
    }
}

/// The worst that is wrong with a usage, and with which figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageFinding {
    /// What is wrong.
    pub problem: UsageProblem,
    /// Whose answer it is: the name of the extractor.
    pub extractor: &'static str,
    /// The figure as the provider calls it: a path in the usage object.
    pub field: &'static str,
}

impl fmt::Display for UsageFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in a usage of `{}` {}", self.field, self.extractor, self.problem.says())
    }
}

/// Remembers the worst finding, and of equally bad ones the first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Findings {
    pub extractor: &'static str,
    pub worst: Option<UsageFinding>,
}

impl Findings {
    pub fn note(&mut self, problem: UsageProblem, field: &'static str) {
        if self.worst.is_none_or(|worst| problem > worst.problem) {
            self.worst = Some(UsageFinding { problem, extractor: self.extractor, field });
        }
    }
}
