//! The room as a whole: what a fit promises, on made-up traffic whose truth is known.

use super::*;

/// Traffic where the weak model fails on `law` and on prompts that speak of `integrals`, and is as good as the strong one
/// elsewhere. The grades hang on the number alone, so that the fit is the same each time.
struct Traffic {
    prompts: Vec<String>,
    categories: Vec<&'static str>,
    grades: Vec<(f64, f64)>,
}

const FILLERS: [&str; 8] = ["please", "quickly", "in short", "for a child", "today", "again", "with care", "as a list"];

impl Traffic {
    fn new(rows: u64) -> Self {
        let mut traffic = Self { prompts: Vec::new(), categories: Vec::new(), grades: Vec::new() };
        for row in 0..rows {
            let roll = |salt: u64| usize::try_from(crate::hash::mix64(row, salt) >> 33).unwrap();
            let category = ["law", "chat", "shop"][roll(1) % 3];
            let is_hard_text = roll(2) % 2 == 0;
            let topic = if is_hard_text { "integrals of functions" } else { "colours of flowers" };
            traffic.prompts.push(format!(
                "explain {} the {topic} number {row} {}",
                FILLERS[roll(3) % 8],
                FILLERS[roll(4) % 8]
            ));
            traffic.categories.push(category);
            let fails = [0.1, 0.4, 0.4, 0.8][usize::from(category == "law") + 2 * usize::from(is_hard_text)];
            let share = |salt| (roll(salt) % 1_000) as f64 / 1_000.0;
            traffic.grades.push((f64::from(u8::from(share(5) < 0.9)), f64::from(u8::from(share(6) >= fails))));
        }
        traffic
    }

    fn outcomes(&self, with_categories: bool) -> Vec<Outcome<'_>> {
        self.prompts
            .iter()
            .zip(&self.categories)
            .zip(&self.grades)
            .map(|((prompt, category), grades)| Outcome {
                prompt,
                category: with_categories.then_some(*category),
                group: None,
                source: Some("made-up"),
                scores: vec![("strong", grades.0), ("weak", grades.1)],
            })
            .collect()
    }
}

fn fitted(traffic: &Traffic, with_categories: bool) -> QualityModel {
    fit(&traffic.outcomes(with_categories), &FitOptions { date: "2026-12-01".to_owned() }).unwrap()
}

/// The curve of a model over other rows than it was fitted on.
fn fresh(model: &QualityModel, traffic: &Traffic, with_categories: bool) -> Curve {
    let route = model.route("strong", "weak").unwrap();
    let rows: Vec<_> = traffic
        .outcomes(with_categories)
        .iter()
        .map(|row| {
            let prediction = model.predict(&TextVector::of_text(row.prompt), row.category);
            (route.score(&prediction), row.scores[0].1, row.scores[1].1)
        })
        .collect();
    curve(&rows)
}

#[test]
fn text_and_category_are_both_learned_and_the_report_says_what_fresh_rows_say() {
    let (traffic, other) = halves(&Traffic::new(1_800));
    let told = fitted(&traffic, true);
    let plain = fitted(&traffic, false);
    let (with, without) = (fresh(&told, &other, true).apgr, fresh(&plain, &other, false).apgr);
    assert!(with > 0.68 && without > 0.58 && with > without + 0.04, "{with} {without}");
    let report = told.route("strong", "weak").unwrap().curve();
    assert!((report.apgr - with).abs() < 3.0 * report.apgr_error + 0.02, "{} {with}", report.apgr);
    assert!(told.has_skill(1), "{:?}", told.models[1]);
}

/// Every other row, and the rest: two samples of the same traffic.
fn halves(traffic: &Traffic) -> (Traffic, Traffic) {
    let of = |from: usize| {
        let kept = |at: &usize| at % 2 == from;
        let rows = || (0..traffic.prompts.len()).filter(kept);
        Traffic {
            prompts: rows().map(|at| traffic.prompts[at].clone()).collect(),
            categories: rows().map(|at| traffic.categories[at]).collect(),
            grades: rows().map(|at| traffic.grades[at]).collect(),
        }
    };
    (of(0), of(1))
}

#[test]
fn shuffled_grades_have_no_skill_and_are_near_chance() {
    let mut traffic = Traffic::new(900);
    traffic.grades = (0..900)
        .map(|row| {
            let share = |salt| (crate::hash::mix64(row, salt) % 1_000) as f64 / 1_000.0;
            (f64::from(u8::from(share(77) < 0.9)), f64::from(u8::from(share(78) < 0.6)))
        })
        .collect();
    let model = fitted(&traffic, true);
    let found = model.route("strong", "weak").unwrap().curve();
    assert!((found.apgr - 0.5).abs() < 2.5 * found.apgr_error, "{found:?}");
    for each in &model.models {
        assert!(each.brier < each.brier_constant + 0.002, "{each:?}");
    }
    let report = model.report(None, None).unwrap();
    assert!(report.sentence().contains("not surely better"), "{}", report.sentence());
}

