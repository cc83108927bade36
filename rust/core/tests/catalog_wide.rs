//! The wide part: it is read, it fits, and look-ups prefer the curated rows.
#![allow(clippy::unwrap_used, reason = "tests: a panic is a failure")]

use turnout_core::catalog::{Catalog, Origin, Status};

const MODELS: &[u8] = include_bytes!("../data/catalog/models.jsonl");
const PROVIDERS: &[u8] = include_bytes!("../data/catalog/providers.jsonl");
const WIDE: &[u8] = include_bytes!("../data/catalog/wide.bin");

/// The bound on the whole catalogue in the wheel.
const MAX_COMPRESSED_BYTES: usize = 150_000;

#[test]
fn the_whole_catalogue_is_small_in_the_wheel() {
    // The wheel deflates at level 6 at least; the wide part is deflated already.
    let deflated = |bytes: &[u8]| miniz_oxide::deflate::compress_to_vec(bytes, 6).len();
    let size = deflated(MODELS) + deflated(PROVIDERS) + WIDE.len();
    assert!(size <= MAX_COMPRESSED_BYTES, "{size} bytes");
}

#[test]
fn every_row_is_read_and_found_by_each_of_its_names() {
    let catalog = Catalog::bundled();
    let rows = catalog.rows();
    assert!(rows.len() > 2200, "{}", rows.len());
    assert_eq!(rows.iter().filter(|row| row.origin() == Origin::Bundled).count(), catalog.models().len());
    for row in rows {
        let model = row.model();
        for name in model.names() {
            let found = catalog.resolve(&format!("{}/{name}", model.provider)).unwrap();
            assert_eq!(found.model, model, "{name}");
            assert_eq!((found.origin, found.is_alias), (row.origin(), name != model.id), "{name}");
        }
    }
    let mut providers: Vec<&str> = catalog.rows().iter().map(|row| row.model().provider.as_str()).collect();
    providers.dedup();
    assert!(providers.len() >= 49, "{}", providers.len());
}

#[test]
fn a_bare_name_means_the_curated_model() {
    let catalog = Catalog::bundled();
    for model in catalog.models() {
        for name in model.names() {
            match catalog.resolve(name) {
                Ok(found) => assert_eq!(found.origin, Origin::Bundled, "{name}"),
                Err(error) => assert_eq!(error.code, "ambiguous-model", "{name}"),
            }
        }
    }
}

#[test]
fn a_name_that_many_hosts_sell_is_shown_with_a_few_of_them() {
    let catalog = Catalog::bundled();
    let mut names: Vec<(usize, String)> = Vec::new();
    for row in catalog.rows() {
        let error = catalog.resolve(&row.model().id).err().filter(|error| error.code == "ambiguous-model");
        names.extend(error.map(|error| (error.hint.unwrap().matches('`').count() / 2, row.model().id.clone())));
    }
    assert!(names.iter().all(|(shown, _)| (2..=6).contains(shown)), "{names:?}");
    let (_, id) = names.iter().max().unwrap();
    let error = catalog.resolve(id).unwrap_err();
    assert_eq!(error.code, "ambiguous-model");
    assert!(error.hint.unwrap().ends_with(" more"), "{id}");
}

#[test]
fn a_slip_in_a_provider_s_model_is_never_a_gateway_s_model() {
    let catalog = Catalog::bundled();
    let mut seen = 0;
    for row in catalog.rows().iter().filter(|row| row.origin() == Origin::Wide) {
        let id = &row.model().id;
        if let Some((provider, _)) = catalog.split_name(id) {
            seen += 1;
            if let Ok(found) = catalog.resolve(id) {
                assert!(found.origin == Origin::Bundled || found.provider == provider, "{id}: {}", found.provider.id);
            }
        }
    }
    assert!(seen > 100, "{seen}");
    let error = catalog.resolve("anthropic/claude-haiku-5.5").unwrap_err();
    assert!(error.hint.unwrap().starts_with("did you mean `claude-haiku-5-5`"));
}

#[test]
fn a_slip_is_put_right_from_both_parts() {
    let catalog = Catalog::bundled();
    let wide =
        catalog.rows().into_iter().find(|row| row.origin() == Origin::Wide && row.model().id.len() > 12).unwrap();
    let slip = format!("{}/{}x", wide.model().provider, wide.model().id);
    let error = catalog.resolve(&slip).unwrap_err();
    assert!(error.hint.unwrap().contains(&format!("`{}`", wide.model().id)), "{slip}");
}

#[test]
fn a_sentence_tells_of_the_end_of_a_model() {
    let catalog = Catalog::bundled();
    let note = |name: &str, today| {
        let found = catalog.resolve(name).unwrap();
        catalog.note(name, found.model, today)
    };
    for name in ["claude-3-7-sonnet", "claude-3-7-sonnet-20250219-thinking"] {
        let sentence = format!("`{name}` was retired on 2026-02-19: use `anthropic/claude-sonnet-5-5`");
        assert_eq!(note(name, None).unwrap(), sentence);
    }
    assert_eq!(catalog.resolve("claude-3-7-sonnet").unwrap().status(), Status::Retired);
    assert_eq!(catalog.resolve("claude-3-7-sonnet").unwrap().replaced_by(), Some("anthropic/claude-sonnet-5-5"));
    let going = "`claude-sonnet-4-5` retires on 2026-11-30: use `anthropic/claude-sonnet-5-5`";
    assert_eq!(note("claude-sonnet-4-5", Some("2026-11-29")).unwrap(), going);
    assert!(note("claude-sonnet-4-5", Some("2026-11-30")).unwrap().contains("was retired on 2026-11-30"));
    assert_eq!(note("claude-opus-5-5", Some("2026-11-22")), None);
}
