mod region;
mod truth;
mod universe;
mod values;
