//! What a running rehearsal leaves for the tools that join in: `cargo lambda watch`, `make invoke`, `make replay`.

use std::{fmt::Write, fs, io, path::PathBuf};

use serde_json::Value;

use crate::Rehearsal;

/// The port that `cargo lambda invoke` takes; there only while a rehearsal is running.
const INVOKE_PORT: &str = "invoke-port";

/// A folder with the environment of the function, the port to invoke it by, and a delivery to replay.
pub struct Files(PathBuf);

impl Files {
    /// Writes them.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(folder: PathBuf, rehearsal: &Rehearsal, delivery: Option<&Value>) -> io::Result<Self> {
        let mut environment = String::new();
        for (name, value) in rehearsal.environment_variables() {
            writeln!(environment, "{name}={value}").expect("text grows without end");
        }
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("environment"), environment)?;
        if let Some(delivery) = delivery {
            fs::write(folder.join("delivery.json"), format!("{delivery:#}\n"))?;
        }
        fs::write(folder.join(INVOKE_PORT), format!("{}\n", rehearsal.lambda.address().port()))?;
        Ok(Self(folder))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.0.join(INVOKE_PORT)); // Another rehearsal may have taken it over and gone.
    }
}
