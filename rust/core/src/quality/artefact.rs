//! An artefact as bytes: a line that says what it is, a line of JSON that people can read, weights, and a hash over all.

use super::calibrate::Calibration;
use super::design::MAX_SLOTS;
use super::error::QualityError;
use super::guess::Guess;
use super::model::{Category, Head, ModelFacts, QualityModel, Sample};
use super::text::{COARSE, FINE, SURFACE};
use crate::json::{ObjectWriter, Value};

const MAGIC: &[u8] = b"turnout-quality 1\n";
const HASH_BYTES: usize = 32;
/// No artefact is so large: it would be a file of another kind.
const MAX_BYTES: usize = 256 << 20;
const MAX_MODELS: usize = 64;
const MAX_CATEGORIES: usize = 100_000;

impl QualityModel {
    /// The artefact's bytes: the same for the same model.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.body();
        let hash = blake3::hash(&bytes);
        bytes.extend_from_slice(hash.as_bytes());
        bytes
    }

    /// The model with the hash of its bytes.
    pub(super) fn sealed(mut self) -> Self {
        self.hash = blake3::hash(&self.body()).to_hex().to_string();
        self
    }

    fn body(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(self.header().as_bytes());
        out.push(b'\n');
        let mut write = Writer { out };
        for head in [Some(&self.plain), self.told.as_ref()].into_iter().flatten() {
            write.steps(&head.text);
            write.floats(&head.text_steps);
            write.floats(&head.lengths);
            write.floats(&head.tags);
            write.steps(&head.cross);
            write.floats(&head.cross_steps);
        }
        if let Some(guess) = &self.guess {
            write.floats(&guess.start);
            write.floats(&[guess.scale]);
            write.steps(&guess.weights);
            for tag in &guess.tags {
                write.out.extend_from_slice(&tag.to_le_bytes());
            }
        }
        for value in &self.sample.predicted {
            write.out.extend_from_slice(&value.to_le_bytes());
        }
        write.out.extend_from_slice(&self.sample.grades);
        write.out
    }

    fn header(&self) -> String {
        let mut out = String::new();
        let mut object = ObjectWriter::new(&mut out);
        object.string("date", &self.date);
        object.raw("rows", self.rows).raw("rows_told", self.rows_told).raw("rows_empty", self.rows_empty);
        object.array("sources", |array| {
            for (name, rows) in &self.sources {
                array.object(|object| {
                    object.string("name", name).raw("rows", rows);
                });
            }
        });
        object.array("models", |array| {
            for model in &self.models {
                array.object(|object| {
                    object.string("name", &model.name).raw("rows", model.rows).raw("mean", model.mean);
                    object.raw("brier", model.brier).raw("brier_constant", model.brier_constant);
                    object.raw("has_skill", model.has_skill());
                    object.raw("calibration", tuples(model.calibration.knots.iter().map(|(at, share)| [at, share])));
                    let bins = model.reliability.iter();
                    object.raw(
                        "reliability",
                        tuples(
                            bins.map(|(share, grade, rows)| [share.to_string(), grade.to_string(), rows.to_string()]),
                        ),
                    );
                });
            }
        });
        object.array("categories", |array| {
            for category in &self.categories {
                array.object(|object| {
                    object.string("name", &category.name).raw("rows", category.rows);
                    if let Some(slot) = category.slot {
                        object.raw("slot", slot);
                    }
                });
            }
        });
        object.raw("lengths", tuples(self.lengths.iter().map(|(mean, deviation)| [mean, deviation])));
        object.raw("has_categories", self.told.is_some());
        object.raw("guessed", self.guess.as_ref().map_or(0, |guess| guess.tags.len()));
        object.raw("sample", self.sample.grades.len() / self.models.len().max(1));
        object.end();
        out
    }

    /// Reads an artefact.
    ///
    /// # Errors
    /// `bad-artefact`: of another kind, cut short, changed since it was written, or from a newer version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, QualityError> {
        let Some(rest) = bytes.strip_prefix(MAGIC) else {
            let newer = bytes.starts_with(b"turnout-quality ");
            return Err(bad(if newer {
                "it was written by another version of Turnout"
            } else {
                "it is no quality artefact"
            }));
        };
        if bytes.len() > MAX_BYTES {
            return Err(bad("it is larger than any artefact is"));
        }
        let split = bytes.len().checked_sub(HASH_BYTES).and_then(|at| bytes.split_at_checked(at));
        let (body, hash) = split.ok_or_else(|| bad("it is cut short"))?;
        let found = blake3::hash(body);
        if found.as_bytes().as_slice() != hash {
            return Err(bad("its hash does not fit: it is cut short, or was changed"));
        }
        let rest = rest.get(..rest.len().saturating_sub(HASH_BYTES)).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| bad("it has no header"))?;
        let (header, weights) = rest.split_at(end);
        let header = Value::parse(header).map_err(|error| bad(&format!("its header is no JSON: {error}")))?;
        let read = Reader { rest: weights.get(1..).unwrap_or_default() };
        let mut model = from_parts(&header, read).ok_or_else(|| bad("its header and its weights do not fit"))?;
        model.hash = found.to_hex().to_string();
        Ok(model)
    }
}

