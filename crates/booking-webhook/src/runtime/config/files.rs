//! The operator's own files: on disk beside the function, or in S3, so that changing one needs no deployment.

use std::{error::Error, fmt, path::PathBuf};

use aws_sdk_s3::operation::{get_object::GetObjectError, list_objects_v2::ListObjectsV2Error};
use futures::future::join_all;

use crate::outbound::{Answered, Call, CallError, Class, Deadline, Effect, Outbound, Service, WhenUsed, from_sdk};
use crate::runtime::telemetry::with_causes;

/// Senders, each with a file of its own.
const MOST_FILES: usize = 100;

const LIST: Call = Call { service: Service::ConfigurationFiles, operation: "list_files", effect: Effect::Repeatable };
const READ: Call = Call { service: Service::ConfigurationFiles, operation: "read_file", effect: Effect::Repeatable };

/// A file on disk or an object in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileLocation {
    /// A path.
    Path(PathBuf),
    /// `s3://bucket/key`.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key, without a leading slash.
        key: String,
    },
}

/// A file that the environment names cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{variable} ({location}) cannot be used")]
pub(crate) struct FileError {
    variable: &'static str,
    location: FileLocation,
    source: Box<dyn Error + Send + Sync>,
}

/// One file of a folder.
#[derive(Debug)]
pub(crate) struct FolderFile {
    /// Its name without the suffix.
    pub(crate) stem: String,
    /// Where it is.
    pub(crate) location: FileLocation,
    /// Its text, or why it cannot be had.
    pub(crate) text: Result<String, String>,
}

/// How files are reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Files<'a> {
    /// For objects.
    pub(crate) s3: &'a WhenUsed<aws_sdk_s3::Client>,
    /// The way to them.
    pub(crate) outbound: &'a Outbound,
    /// When they must have been read.
    pub(crate) deadline: &'a Deadline,
}

impl Files<'_> {
    /// What `parse` makes of the file that `variable` names; `None` when it names none.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be read, or `parse` refuses it.
    pub(crate) async fn load<T, E>(
        &self,
        variable: &'static str,
        location: Option<&FileLocation>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, FileError>
    where
        E: Error + Send + Sync + 'static,
    {
        let Some(location) = location else { return Ok(None) };
        let text = self.read(location).await;
        let parsed = text.and_then(|text| parse(&text).map_err(Into::into));
        parsed.map(Some).map_err(|source| FileError { variable, location: location.clone(), source })
    }

    /// The files of a folder (or under an S3 prefix) whose names end in `suffix`: name without it, location, and text or why it cannot be
    /// had. In the order of the names.
    ///
    /// # Errors
    /// [`FileError`] when the folder cannot be listed.
    pub(crate) async fn folder(
        &self,
        variable: &'static str,
        location: &FileLocation,
        suffix: &str,
    ) -> Result<Vec<FolderFile>, FileError> {
        let names = self.names(location).await;
        let names = names.map_err(|source| FileError { variable, location: location.clone(), source })?;
        let stem = |name: String| name.strip_suffix(suffix).map(|stem| (stem.to_owned(), location.joined(&name)));
        let files = names.into_iter().filter_map(stem).take(MOST_FILES).map(|(stem, location)| async move {
            let text = self.read(&location).await.map_err(|error| with_causes(&*error));
            FolderFile { stem, location, text }
        });
        Ok(join_all(files).await)
    }

    async fn names(&self, location: &FileLocation) -> Result<Vec<String>, Box<dyn Error + Send + Sync>> {
        let mut names: Vec<String> = match location {
            FileLocation::Path(path) => {
                let entries = std::fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
                entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect()
            }
            FileLocation::S3 { bucket, key } => {
                let prefix = if key.is_empty() || key.ends_with('/') { key.clone() } else { format!("{key}/") };
                let once = || self.keys(bucket, &prefix);
                let keys = self.outbound.attempts(LIST, self.deadline, once).await?;
                keys.into_iter().filter_map(|found| Some(found.strip_prefix(&*prefix)?.to_owned())).collect()
            }
        };
        names.retain(|name| !name.is_empty() && !name.contains('/') && !name.starts_with('.'));
        names.sort();
        Ok(names)
    }

    async fn keys(&self, bucket: &str, prefix: &str) -> Result<Answered<Vec<String>>, CallError> {
        let listed = self.s3.list_objects_v2().bucket(bucket).prefix(prefix).send().await;
        let listed = listed.map_err(|error| from_sdk::<ListObjectsV2Error>(LIST, error))?;
        let keys = listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect();
        Ok(Answered::ok(keys))
    }

    async fn read(&self, location: &FileLocation) -> Result<String, Box<dyn Error + Send + Sync>> {
        let bytes = match location {
            FileLocation::Path(path) => std::fs::read(path)?,
            FileLocation::S3 { bucket, key } => {
                let once = || self.object(bucket, key, location);
                self.outbound.attempts(READ, self.deadline, once).await?
            }
        };
        Ok(String::from_utf8(bytes)?)
    }

    async fn object(&self, bucket: &str, key: &str, location: &FileLocation) -> Result<Answered<Vec<u8>>, CallError> {
        let object = self.s3.get_object().bucket(bucket).key(key).send().await;
        let object = object.map_err(|error| from_sdk::<GetObjectError>(READ, error))?;
        let content = object.body.collect().await.map_err(|error| {
            CallError::new(READ, Class::Transient, format!("lost the connection before the object was whole: {error}"))
        })?;
        Ok(Answered { status: 200, remote_id: Some(location.to_string()), value: content.to_vec() })
    }
}

impl FileLocation {
    fn joined(&self, name: &str) -> Self {
        match self {
            Self::Path(path) => Self::Path(path.join(name)),
            Self::S3 { bucket, key } => Self::S3 {
                bucket: bucket.clone(),
                key: format!("{}/{name}", key.trim_end_matches('/')).trim_start_matches('/').into(),
            },
        }
    }

    pub(super) fn parse(value: &str) -> Self {
        match value.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) {
            Some((bucket, key)) => Self::S3 { bucket: bucket.into(), key: key.into() },
            None => Self::Path(value.into()),
        }
    }
}

impl fmt::Display for FileLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(formatter),
            Self::S3 { bucket, key } => write!(formatter, "s3://{bucket}/{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_be_a_path_or_an_object() {
        let object = FileLocation::S3 { bucket: "jada".into(), key: "config/operator.toml".into() };
        for (text, location) in [
            ("/opt/operator.toml", FileLocation::Path("/opt/operator.toml".into())),
            ("s3://jada/config/operator.toml", object),
        ] {
            assert_eq!((FileLocation::parse(text), location.to_string().as_str()), (location, text));
        }
    }
}