#[test]
fn a_share_that_is_asked_for_is_what_comes() {
    let (seen, fresh) = halves(&Traffic::new(3_000));
    let model = fitted(&seen, true);
    let route = model.route("strong", "weak").unwrap();
    for tenth in 1..10 {
        let share = f64::from(tenth) / 10.0;
        let threshold = route.threshold(share).unwrap();
        let sent = fresh
            .outcomes(true)
            .iter()
            .filter(|row| route.score(&model.predict(&TextVector::of_text(row.prompt), row.category)) >= threshold)
            .count();
        let found = sent as f64 / 1_500.0;
        assert!((found - share).abs() < 0.05, "asked {share}, got {found}");
    }
    assert!(route.threshold(0.0).unwrap().is_infinite() && route.threshold(1.1).is_err());
}

#[test]
fn an_artefact_comes_back_as_it_was_and_refuses_every_change() {
    let model = fitted(&Traffic::new(120), true);
    let bytes = model.to_bytes();
    let back = QualityModel::from_bytes(&bytes).unwrap();
    assert_eq!(back, model);
    assert_eq!(back.to_bytes(), bytes);
    for at in (0..bytes.len()).step_by(997) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(QualityModel::from_bytes(&changed).unwrap_err().code, "bad-artefact");
        assert_eq!(QualityModel::from_bytes(&bytes[..at]).unwrap_err().code, "bad-artefact");
    }
}

#[test]
fn a_fit_is_the_same_each_time_and_says_the_same_whatever_the_case() {
    let traffic = Traffic::new(200);
    let model = fitted(&traffic, true);
    assert_eq!(model.hash(), fitted(&traffic, true).hash());
    for row in traffic.outcomes(true).iter().take(40) {
        let plain = model.predict(&TextVector::of_text(row.prompt), row.category);
        let shouted = format!("  {}?! ", row.prompt.to_uppercase().replace(' ', "\n "));
        let category = row.category.map(str::to_uppercase);
        assert_eq!(model.predict(&TextVector::of_text(&shouted), category.as_deref()), plain);
    }
}

#[test]
fn what_is_not_known_goes_by_what_is() {
    let model = fitted(&Traffic::new(300), true);
    let basis = |text: &str, category: Option<&str>| model.predict(&TextVector::of_text(text), category).basis;
    assert_eq!(basis("explain the colours", Some("law")), Basis::Category);
    assert_eq!(basis("explain the colours", Some("never seen")), Basis::Text);
    assert_eq!(basis("explain the colours", None), Basis::Text);
    assert_eq!(basis("", Some("law")), Basis::Category);
    assert_eq!(basis("?!", None), Basis::Nothing);
    let mean = model.predict(&TextVector::of_text(""), None);
    assert!((mean.grades[0] - f64::from(model.models[0].mean)).abs() < 1e-6);
    assert_eq!(model.model("opus").unwrap_err().code, "unknown-quality-model");
}

#[test]
fn any_number_of_models_with_grades_missing() {
    let traffic = Traffic::new(120);
    for count in [1_usize, 3, 7] {
        let names: Vec<String> = (0..count).map(|at| format!("m{at}")).collect();
        let outcomes: Vec<Outcome<'_>> = traffic
            .outcomes(true)
            .into_iter()
            .enumerate()
            .map(|(row, outcome)| Outcome {
                scores: names
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| *at == 0 || (row + at) % 4 != 0)
                    .map(|(at, name)| {
                        (name.as_str(), if at % 2 == 0 { outcome.scores[0].1 } else { outcome.scores[1].1 })
                    })
                    .collect(),
                ..outcome
            })
            .collect();
        let model = fit(&outcomes, &FitOptions::default()).unwrap();
        assert_eq!(model.models().len(), count);
        let report = model.report(None, None).unwrap();
        assert!(!report.to_text().is_empty() && crate::json::Value::parse(report.to_json().as_bytes()).is_ok());
        let prediction = model.predict(&TextVector::of_text("explain"), Some("law"));
        assert!(prediction.probabilities.iter().all(|share| (0.0..=1.0).contains(share)), "{prediction:?}");
    }
}

#[test]
fn too_few_rows_are_refused() {
    let traffic = Traffic::new(19);
    let error = fit(&traffic.outcomes(true), &FitOptions::default()).unwrap_err();
    assert_eq!(error.code, "too-few-outcomes");
    assert!(error.to_string().contains("19"), "{error}");
}

#[test]
fn the_picture_is_drawn_and_names_are_escaped() {
    let traffic = Traffic::new(60);
    let outcomes: Vec<Outcome<'_>> = traffic
        .outcomes(false)
        .into_iter()
        .map(|outcome| Outcome {
            scores: vec![("<b>&", outcome.scores[0].1), ("weak", outcome.scores[1].1)],
            ..outcome
        })
        .collect();
    let model = fit(&outcomes, &FitOptions::default()).unwrap();
    let svg = model.report(Some("<b>&"), Some("weak")).unwrap().to_svg();
    assert!(
        svg.starts_with("<svg") && svg.ends_with("</svg>") && svg.contains("&lt;b&gt;&amp;") && !svg.contains("<b>")
    );
}