fn bad(what: &str) -> QualityError {
    QualityError::new("bad-artefact", what, Some("`turnout quality fit` writes one"))
}

fn tuples<T: std::fmt::Display, const N: usize>(items: impl Iterator<Item = [T; N]>) -> String {
    let items: Vec<String> = items.map(|item| format!("[{}]", item.map(|value| value.to_string()).join(","))).collect();
    format!("[{}]", items.join(","))
}

fn from_parts(header: &Value<'_>, mut read: Reader<'_>) -> Option<QualityModel> {
    let count = |key: &str| header.get(key)?.as_u64();
    let models: Vec<ModelFacts> = header.get("models")?.items().iter().map(model).collect::<Option<_>>()?;
    let categories: Vec<Category> = header.get("categories")?.items().iter().map(category).collect::<Option<_>>()?;
    let width = models.len();
    let is_sorted = categories.windows(2).all(|pair| matches!(pair, [one, next] if one.name < next.name));
    if !(1..=MAX_MODELS).contains(&width) || categories.len() > MAX_CATEGORIES || !is_sorted {
        return None;
    }
    let slots = categories.iter().filter(|category| category.slot.is_some()).count();
    if categories.iter().any(|category| category.slot.is_some_and(|slot| usize::from(slot) >= slots)) {
        return None;
    }
    let mut lengths = [(0.0, 1.0); SURFACE];
    for (cell, pair) in lengths.iter_mut().zip(header.get("lengths")?.items()) {
        *cell = (number(pair, 0)?, Some(number(pair, 1)?).filter(|deviation| *deviation > 0.0)?);
    }
    let mut head = |tags: usize, slots: usize| {
        Some(Head {
            text: read.steps(FINE * width)?,
            text_steps: read.floats(width)?,
            lengths: read.floats(SURFACE * width)?,
            tags: read.floats(tags * width)?,
            cross: read.steps(slots * COARSE * width)?,
            cross_steps: read.floats(width)?,
        })
    };
    let plain = head(categories.len(), 0)?;
    let told = if header.get("has_categories")?.as_bool()? { Some(head(categories.len(), slots)?) } else { None };
    let guessed = usize::try_from(count("guessed")?).ok().filter(|guessed| *guessed <= MAX_SLOTS)?;
    let guess = if guessed == 0 {
        None
    } else {
        Some(Guess {
            start: read.floats(guessed)?,
            scale: read.floats(1)?.first().copied()?,
            weights: read.steps(FINE * guessed)?,
            tags: read.numbers(guessed)?.into_iter().map(u32::from_le_bytes).collect(),
        })
    };
    if guess.as_ref().is_some_and(|guess| guess.tags.iter().any(|tag| *tag as usize >= categories.len())) {
        return None;
    }
    let cells = usize::try_from(count("sample")?).ok()?.checked_mul(width)?;
    let predicted = read.numbers(cells)?.into_iter().map(i16::from_le_bytes).collect();
    let sample = Sample { predicted, grades: read.take(cells)?.to_vec() };
    read.rest.is_empty().then_some(())?;
    Some(QualityModel {
        date: header.get("date")?.as_str()?.to_owned(),
        rows: count("rows")?,
        rows_told: count("rows_told")?,
        rows_empty: count("rows_empty")?,
        sources: header
            .get("sources")?
            .items()
            .iter()
            .map(|item| Some((item.get("name")?.as_str()?.to_owned(), item.get("rows")?.as_u64()?)))
            .collect::<Option<_>>()?,
        models,
        categories,
        lengths,
        plain,
        told,
        guess,
        sample,
        hash: String::new(),
    })
}

