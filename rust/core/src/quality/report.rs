//! What an artefact is worth, on rows that it did not see: for people, for machines, as a picture.

use std::fmt::Write as _;

use super::error::QualityError;
use super::measures::Curve;
use super::model::{ModelFacts, QualityModel};
use crate::json::ObjectWriter;

/// A standard error covers the truth two times of three; this many cover it nineteen times of twenty.
const SURE: f64 = 1.96;
/// The share of calls that the sentence for people speaks of, in tenths.
const SPOKEN_TENTH: usize = 3;

/// The report of an artefact, with a pair of models in view.
#[derive(Debug, Clone, PartialEq)]
pub struct Report<'q> {
    pub(super) model: &'q QualityModel,
    pub(super) strong: String,
    pub(super) weak: String,
    pub(super) curve: Curve,
}

impl QualityModel {
    /// The report on a pair of models; without names on the best and the worst of them.
    ///
    /// # Errors
    /// `unknown-quality-model`.
    pub fn report(&self, strong: Option<&str>, weak: Option<&str>) -> Result<Report<'_>, QualityError> {
        let by = |order: fn(f32, f32) -> bool, other_than: Option<&str>| {
            let models = self.models.iter().filter(|model| Some(model.name.as_str()) != other_than);
            let best = models.reduce(|best, model| if order(model.mean, best.mean) { model } else { best });
            best.map(|model| model.name.clone()).unwrap_or_default()
        };
        let strong = strong.map_or_else(|| by(|one, best| one > best, weak), ToOwned::to_owned);
        let weak = weak.map_or_else(
            || if self.models.len() > 1 { by(|one, best| one < best, Some(&strong)) } else { strong.clone() },
            ToOwned::to_owned,
        );
        let curve = self.route(&strong, &weak)?.curve();
        Ok(Report { model: self, strong, weak, curve })
    }
}

