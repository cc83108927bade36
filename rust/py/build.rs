//! Stages `policies/` in `OUT_DIR`, from where maturin puts it into the package (`include` in pyproject.toml): the repository
//! keeps one copy, at its root, and an installed wheel carries the same files as `turnout/policies/`: the policies, and the
//! JSON Schema that their first lines name.
use std::io::Write;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let shipped = Path::new("../../policies");
    let out_dir = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    let staged = Path::new(&out_dir).join("policies");
    writeln!(io::stdout(), "cargo::rerun-if-changed={}", shipped.display())?;
    if staged.exists() {
        fs::remove_dir_all(&staged)?;
    }
    fs::create_dir_all(&staged)?;
    let entries = fs::read_dir(shipped).map_err(|error| {
        io::Error::new(error.kind(), format!("the policies that the wheel ships, `policies/`: {error}"))
    })?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "json") {
            fs::copy(&path, staged.join(path.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}