fn number(tuple: &Value<'_>, at: usize) -> Option<f32> {
    let value = super::numbers::single(tuple.items().get(at)?.as_number()?.as_f64());
    value.is_finite().then_some(value)
}

fn model(item: &Value<'_>) -> Option<ModelFacts> {
    let float = |key: &str| Some(super::numbers::single(item.get(key)?.as_number()?.as_f64()));
    let knots: Vec<(f32, f32)> = item
        .get("calibration")?
        .items()
        .iter()
        .map(|pair| Some((number(pair, 0)?, number(pair, 1)?)))
        .collect::<Option<_>>()?;
    let is_rising = knots.windows(2).all(|pair| matches!(pair, [one, next] if one.0 < next.0 && one.1 <= next.1));
    let is_share = knots.iter().all(|(_, share)| (0.0..=1.0).contains(share));
    (is_rising && is_share && !knots.is_empty()).then_some(())?;
    Some(ModelFacts {
        name: item.get("name")?.as_str()?.to_owned(),
        rows: item.get("rows")?.as_u64()?,
        mean: float("mean").filter(|mean| mean.is_finite())?,
        brier: float("brier")?,
        brier_constant: float("brier_constant")?,
        calibration: Calibration { knots },
        reliability: item
            .get("reliability")?
            .items()
            .iter()
            .map(|bin| {
                let rows = bin.items().get(2)?.as_u64()?;
                Some((number(bin, 0)?, number(bin, 1)?, u32::try_from(rows).ok()?))
            })
            .collect::<Option<_>>()?,
    })
}

fn category(item: &Value<'_>) -> Option<Category> {
    let slot = match item.get("slot") {
        Some(slot) => Some(u16::try_from(slot.as_u64()?).ok()?),
        None => None,
    };
    Some(Category { name: item.get("name")?.as_str()?.to_owned(), rows: item.get("rows")?.as_u64()?, slot })
}

struct Writer {
    out: Vec<u8>,
}

impl Writer {
    fn steps(&mut self, values: &[i8]) {
        self.out.extend(values.iter().map(|value| value.to_le_bytes()[0]));
    }

    fn floats(&mut self, values: &[f32]) {
        for value in values {
            self.out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn steps(&mut self, count: usize) -> Option<Vec<i8>> {
        Some(self.take(count)?.iter().map(|byte| i8::from_le_bytes([*byte])).collect())
    }

    fn numbers<const N: usize>(&mut self, count: usize) -> Option<Vec<[u8; N]>> {
        let bytes = self.take(count.checked_mul(N)?)?;
        Some(bytes.chunks_exact(N).filter_map(|chunk| chunk.first_chunk::<N>().copied()).collect())
    }

    fn floats(&mut self, count: usize) -> Option<Vec<f32>> {
        let values: Vec<f32> = self.numbers(count)?.into_iter().map(f32::from_le_bytes).collect();
        values.iter().all(|value| value.is_finite()).then_some(values)
    }
}