impl Report<'_> {
    /// The one sentence that a person needs.
    pub fn sentence(&self) -> String {
        let curve = &self.curve;
        if self.strong == self.weak {
            return format!("there is one model only, `{}`: nothing to choose between", self.strong);
        }
        let gap = curve.strong - curve.weak;
        let Some((kept, error)) = curve.kept.get(SPOKEN_TENTH - 1).copied() else {
            return format!(
                "`{}` and `{}` are equally good on these rows: take the cheaper one",
                self.strong, self.weak
            );
        };
        if gap < 0.0 {
            return format!(
                "`{}` is not the stronger one here ({:.3} against {:.3} of `{}`)",
                self.strong, curve.strong, curve.weak, self.weak
            );
        }
        let margin = SURE * error;
        let spoken = SPOKEN_TENTH * 10;
        let without = if curve.apgr - SURE * curve.apgr_error <= 0.5 {
            "; that is not surely better than sending prompts at random"
        } else {
            ""
        };
        format!(
            "at {spoken}% of calls to `{}` you keep {:.0}% of its advantage over `{}`, plus or minus {:.0}% \
             ({spoken}% at random){without}",
            self.strong,
            kept * 100.0,
            self.weak,
            margin * 100.0
        )
    }

    /// The report as lines of text.
    pub fn to_text(&self) -> String {
        let model = self.model;
        let curve = &self.curve;
        let mut out = String::new();
        let mut line = |text: String| {
            out.push_str(&text);
            out.push('\n');
        };
        line(format!("{}.", self.sentence()));
        line(String::new());
        line(format!(
            "fitted {} on {} rows; every figure below is of rows that its fit did not see",
            if model.date.is_empty() { "on an unknown day" } else { &model.date },
            model.rows
        ));
        for (name, rows) in &model.sources {
            line(format!("  source {name}: {rows} rows"));
        }
        line(format!("artefact {}", model.hash));
        line(String::new());
        line(format!(
            "{} ({:.3}) against {} ({:.3}), {} rows",
            self.strong, curve.strong, self.weak, curve.weak, curve.rows
        ));
        line(format!("  area (APGR)  {:.3} ± {:.3}   chance 0.500", curve.apgr, SURE * curve.apgr_error));
        line(format!("  calls to keep half of the advantage (CPT50)         {:>5.1}%", curve.cpt50 * 100.0));
        line(format!("  calls to keep four fifths of the advantage (CPT80)  {:>5.1}%", curve.cpt80 * 100.0));
        line("  calls to the strong model  advantage kept".to_owned());
        for (tenth, (kept, error)) in (1..).zip(&curve.kept) {
            line(format!("  {:>24}%  {:>5.1}% ± {:.1}", tenth * 10, kept * 100.0, SURE * error * 100.0));
        }
        line(String::new());
        line("model                             rows   mean  range of quality  Brier   constant".to_owned());
        for each in &model.models {
            let (low, high) = each.calibration.range();
            let skill = if each.has_skill() { "" } else { "   no skill: its mean is as good as any guess" };
            line(format!(
                "{:<32} {:>6}  {:.3}  {low:.3} to {high:.3}     {:.4}  {:.4}{skill}",
                each.name, each.rows, each.mean, each.brier, each.brier_constant
            ));
        }
        line(String::new());
        line(format!(
            "coverage: {:.1}% of rows have a category ({} known), {:.1}% go by the text alone, {:.1}% have no word to go by \
             and get the mean",
            self.share(model.rows_told) * 100.0,
            model.categories.len(),
            self.share(model.rows.saturating_sub(model.rows_told).saturating_sub(model.rows_empty)) * 100.0,
            self.share(model.rows_empty) * 100.0
        ));
        out.push_str(
            "what it says holds for traffic like these sources; on other traffic it is a tie-breaker at best\n",
        );
        out
    }

    fn share(&self, rows: u64) -> f64 {
        rows as f64 / self.model.rows.max(1) as f64
    }

    /// The report as JSON.
    pub fn to_json(&self) -> String {
        let model = self.model;
        let curve = &self.curve;
        let mut out = String::new();
        let mut object = ObjectWriter::new(&mut out);
        object.string("sentence", &self.sentence()).string("date", &model.date).string("hash", &model.hash);
        object.raw("rows", model.rows);
        object.object("sources", |object| {
            for (name, rows) in &model.sources {
                object.raw(name, rows);
            }
        });
        object.object("pair", |object| {
            object.string("strong", &self.strong).string("weak", &self.weak).raw("rows", curve.rows);
            object.raw("strong_mean", number(curve.strong)).raw("weak_mean", number(curve.weak));
            object.raw("apgr", number(curve.apgr)).raw("apgr_error", number(curve.apgr_error));
            object.raw("cpt50", number(curve.cpt50)).raw("cpt80", number(curve.cpt80));
            object.array("kept", |array| {
                for (tenth, (kept, error)) in (1..).zip(&curve.kept) {
                    array.object(|object| {
                        object.raw("share", f64::from(tenth) / 10.0);
                        object.raw("kept", number(*kept)).raw("error", number(*error));
                    });
                }
            });
        });
        object.array("models", |array| {
            for each in &model.models {
                array.object(|object| model_json(each, object));
            }
        });
        object.object("coverage", |object| {
            object.raw("rows", model.rows).raw("with_category", model.rows_told).raw("abstained", model.rows_empty);
            object.raw("categories", model.categories.len());
        });
        object.end();
        out
    }
}

fn model_json(each: &ModelFacts, object: &mut ObjectWriter<'_>) {
    let (low, high) = each.calibration.range();
    object.string("name", &each.name).raw("rows", each.rows).raw("mean", each.mean);
    object.raw("lowest", number(low)).raw("highest", number(high));
    object.raw("brier", number(f64::from(each.brier))).raw("brier_constant", number(f64::from(each.brier_constant)));
    object.raw("has_skill", each.has_skill());
    object.array("calibration", |array| {
        for (share, grade, rows) in &each.reliability {
            array.object(|object| {
                object.raw("predicted", share).raw("observed", grade).raw("rows", rows);
            });
        }
    });
}

/// A number as JSON has it.
fn number(value: f64) -> String {
    if value.is_finite() {
        let mut out = String::new();
        let _ = write!(out, "{value:.6}");
        out
    } else {
        "null".to_owned()
    }
}
