//! What a deployment puts beside the guest pages: drawn by the program that a deployment runs, put as it puts it.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use simulators::cloud::Cloud;
use tokio::{fs, process::Command};

use crate::RehearsalError;

/// Has `program` draw the pictures of the operator file that the function is told of, and puts them into the bucket. Without a program
/// there are none.
pub(super) async fn publish(
    program: Option<&Path>,
    env: &BTreeMap<String, String>,
    cloud: &Cloud,
) -> Result<(), RehearsalError> {
    let Some(program) = program else { return Ok(()) };
    let folder = std::env::temp_dir().join(format!("link-pictures-{:016x}", rand::random::<u64>()));
    let published = async {
        fs::create_dir(&folder).await?;
        let operator_file = match env.get("OPERATOR_FILE") {
            Some(location) => Some(local(location, &folder, cloud).await?),
            None => None,
        };
        let drawn = folder.join("drawn");
        run(Command::new(program).args(operator_file).arg(&drawn)).await?;
        put(&drawn, cloud).await
    };
    let published = published.await;
    fs::remove_dir_all(&folder).await?;
    published
}

/// The file at `location` (a path, or `s3://BUCKET/KEY`), on this machine.
async fn local(location: &str, folder: &Path, cloud: &Cloud) -> Result<PathBuf, RehearsalError> {
    let Some((bucket, key)) = location.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) else {
        return Ok(location.into());
    };
    let file = folder.join("operator.toml");
    fs::write(&file, cloud.object(bucket, key).await?).await?;
    Ok(file)
}

async fn run(command: &mut Command) -> Result<(), RehearsalError> {
    let ended = command.output().await?;
    if ended.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&ended.stderr);
    Err(io::Error::other(format!("the pictures of links are not drawn: {}", words.trim())).into())
}

async fn put(folder: &Path, cloud: &Cloud) -> Result<(), RehearsalError> {
    let mut files = fs::read_dir(folder).await?;
    while let Some(file) = files.next_entry().await? {
        let key = format!("g/{}", file.file_name().to_string_lossy());
        cloud.put_picture(&key, fs::read(file.path()).await?).await?;
    }
    Ok(())
}
